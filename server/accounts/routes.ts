import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  type apiKey,
  apiKeyList,
  authState,
  changePasswordBody,
  deleteMeBody,
  loginBody,
  me,
  newApiKey,
  newApiKeyBody,
  passwordChanged,
  patchMeBody,
  registerBody,
  session,
  user,
} from '../../contract/accounts.ts'
import { id, ok } from '../../contract/common.ts'
import { callerOf, personOf } from '../http/caller.ts'
import { clearSessionCookie, setSessionCookie } from '../http/session-cookie.ts'
import type { Accounts, NewSession, User } from './accounts.ts'
import type { ApiKey } from './api-keys.ts'
import { aveeNotFound, handleTaken } from './errors.ts'

/** What only the room of avees, further up, can tell and do. */
export type AveeOperations = {
  /** Whether the person may see this avee: an API key can only be for one that they may. */
  canSee(userId: string, aveeId: string): Promise<boolean>
  /** Whether an avee of somebody else goes by this handle, so that nobody passes for it. */
  isHandleOfOthers(handle: string, userId: string | null): Promise<boolean>
  /** Deletes every avee of somebody who leaves. */
  deleteAllOf(userId: string): Promise<void>
}

const tags = ['accounts']
const done = { ok: true } as const

/** Registration, sign-in, the caller's own account and API keys. */
export const accountRoutes =
  ({ accounts, avees }: { accounts: Accounts; avees: AveeOperations }): FastifyPluginAsyncZod =>
  async (app) => {
    async function refuseHandleOfOthers(handle: string | undefined, userId: string | null): Promise<void> {
      if (handle !== undefined && (await avees.isHandleOfOthers(handle, userId))) throw handleTaken(handle)
    }

    app.get(
      '/auth/state',
      {
        schema: { tags, summary: 'How this server is entered', response: { 200: authState } },
        config: { access: 'public' },
      },
      async () => {
        const { registrationOpen, hasAccounts } = await accounts.state()
        return { mode: await accounts.mode(), registration_open: registrationOpen, has_accounts: hasAccounts }
      },
    )

    app.post(
      '/auth/register',
      {
        schema: {
          tags,
          summary: 'Make an account',
          description:
            'The first account takes over what was made in personal mode and becomes the administrator; in personal mode only the machine itself can make it.',
          body: registerBody,
          response: { 201: session },
        },
        config: { access: 'public' },
      },
      async (request, reply) => {
        const isOwner = request.caller?.via === 'personal'
        await refuseHandleOfOthers(request.body.handle, isOwner ? callerOf(request).userId : null)
        const signedIn = await accounts.register(request.body, { ip: request.ip, isOwner })
        setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
        return reply.code(201).send(presentSession(signedIn))
      },
    )

    app.post(
      '/auth/login',
      {
        schema: { tags, summary: 'Sign in', body: loginBody, response: { 200: session } },
        config: { access: 'public' },
      },
      async (request, reply) => {
        const signedIn = await accounts.signIn(request.body, request.ip)
        setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
        return presentSession(signedIn)
      },
    )

    app.post(
      '/auth/logout',
      { schema: { tags, summary: 'Revoke the token of this request', response: { 200: ok } } },
      async (request, reply) => {
        personOf(request)
        if (request.token !== undefined) await accounts.signOut(request.token)
        clearSessionCookie(request, reply)
        return done
      },
    )

    app.post(
      '/auth/password',
      {
        schema: {
          tags,
          summary: 'Set or change the password',
          description:
            'Ends the other sessions of the account. The first password of a server in personal mode makes everybody sign in from then on.',
          body: changePasswordBody,
          response: { 200: passwordChanged },
        },
      },
      async (request, reply) => {
        const signedIn = await accounts.changePassword(personOf(request), request.body, request.token)
        if (signedIn) setSessionCookie(request, reply, signedIn.token, signedIn.expiresAt)
        return { ok: true as const, session: signedIn && presentSession(signedIn) }
      },
    )

    app.get('/me', { schema: { tags, summary: 'Who am I', response: { 200: me } } }, async (request) => ({
      ...presentUser(await accounts.me(callerOf(request).userId)),
      mode: await accounts.mode(),
    }))

    app.patch(
      '/me',
      { schema: { tags, summary: 'Change my account', body: patchMeBody, response: { 200: user } } },
      async (request) => {
        const { userId } = personOf(request)
        await refuseHandleOfOthers(request.body.handle, userId)
        return presentUser(await accounts.update(userId, request.body))
      },
    )

    app.delete(
      '/me',
      {
        schema: {
          tags,
          summary: 'Delete my account and everything of mine',
          description: 'Needs the password where one is set. There is no way back.',
          body: deleteMeBody,
          response: { 200: ok },
        },
      },
      async (request, reply) => {
        const { userId } = personOf(request)
        await accounts.delete(userId, request.body?.password, () => avees.deleteAllOf(userId))
        clearSessionCookie(request, reply)
        return done
      },
    )

    app.get(
      '/api-keys',
      { schema: { tags, summary: 'My API keys', response: { 200: apiKeyList } } },
      async (request) => ({
        api_keys: (await accounts.keys.list(personOf(request).userId)).map(presentKey),
      }),
    )

    app.post(
      '/api-keys',
      {
        schema: {
          tags,
          summary: 'Make an API key',
          description:
            'The key is shown in this answer and never again. With `avee_id` it is good for that avee only.',
          body: newApiKeyBody,
          response: { 201: newApiKey },
        },
      },
      async (request, reply) => {
        const { userId } = personOf(request)
        const { avee_id } = request.body
        if (avee_id !== undefined && !(await avees.canSee(userId, avee_id))) throw aveeNotFound()
        const { key, row } = await accounts.keys.create(userId, request.body)
        return reply.code(201).send({ ...presentKey(row), key })
      },
    )

    app.delete(
      '/api-keys/:id',
      { schema: { tags, summary: 'Revoke an API key', params: z.object({ id }), response: { 200: ok } } },
      async (request) => {
        await accounts.keys.revoke(personOf(request).userId, request.params.id)
        return done
      },
    )

    const whom = z.object({ user: z.string().max(300).describe('An id, a handle or an e-mail address.') })
    for (const method of ['PUT', 'DELETE'] as const) {
      app.route({
        method,
        url: '/users/:user/admin',
        schema: {
          tags,
          summary:
            method === 'PUT' ? 'Make somebody an administrator' : 'Make somebody an ordinary user again',
          params: whom,
          response: { 200: user },
        },
        config: { access: 'admin' },
        handler: async (request) => {
          personOf(request)
          return presentUser(await accounts.setAdministrator(request.params.user, method === 'PUT'))
        },
      })
    }
  }

const presentUser = ({ created_at, ...rest }: User) => ({ ...rest, created_at: created_at.toISOString() })

const presentSession = ({ token, expiresAt, user: owner }: NewSession) => ({
  token,
  expires_at: expiresAt.toISOString(),
  user: presentUser(owner),
})

const presentKey = ({
  id: keyId,
  name,
  prefix,
  avee_id,
  created_at,
  last_used_at,
  expires_at,
}: ApiKey): z.infer<typeof apiKey> => ({
  id: keyId,
  name,
  prefix,
  avee_id,
  created_at: created_at.toISOString(),
  last_used_at: last_used_at?.toISOString() ?? null,
  expires_at: expires_at?.toISOString() ?? null,
})
