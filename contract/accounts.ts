import { z } from 'zod'
import { id, time } from './common.ts'

export const handle = z
  .string()
  .regex(/^[a-z0-9_-]{3,30}$/, 'A handle has 3 to 30 characters of a-z, 0-9, _ and -.')
  .describe('3 to 30 characters of a-z, 0-9, _ and -')

export const email = z.email().max(254)
export const password = z.string().min(8, 'A password has at least 8 characters.').max(200)

export const user = z
  .object({
    id,
    email: z.string().nullable().describe('Null for the owner in personal mode.'),
    handle: z.string().nullable(),
    display_name: z.string(),
    is_admin: z.boolean(),
    created_at: time,
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof user>

/** GET /me: the account and how the server is reached. */
export const me = user.extend({
  mode: z.enum(['personal', 'accounts']).describe('personal: this machine acts as the owner with no login.'),
})

export const registerBody = z.object({
  email,
  password,
  handle: handle.optional(),
  display_name: z.string().trim().min(1).max(100).optional(),
})
export const loginBody = z.object({ email: z.string().max(254), password: z.string().max(200) })
export const session = z.object({ token: z.string(), expires_at: time, user })
export type Session = z.infer<typeof session>

export const patchMeBody = z.object({
  handle: handle.optional(),
  display_name: z.string().trim().min(1).max(100).optional(),
  email: email.optional(),
})
export const changePasswordBody = z.object({
  current_password: z.string().max(200).optional().describe('Needed when a password is set.'),
  new_password: password,
})
export const passwordChanged = z.object({
  ok: z.literal(true),
  session: session
    .nullable()
    .describe(
      'Set when this was the first password of a server in personal mode: the session to go on with.',
    ),
})
export const deleteMeBody = z.object({ password: z.string().max(200).optional() }).optional()

/** GET /auth/state: what the login page needs to know before anyone is known. */
export const authState = z.object({
  mode: z.enum(['personal', 'accounts']),
  registration_open: z.boolean(),
  has_accounts: z.boolean(),
})

export const apiKey = z.object({
  id,
  name: z.string(),
  prefix: z.string().describe('The first characters, to tell keys apart.'),
  avee_id: id.nullable().describe('The one avee this key may talk to, or null for all.'),
  created_at: time,
  last_used_at: time.nullable(),
  expires_at: time.nullable(),
})
export const apiKeyList = z.object({ api_keys: z.array(apiKey) })
export const newApiKeyBody = z.object({
  name: z.string().trim().min(1).max(100).default('API key'),
  avee_id: id.optional(),
  expires_at: time.optional(),
})
export const newApiKey = apiKey.extend({ key: z.string().describe('Shown this once.') })
