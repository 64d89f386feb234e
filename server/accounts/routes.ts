import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  createApiKey,
  createInvitation,
  deleteApiKey,
  deleteInvitation,
  deleteMe,
  deleteSession,
  deleteSessions,
  getMe,
  grantAdmin,
  listApiKeys,
  listInvitations,
  listSessions,
  revokeAdmin,
  updateMe,
} from '../../contract/accounts.ts'
import { callerOf, sessionCallerOf } from '../http/caller.ts'
import { publicOrigin } from '../http/public-origin.ts'
import { route } from '../http/route.ts'
import { clearSessionCookie } from '../http/session-cookie.ts'
import type { Accounts } from './accounts.ts'
import { aveeNotFound, handleTaken } from './errors.ts'
import { loginLink } from './login-link.ts'
import { oidcRoutes } from './oidc-routes.ts'
import { secondFactorRoutes } from './second-factor-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'

/** Operations of the avees module, which depends on this one. */
export type AveeOperations = {
  /** Returns whether the user can see the avee; an API key can be restricted only to such an avee. */
  canSee(userId: string, aveeId: string): Promise<boolean>
  /** Returns whether an avee of another owner has this handle. */
  isHandleOfOthers(handle: string, userId: string | null): Promise<boolean>
  /** Deletes every avee of a user. */
  deleteAllOf(userId: string): Promise<void>
}

const done = { ok: true } as const
const invitationSeconds = 7 * 24 * 60 * 60

/** Registration, sign-in, the account of the caller, invitations and API keys. */
export const accountRoutes =
  ({
    accounts,
    avees,
    publicUrl,
  }: {
    accounts: Accounts
    avees: AveeOperations
    publicUrl: string | null
  }): FastifyPluginAsync =>
  async (app) => {
    async function checkHandle(handle: string | undefined, userId: string | null): Promise<void> {
      if (handle !== undefined && (await avees.isHandleOfOthers(handle, userId))) throw handleTaken(handle)
    }

    await app.register(signInRoutes({ accounts, publicUrl, checkHandle }))
    await app.register(secondFactorRoutes({ accounts, publicUrl }))
    await app.register(oidcRoutes({ accounts, publicUrl }))

    /** Returns false if the mail could not be sent: the administrator then sends the link. */
    async function mailInvitation({ log }: FastifyRequest, email: string, token: string): Promise<boolean> {
      return await accounts.mailInvitation(email, token).catch((error: unknown) => {
        log.warn({ err: error }, 'could not send an invitation')
        return false
      })
    }

    route(app, getMe, async (request) => {
      const { userId, isAdmin } = callerOf(request)
      // A key restricted to one avee does not have the rights of its user.
      const user = await accounts.me(userId)
      return { ...user, is_admin: user.is_admin && isAdmin, mode: await accounts.mode() }
    })

    route(app, updateMe, async (request) => {
      const caller = sessionCallerOf(request)
      await checkHandle(request.body.handle, caller.userId)
      return await accounts.update(caller, request.body)
    })

    route(app, deleteMe, async (request, reply) => {
      const caller = sessionCallerOf(request)
      const { password: current_password, code } = request.body ?? {}
      const receipt = await accounts.delete({ caller, current_password, code }, () =>
        avees.deleteAllOf(caller.userId),
      )
      clearSessionCookie(request, reply)
      return { deleted: true as const, receipt }
    })

    route(app, listSessions, async (request) => {
      const { userId } = sessionCallerOf(request)
      return { sessions: await accounts.sessions.list(userId, request.token) }
    })

    route(app, deleteSession, async (request) => {
      await accounts.sessions.delete(sessionCallerOf(request).userId, request.params.id)
      return done
    })

    route(app, deleteSessions, async (request, reply) => {
      await accounts.sessions.deleteAll(sessionCallerOf(request).userId)
      clearSessionCookie(request, reply)
      return done
    })

    route(app, listInvitations, async (request) => {
      sessionCallerOf(request)
      return { invitations: await accounts.invitations.list() }
    })

    route(app, createInvitation, async (request) => {
      const { email = null, expires_in: expiresInSeconds = invitationSeconds } = request.body ?? {}
      const { token, row } = await accounts.invitations.create(sessionCallerOf(request).userId, {
        email: email?.toLowerCase() ?? null,
        expiresInSeconds,
      })
      const mailed = row.email !== null && (await mailInvitation(request, row.email, token))
      const url = loginLink(publicOrigin(request, publicUrl), { invitation: token })
      return { ...row, token, url, mailed }
    })

    route(app, deleteInvitation, async (request) => {
      sessionCallerOf(request)
      await accounts.invitations.revoke(request.params.id)
      return done
    })

    route(app, listApiKeys, async (request) => ({
      api_keys: await accounts.keys.list(sessionCallerOf(request).userId),
    }))

    route(app, createApiKey, async (request) => {
      const { userId } = sessionCallerOf(request)
      const { avee_id } = request.body
      if (avee_id !== undefined && !(await avees.canSee(userId, avee_id))) throw aveeNotFound()
      const { key, row } = await accounts.keys.create(userId, request.body)
      return { ...row, key }
    })

    route(app, deleteApiKey, async (request) => {
      await accounts.keys.revoke(sessionCallerOf(request).userId, request.params.id)
      return done
    })

    route(app, grantAdmin, async (request) => {
      sessionCallerOf(request)
      return await accounts.changeUser(request.params.user, { isAdmin: true })
    })

    route(app, revokeAdmin, async (request) => {
      sessionCallerOf(request)
      return await accounts.changeUser(request.params.user, { isAdmin: false })
    })
  }
