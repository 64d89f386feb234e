import * as z from 'zod/mini'
import { session } from './accounts.ts'
import { describe, ok, shortText } from './common.ts'
import { operation } from './operation.ts'

const tags = ['accounts'] as const
const maxBodyBytes = 16 * 1024

const code = describe(
  shortText(100),
  'The present code of the authenticator app, or a recovery code. Each is accepted once.',
)

/** Proves that the person at the keyboard is the user, not somebody who found an open session. */
const confirmation = {
  current_password: z.optional(shortText(200)),
  code: z.optional(describe(shortText(100), 'Instead of the password: a code of a second factor.')),
}
const confirmationNote =
  'Requires the current password, or a code of a second factor. An account that has neither needs no confirmation.'

const recoveryCodes = describe(
  z.array(z.string()),
  'Each replaces the second factor once. The response is the only one that contains them.',
)

export const verifySecondFactor = operation({
  method: 'POST',
  path: '/auth/second-factor',
  tags,
  summary: 'Finish signing in with a second factor',
  description: 'Attempts are limited like those with passwords.',
  access: 'public',
  audit: 'session.create',
  maxBodyBytes,
  body: z.object({
    challenge: describe(shortText(200), '`challenge` of the response to `POST /auth/login`.'),
    code,
  }),
  responses: { 200: session },
})

export const getFactors = operation({
  method: 'GET',
  path: '/me/factors',
  tags,
  summary: 'Get the second factors of the caller',
  responses: {
    200: z.object({
      totp: describe(z.boolean(), 'Whether an authenticator app is set up.'),
      recovery_codes: describe(z.int(), 'Unused recovery codes.'),
    }),
  },
})

export const beginTotp = operation({
  method: 'POST',
  path: '/me/factors/totp',
  tags,
  summary: 'Create a secret for an authenticator app',
  description: `The app is asked for at sign-in only after \`PUT /me/factors/totp\`. ${confirmationNote}`,
  maxBodyBytes,
  body: z.object(confirmation),
  responses: {
    201: z.object({
      secret: describe(z.string(), 'Base32.'),
      uri: describe(z.string(), 'The `otpauth:` URI for a QR code.'),
    }),
  },
})

export const enableTotp = operation({
  method: 'PUT',
  path: '/me/factors/totp',
  tags,
  summary: 'Ask for the authenticator app at each sign-in from now on',
  audit: 'totp.enable',
  maxBodyBytes,
  body: z.object({ code: describe(shortText(100), 'The present code of the app.') }),
  responses: {
    200: z.object({
      recovery_codes: describe(
        z.nullable(recoveryCodes),
        'With the first second factor; null if the account has recovery codes already.',
      ),
    }),
  },
})

export const disableTotp = operation({
  method: 'DELETE',
  path: '/me/factors/totp',
  tags,
  summary: 'Remove the authenticator app',
  description: `Recovery codes are deleted with the last second factor. ${confirmationNote}`,
  audit: 'totp.disable',
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 200: ok },
})

export const createRecoveryCodes = operation({
  method: 'POST',
  path: '/me/factors/recovery-codes',
  tags,
  summary: 'Create recovery codes in place of the earlier ones',
  description: confirmationNote,
  audit: 'recovery_codes.create',
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 201: z.object({ recovery_codes: recoveryCodes }) },
})
