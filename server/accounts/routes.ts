import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  changePassword,
  createApiKey,
  deleteApiKey,
  deleteMe,
  getAuthState,
  getMe,
  grantAdmin,
  listApiKeys,
  logIn,
  logOut,
  register,
  revokeAdmin,
  updateMe,
} from '../../contract/accounts.ts'
import { callerOf, sessionCallerOf } from '../http/caller.ts'
import { route } from '../http/route.ts'
import { clearSessionCookie, setSessionCookie } from '../http/session-cookie.ts'
import type { Accounts, NewSession, User } from './accounts.ts'
import type { ApiKey } from './api-keys.ts'
import { aveeNotFound, handleTaken } from './errors.ts'
import type { Client } from './sign-in-throttle.ts'

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

/** Registration, sign-in, the account of the caller and API keys. */
export const accountRoutes =
  ({ accounts, avees }: { accounts: Accounts; avees: AveeOperations }): FastifyPluginAsync =>
  async (app) => {
    async function checkHandle(handle: string | undefined, userId: string | null): Promise<void> {
      if (handle !== undefined && (await avees.isHandleOfOthers(handle, userId))) throw handleTaken(handle)
    }

    route(app, getAuthState, async () => {
      const { registrationOpen, hasAccounts } = await accounts.state()
      return { mode: await accounts.mode(), registration_open: registrationOpen, has_accounts: hasAccounts }
    })

    route(app, register, async (request, reply) => {
      const isOwner = request.caller?.via === 'personal'
      await checkHandle(request.body.handle, isOwner ? callerOf(request).userId : null)
      const signedIn = await accounts.register(request.body, { client: clientOf(request), isOwner })
      setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return presentSession(signedIn)
    })

    route(app, logIn, async (request, reply) => {
      const signedIn = await accounts.signIn(request.body, clientOf(request))
      setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return presentSession(signedIn)
    })

    route(app, logOut, async (request, reply) => {
      sessionCallerOf(request)
      if (request.token !== undefined) await accounts.signOut(request.token)
      clearSessionCookie(request, reply)
      return done
    })

    route(app, changePassword, async (request, reply) => {
      const signedIn = await accounts.changePassword(sessionCallerOf(request), request.body, request.token)
      if (signedIn) setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return { ok: true as const, session: signedIn && presentSession(signedIn) }
    })

    route(app, getMe, async (request) => ({
      ...presentUser(await accounts.me(callerOf(request).userId)),
      mode: await accounts.mode(),
    }))

    route(app, updateMe, async (request) => {
      const { userId } = sessionCallerOf(request)
      await checkHandle(request.body.handle, userId)
      return presentUser(await accounts.update(userId, request.body))
    })

    route(app, deleteMe, async (request, reply) => {
      const { userId } = sessionCallerOf(request)
      await accounts.delete(userId, request.body?.password, () => avees.deleteAllOf(userId))
      clearSessionCookie(request, reply)
      return done
    })

    route(app, listApiKeys, async (request) => ({
      api_keys: (await accounts.keys.list(sessionCallerOf(request).userId)).map(presentKey),
    }))

    route(app, createApiKey, async (request) => {
      const { userId } = sessionCallerOf(request)
      const { avee_id } = request.body
      if (avee_id !== undefined && !(await avees.canSee(userId, avee_id))) throw aveeNotFound()
      const { key, row } = await accounts.keys.create(userId, request.body)
      return { ...presentKey(row), key }
    })

    route(app, deleteApiKey, async (request) => {
      await accounts.keys.revoke(sessionCallerOf(request).userId, request.params.id)
      return done
    })

    route(app, grantAdmin, async (request) => {
      sessionCallerOf(request)
      return presentUser(await accounts.setAdministrator(request.params.user, true))
    })

    route(app, revokeAdmin, async (request) => {
      sessionCallerOf(request)
      return presentUser(await accounts.setAdministrator(request.params.user, false))
    })
  }

/** A proxy that TRUST_PROXY does not list hides the client's address; its header still distinguishes clients. */
function clientOf(request: FastifyRequest): Client {
  const isTrusted = request.ip !== request.socket.remoteAddress
  const forwardedFor = request.headers['x-forwarded-for'] ?? request.headers.forwarded
  return { ip: request.ip, forwardedFor: isTrusted ? undefined : forwardedFor?.toString().slice(0, 200) }
}

const presentUser = (user: User) => ({ ...user, created_at: user.created_at.toISOString() })

const presentSession = ({ token, expiresAt, user }: NewSession) => ({
  token,
  expires_at: expiresAt.toISOString(),
  user: presentUser(user),
})

const presentKey = (key: ApiKey) => ({
  ...key,
  created_at: key.created_at.toISOString(),
  last_used_at: key.last_used_at?.toISOString() ?? null,
  expires_at: key.expires_at?.toISOString() ?? null,
})
