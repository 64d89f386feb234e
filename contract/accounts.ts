import * as z from 'zod/mini'
import { component, describe, id, idParams, ok, shortText, text, time } from './common.ts'
import { operation } from './operation.ts'

export const handle = describe(
  z.string().check(z.regex(/^[a-z0-9_-]{3,30}$/, 'A handle has 3 to 30 characters of a-z, 0-9, _ and -.')),
  '3 to 30 characters of a-z, 0-9, _ and -',
)

const email = z.email().check(z.maxLength(254))
const newPassword = z
  .string()
  .check(z.minLength(8, 'A password has at least 8 characters.'), z.maxLength(200))
const displayName = text(100)

export const user = component(
  'User',
  z.object({
    id,
    email: describe(z.nullable(z.string()), 'Null for the owner in personal mode.'),
    handle: z.nullable(z.string()),
    display_name: z.string(),
    is_admin: z.boolean(),
    created_at: time,
  }),
)

const serverMode = describe(
  z.enum(['personal', 'accounts']),
  'personal: requests from the machine itself act as the owner without signing in.',
)

export const session = component('Session', z.object({ token: z.string(), expires_at: time, user }))
export type Session = z.infer<typeof session>

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
    200: z.object({ mode: serverMode, registration_open: z.boolean(), has_accounts: z.boolean() }),
  },
})

export const register = operation({
  method: 'POST',
  path: '/auth/register',
  tags,
  summary: 'Create an account',
  description:
    'The first account becomes the administrator and owns everything created in personal mode. In personal mode only the machine itself can create it.',
  access: 'public',
  maxBodyBytes,
  body: z.object({
    email,
    password: newPassword,
    handle: z.optional(handle),
    display_name: z.optional(displayName),
  }),
  responses: { 201: session },
})

export const logIn = operation({
  method: 'POST',
  path: '/auth/login',
  tags,
  summary: 'Sign in',
  access: 'public',
  maxBodyBytes,
  body: z.object({ email: shortText(254), password: shortText(200) }),
  responses: { 200: session },
})

export const logOut = operation({
  method: 'POST',
  path: '/auth/logout',
  tags,
  summary: 'Sign out',
  description: 'Revokes the session token of this request.',
  maxBodyBytes,
  responses: { 200: ok },
})

export const changePassword = operation({
  method: 'POST',
  path: '/auth/password',
  tags,
  summary: 'Set or change the password',
  description:
    'Ends all other sessions of the account. The first password on a server in personal mode switches it to accounts mode, in which everybody signs in.',
  maxBodyBytes,
  body: z.object({
    current_password: z.optional(describe(shortText(200), 'Required if the account has a password.')),
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
  body: z.object({
    handle: z.optional(handle),
    display_name: z.optional(displayName),
    email: z.optional(email),
  }),
  responses: { 200: user },
})

export const deleteMe = operation({
  method: 'DELETE',
  path: '/me',
  tags,
  summary: 'Delete the account of the caller',
  description:
    'Deletes all avees, documents, conversations and memories of the account. Requires the password if the account has one. Cannot be undone.',
  body: z.optional(z.object({ password: z.optional(shortText(200)) })),
  responses: { 200: ok },
})

export const apiKey = component(
  'ApiKey',
  z.object({
    id,
    name: z.string(),
    prefix: describe(z.string(), 'The first characters of the key.'),
    avee_id: describe(z.nullable(id), 'The only avee that this key gives access to, or null for all.'),
    created_at: time,
    last_used_at: z.nullable(time),
    expires_at: z.nullable(time),
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
  body: z.object({
    name: z._default(text(100), 'API key'),
    avee_id: z.optional(id),
    expires_at: z.optional(time),
  }),
  responses: { 201: z.extend(apiKey, { key: describe(z.string(), 'Shown once.') }) },
})

export const deleteApiKey = operation({
  method: 'DELETE',
  path: '/api-keys/:id',
  tags,
  summary: 'Revoke an API key',
  params: idParams,
  responses: { 200: ok },
})

const userParams = z.object({ user: describe(shortText(300), 'Id, handle or e-mail address.') })

export const grantAdmin = operation({
  method: 'PUT',
  path: '/users/:user/admin',
  tags,
  summary: 'Make a user an administrator',
  access: 'admin',
  params: userParams,
  responses: { 200: user },
})

export const revokeAdmin = operation({
  method: 'DELETE',
  path: '/users/:user/admin',
  tags,
  summary: 'Revoke administrator rights',
  access: 'admin',
  params: userParams,
  responses: { 200: user },
})
