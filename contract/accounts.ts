import * as z from 'zod/mini'
import { component, describe, id, idParams, ok, shortText, text, time, timestamp } from './common.ts'
import { deleted } from './deletions.ts'
import { operation, scopes } from './operation.ts'

export const handle = describe(
  z.string().check(z.regex(/^[a-z0-9_-]{3,30}$/, 'A handle has 3 to 30 characters of a-z, 0-9, _ and -.')),
  '3 to 30 characters of a-z, 0-9, _ and -',
)

const email = z.email().check(z.maxLength(254))
/** NIST SP 800-63B-4 requires a check against common passwords besides a minimum length. */
export const minPasswordCharacters = 10
const newPassword = describe(
  z
    .string()
    .check(
      z.minLength(minPasswordCharacters, `A password has at least ${minPasswordCharacters} characters.`),
      z.maxLength(200),
    ),
  'At least 10 characters, and not one of the most common passwords.',
)
const displayName = text(100)
/** Up to ten years. */
const seconds = z.int().check(z.minimum(60), z.maximum(315_360_000))

export const user = component(
  'User',
  z.object({
    id,
    email: describe(z.nullable(z.string()), 'Null for the owner in personal mode.'),
    handle: z.nullable(z.string()),
    display_name: z.string(),
    is_admin: z.boolean(),
    created_at: timestamp,
  }),
)

const serverMode = describe(
  z.enum(['personal', 'accounts']),
  'personal: requests from the machine itself act as the owner without signing in.',
)

export const session = component('Session', z.object({ token: z.string(), expires_at: timestamp, user }))
export type Session = z.infer<typeof session>

/** Proves that the caller is the user, not somebody who found an open session. */
export const confirmation = {
  current_password: z.optional(shortText(200)),
  code: z.optional(describe(shortText(100), 'A code of a second factor, in place of the password.')),
}
export const confirmationNote =
  'Requires the current password, or a code of a second factor. An account that has neither needs a session that began in the last ten minutes.'

/** The second factors that a user can set up. */
const factorKinds = ['totp', 'passkey'] as const
export type FactorKind = (typeof factorKinds)[number]

export const signInChallenge = component(
  'SignInChallenge',
  z.object({
    challenge: describe(z.string(), 'For `POST /auth/second-factor`; valid for one sign-in.'),
    factors: describe(
      z.array(z.enum(factorKinds)),
      'The second factors of the user; a recovery code replaces any of them.',
    ),
    expires_at: timestamp,
  }),
)
export type SignInChallenge = z.infer<typeof signInChallenge>

const tags = ['accounts'] as const
/** Credentials are short; a small limit keeps parsing cheap for requests without a session. */
const maxBodyBytes = 16 * 1024

export const getAuthState = operation({
  method: 'GET',
  path: '/auth/state',
  tags,
  summary: 'Get how users sign in to this server',
  access: 'public',
  responses: {
    200: z.object({
      mode: serverMode,
      registration: describe(
        z.enum(['invite', 'open', 'closed']),
        'How accounts are created after the first one: with an invitation, by anybody, or not at all.',
      ),
      registration_open: describe(z.boolean(), 'True if an account can be created without an invitation.'),
      has_accounts: z.boolean(),
      needs_setup_token: describe(
        z.boolean(),
        'True if the first account requires the setup token that the server prints at its start.',
      ),
      oidc: describe(z.nullable(z.string()), 'The name of the OIDC provider where people can sign in.'),
      mail: describe(z.boolean(), 'Whether the server sends mails with links for a new password.'),
    }),
  },
})

export const register = operation({
  method: 'POST',
  path: '/auth/register',
  tags,
  summary: 'Create an account',
  description:
    'The first account becomes the administrator and owns everything created in personal mode. In personal mode only the machine itself can create it; otherwise it requires the setup token that the server prints at its start. Further accounts require an invitation unless registration is open.',
  access: 'public',
  audit: 'account.register',
  maxBodyBytes,
  body: z.object({
    email,
    password: newPassword,
    handle: z.optional(handle),
    display_name: z.optional(displayName),
    invitation: z.optional(describe(shortText(200), 'The token of an invitation.')),
    setup_token: z.optional(
      describe(shortText(200), 'The server prints it at its start if it has no account yet.'),
    ),
  }),
  responses: { 201: session },
})

