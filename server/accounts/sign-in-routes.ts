import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  changePassword,
  forgotPassword,
  getAuthState,
  logIn,
  logOut,
  register,
  resetPassword,
} from '../../contract/accounts.ts'
import { requestPasskey, verifySecondFactor } from '../../contract/second-factors.ts'
import { callerOf, sessionCallerOf } from '../http/caller.ts'
import { relyingParty } from '../http/relying-party.ts'
import { route } from '../http/route.ts'
import { clearSessionCookie, setSessionCookie } from '../http/session-cookie.ts'
import type { Accounts } from './accounts.ts'
import type { Client, NewSession, SecondFactorChallenge } from './sign-in.ts'

const done = { ok: true } as const

/** Registration, sign-in, sign-out and passwords. */
export const signInRoutes =
  ({
    accounts,
    publicUrl,
    checkHandle,
  }: {
    accounts: Accounts
    publicUrl: string | null
    /** @throws 409 for the handle of another user's avee */
    checkHandle: (handle: string | undefined, userId: string | null) => Promise<void>
  }): FastifyPluginAsync =>
  async (app) => {
    route(app, getAuthState, async () => {
      const { registration, registrationOpen, hasAccounts, needsSetupToken, mail, oidc } =
        await accounts.state()
      return {
        mode: await accounts.mode(),
        registration,
        registration_open: registrationOpen,
        has_accounts: hasAccounts,
        needs_setup_token: needsSetupToken,
        mail,
        oidc,
      }
    })

    route(app, register, async (request, reply) => {
      const isOwner = request.caller?.via === 'personal'
      await checkHandle(request.body.handle, isOwner ? callerOf(request).userId : null)
      const signedIn = await accounts.register(request.body, { client: clientOf(request), isOwner })
      request.audited = { actorId: signedIn.user.id }
      setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return presentSession(signedIn)
    })

    route(app, logIn, async (request, reply) => {
      const signedIn = await accounts.signIn(request.body, clientOf(request))
      request.audited = { actorId: signedIn.user.id }
      if ('challenge' in signedIn) {
        request.audited.action = 'session.challenge'
        reply.code(202)
        return presentChallenge(signedIn)
      }
      setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return presentSession(signedIn)
    })

    route(app, requestPasskey, async (request) => {
      const userId = await accounts.challengedUser(request.body.challenge)
      const options = await accounts.factors.passkeyOptions(userId, relyingParty(request, publicUrl))
      return { options: { ...options } }
    })

    route(app, verifySecondFactor, async (request, reply) => {
      const { challenge, code = '', passkey } = request.body
      request.audited = { actorId: await accounts.challengedUser(challenge) }
      const verify = (userId: string) =>
        passkey === undefined
          ? accounts.factors.verifyCode(userId, code)
          : accounts.factors.verifyPasskey(userId, passkey, relyingParty(request, publicUrl))
      const signedIn = await accounts.finishSignIn(challenge, verify, clientOf(request))
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
      const signedIn = await accounts.changePassword(sessionCallerOf(request), request.body, {
        token: request.token,
        client: clientOf(request),
      })
      if (signedIn) setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
      return { ok: true as const, session: signedIn && presentSession(signedIn) }
    })

    route(app, forgotPassword, async (request) => {
      await accounts.forgotPassword(request.body.email, clientOf(request))
      return done
    })

    route(app, resetPassword, async (request) => {
      const userId = await accounts.resetPassword(request.body, clientOf(request))
      request.audited = { actorId: userId }
      return done
    })
  }

/** A proxy that TRUST_PROXY does not list hides the client's address; its header still distinguishes clients. */
export function clientOf(request: FastifyRequest): Client {
  const isTrusted = request.ip !== request.socket.remoteAddress
  const forwardedFor = request.headers['x-forwarded-for'] ?? request.headers.forwarded
  return {
    ip: request.ip,
    forwardedFor: isTrusted ? undefined : forwardedFor?.toString().slice(0, 200),
    userAgent: request.headers['user-agent'],
  }
}

const presentSession = ({ token, expiresAt, user }: NewSession) => ({ token, expires_at: expiresAt, user })

const presentChallenge = ({ challenge, expiresAt, factors }: SecondFactorChallenge) => ({
  challenge,
  expires_at: expiresAt,
  factors,
})
