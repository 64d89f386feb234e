import * as z from 'zod/mini'
import { confirmation, confirmationNote, session } from './accounts.ts'
import { component, describe, id, idParams, ok, shortText, text, time } from './common.ts'
import { operation } from './operation.ts'

const tags = ['accounts'] as const
const maxBodyBytes = 16 * 1024

const code = describe(
  shortText(100),
  'The current code of the authenticator app, or a recovery code. Each is accepted once.',
)

const webAuthn = z.record(z.string(), z.unknown())
const passkeyOptions = z.object({
  options: describe(webAuthn, 'The argument of the WebAuthn API of the browser, as JSON; valid once.'),
})
const passkeyResponse = describe(webAuthn, 'The result of the WebAuthn API of the browser, as JSON.')

const passkey = component(
  'Passkey',
  z.object({ id, name: z.string(), created_at: time, last_used_at: z.nullable(time) }),
)
export type Passkey = z.infer<typeof passkey>

const recoveryCodes = describe(
  z.array(z.string()),
  'Each replaces the second factor once. The response is the only one that contains them.',
)

const firstRecoveryCodes = describe(
  z.nullable(recoveryCodes),
  'Returned with the first second factor; null if the account already has recovery codes.',
)

const signInChallengeToken = describe(shortText(200), '`challenge` of the response to `POST /auth/login`.')

export const requestPasskey = operation({
  method: 'POST',
  path: '/auth/second-factor/passkey',
  tags,
  summary: 'Get the options for using a passkey as second factor',
  access: 'public',
  maxBodyBytes,
  body: z.object({ challenge: signInChallengeToken }),
  responses: { 200: passkeyOptions },
})

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
    challenge: signInChallengeToken,
    code: z.optional(code),
    passkey: z.optional(describe(passkeyResponse, 'Replaces `code`.')),
  }),
  responses: { 200: session },
})

export const getFactors = operation({
  method: 'GET',
  path: '/me/factors',
  tags,
  summary: 'Get how the caller signs in',
  responses: {
    200: z.object({
      totp: describe(z.boolean(), 'Whether an authenticator app is set up.'),
      passkeys: z.array(passkey),
      recovery_codes: describe(z.int(), 'Unused recovery codes.'),
      password: describe(z.boolean(), 'Whether the account has a password.'),
      identity: describe(z.boolean(), 'Whether the account is linked to the OIDC provider.'),
    }),
  },
})

export const beginTotp = operation({
  method: 'POST',
  path: '/me/factors/totp',
  tags,
  summary: 'Create a secret for an authenticator app',
  description: `Sign-in requires the app only after \`PUT /me/factors/totp\`. ${confirmationNote}`,
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
  summary: 'Require the authenticator app at each sign-in from now on',
  audit: 'totp.enable',
  maxBodyBytes,
  body: z.object({ code: describe(shortText(100), 'The current code of the app.') }),
  responses: {
    200: z.object({ recovery_codes: firstRecoveryCodes }),
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
  summary: 'Create recovery codes, which replace the earlier ones',
  description: confirmationNote,
  audit: 'recovery_codes.create',
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 201: z.object({ recovery_codes: recoveryCodes }) },
})

export const beginPasskey = operation({
  method: 'POST',
  path: '/me/factors/passkeys/options',
  tags,
  summary: 'Get the options for creating a passkey',
  description: confirmationNote,
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 200: passkeyOptions },
})

export const createPasskey = operation({
  method: 'POST',
  path: '/me/factors/passkeys',
  tags,
  summary: 'Add a passkey, which replaces the code of an authenticator app at sign-in',
  audit: 'passkey.create',
  maxBodyBytes,
  body: z.object({ name: text(100), response: passkeyResponse }),
  responses: { 201: z.extend(passkey, { recovery_codes: firstRecoveryCodes }) },
})

export const deletePasskey = operation({
  method: 'DELETE',
  path: '/me/factors/passkeys/:id',
  tags,
  summary: 'Remove a passkey',
  description: `Recovery codes are deleted with the last second factor. ${confirmationNote}`,
  audit: 'passkey.delete',
  maxBodyBytes,
  params: idParams,
  body: z.object(confirmation),
  responses: { 200: ok },
})