export const logIn = operation({
  method: 'POST',
  path: '/auth/login',
  tags,
  summary: 'Sign in',
  description:
    'Returns a session, or with status 202 a challenge if the user has a second factor; `POST /auth/second-factor` then returns the session.',
  access: 'public',
  audit: 'session.create',
  maxBodyBytes,
  body: z.object({ email: shortText(254), password: shortText(200) }),
  responses: { 200: session, 202: signInChallenge },
})

export const logOut = operation({
  method: 'POST',
  path: '/auth/logout',
  tags,
  summary: 'Sign out',
  description: 'Revokes the session token of this request.',
  audit: 'session.delete',
  maxBodyBytes,
  responses: { 200: ok },
})

export const changePassword = operation({
  method: 'POST',
  path: '/auth/password',
  tags,
  summary: 'Set or change the password',
  audit: 'account.change_password',
  description: `Ends all other sessions of the account. The first password on a server in personal mode switches it to accounts mode, in which everybody signs in. ${confirmationNote}`,
  maxBodyBytes,
  body: z.object({
    ...confirmation,
    new_password: newPassword,
  }),
  responses: {
    200: z.object({
      ok: z.literal(true),
      session: describe(
        z.nullable(session),
        'The new session after the first password of a server in personal mode; null otherwise.',
      ),
    }),
  },
})

export const forgotPassword = operation({
  method: 'POST',
  path: '/auth/forgot-password',
  tags,
  summary: 'Request a mail with a link for a new password',
  description:
    'Returns the same response whether or not an account has the address. The link works once, for an hour.',
  access: 'public',
  audit: 'account.forgot_password',
  maxBodyBytes,
  body: z.object({ email }),
  responses: { 200: ok },
})

export const resetPassword = operation({
  method: 'POST',
  path: '/auth/reset',
  tags,
  summary: 'Set a new password with a reset link',
  description: 'Ends all sessions of the account; API keys remain valid. A link works once.',
  access: 'public',
  audit: 'account.reset_password',
  maxBodyBytes,
  body: z.object({
    token: describe(shortText(200), 'The token of the link.'),
    new_password: newPassword,
  }),
  responses: { 200: ok },
})

const me = z.extend(user, { mode: serverMode })
export type Me = z.infer<typeof me>

export const getMe = operation({
  method: 'GET',
  path: '/me',
  tags,
  summary: 'Get the account of the caller',
  responses: { 200: me },
})

export const updateMe = operation({
  method: 'PATCH',
  path: '/me',
  tags,
  summary: 'Update the account of the caller',
  audit: 'account.update',
  description: `A new e-mail address has to be confirmed. ${confirmationNote}`,
  body: z.object({
    handle: z.optional(handle),
    display_name: z.optional(displayName),
    email: z.optional(email),
    ...confirmation,
  }),
  responses: { 200: user },
})

export const deleteMe = operation({
  method: 'DELETE',
  path: '/me',
  tags,
  summary: 'Delete the account of the caller',
  audit: 'account.delete',
  description: `Deletes all avees, documents, conversations and memories of the account. Cannot be undone. ${confirmationNote}`,
  body: z.optional(z.object({ password: z.optional(shortText(200)), code: confirmation.code })),
  responses: { 200: deleted },
})

export const activeSession = component(
  'ActiveSession',
  z.object({
    id,
    address: describe(z.nullable(z.string()), 'Where the session was last used.'),
    user_agent: z.nullable(z.string()),
    is_current: z.boolean(),
    created_at: timestamp,
    last_used_at: timestamp,
    expires_at: timestamp,
  }),
)
export type ActiveSession = z.infer<typeof activeSession>

export const listSessions = operation({
  method: 'GET',
  path: '/sessions',
  tags,
  summary: 'List the sessions of the caller',
  responses: { 200: z.object({ sessions: z.array(activeSession) }) },
})

export const deleteSession = operation({
  method: 'DELETE',
  path: '/sessions/:id',
  tags,
  summary: 'Sign out a session',
  audit: 'session.delete',
  params: idParams,
  responses: { 200: ok },
})

export const deleteSessions = operation({
  method: 'DELETE',
  path: '/sessions',
  tags,
  summary: 'Sign out everywhere',
  description: 'Ends all sessions of the caller, this one included. API keys remain valid.',
  audit: 'session.delete_all',
  responses: { 200: ok },
})

export const invitation = component(
  'Invitation',
  z.object({
    id,
    email: describe(z.nullable(z.string()), 'The only address that can use it, or null for any.'),
    created_at: timestamp,
    expires_at: timestamp,
  }),
)

export const createInvitation = operation({
  method: 'POST',
  path: '/invitations',
  tags,
  summary: 'Invite somebody to create an account',
  description: 'The response is the only one that contains the token. An invitation creates one account.',
  access: 'admin',
  audit: 'invitation.create',
  body: z.optional(
    z.object({
      email: z.optional(email),
      expires_in: z.optional(describe(seconds, 'Seconds until it expires; seven days by default.')),
    }),
  ),
  responses: {
    201: z.extend(invitation, {
      token: describe(z.string(), 'Shown once.'),
      url: describe(z.string(), 'The page for creating the account.'),
      mailed: describe(z.boolean(), 'Whether the server has sent the link to `email`.'),
    }),
  },
})

export const listInvitations = operation({
  method: 'GET',
  path: '/invitations',
  tags,
  summary: 'List invitations that are neither used nor expired',
  access: 'admin',
  responses: { 200: z.object({ invitations: z.array(invitation) }) },
})

export const deleteInvitation = operation({
  method: 'DELETE',
  path: '/invitations/:id',
  tags,
  summary: 'Revoke an invitation',
  access: 'admin',
  audit: 'invitation.delete',
  params: idParams,
  responses: { 200: ok },
})

export const maxRequestsPerMinute = 10_000

export const apiKey = component(
  'ApiKey',
  z.object({
    id,
    name: z.string(),
    prefix: describe(z.string(), 'The first characters of the key.'),
    avee_id: describe(z.nullable(id), 'The only avee that this key gives access to, or null for all.'),
    scopes: z.array(z.enum(scopes)),
    requests_per_minute: describe(
      z.nullable(z.int()),
      'The maximum number of requests per minute; null for no limit.',
    ),
    created_at: timestamp,
    last_used_at: z.nullable(timestamp),
    expires_at: z.nullable(timestamp),
  }),
)

export type ApiKey = z.infer<typeof apiKey>

export const listApiKeys = operation({
  method: 'GET',
  path: '/api-keys',
  tags,
  summary: 'List API keys',
  responses: { 200: z.object({ api_keys: z.array(apiKey) }) },
})

export const createApiKey = operation({
  method: 'POST',
  path: '/api-keys',
  tags,
  summary: 'Create an API key',
  description:
    'The response is the only one that contains the key. With `avee_id` the key gives access to that avee only.',
  audit: 'api_key.create',
  body: z.object({
    name: z._default(text(100), 'API key'),
    avee_id: z.optional(id),
    scopes: z.optional(
      describe(
        z.array(z.enum(scopes)).check(z.minLength(1), z.maxLength(scopes.length)),
        'read: read everything that the user can; chat: ask avees; manage: change everything else. All by default.',
      ),
    ),
    requests_per_minute: z.optional(
      describe(
        z.int().check(z.minimum(1), z.maximum(maxRequestsPerMinute)),
        'Further requests with the key get 429 until the minute has passed. No limit by default.',
      ),
    ),
    expires_in: z.optional(describe(seconds, 'Seconds until the key expires.')),
    expires_at: z.optional(describe(time, 'Replaces `expires_in`.')),
  }),
  responses: { 201: z.extend(apiKey, { key: describe(z.string(), 'Shown once.') }) },
})

export const deleteApiKey = operation({
  method: 'DELETE',
  path: '/api-keys/:id',
  tags,
  summary: 'Revoke an API key',
  audit: 'api_key.delete',
  params: idParams,
  responses: { 200: ok },
})

const userParams = z.object({ user: describe(shortText(300), 'Id, handle or e-mail address.') })

export const grantAdmin = operation({
  method: 'PUT',
  path: '/users/:user/admin',
  tags,
  summary: 'Make a user an administrator',
  audit: 'user.grant_admin',
  access: 'admin',
  params: userParams,
  responses: { 200: user },
})

export const revokeAdmin = operation({
  method: 'DELETE',
  path: '/users/:user/admin',
  tags,
  summary: 'Revoke administrator rights',
  audit: 'user.revoke_admin',
  access: 'admin',
  params: userParams,
  responses: { 200: user },
})
