import * as z from 'zod/mini'
import { confirmation, confirmationNote } from './accounts.ts'
import { describe, ok, shortText } from './common.ts'
import { operation } from './operation.ts'

const tags = ['accounts'] as const
const maxBodyBytes = 16 * 1024

const providerPage = z.object({
  url: describe(z.string(), 'The page of the provider. Open it in the browser that sent the request.'),
})

export const beginOidc = operation({
  method: 'POST',
  path: '/auth/oidc',
  tags,
  summary: 'Start signing in at the OIDC provider',
  description:
    'The provider returns the browser to `/auth/oidc/callback`, which sets the session cookie. New people get an account if `REGISTRATION` allows it.',
  access: 'public',
  maxBodyBytes,
  body: z.object({
    next: z.optional(describe(shortText(2000), 'The path of the page to show afterwards.')),
    invitation: z.optional(describe(shortText(200), 'The token of an invitation.')),
  }),
  responses: { 200: providerPage },
})

export const linkOidc = operation({
  method: 'POST',
  path: '/me/identity',
  tags,
  summary: 'Start linking the account to a person at the OIDC provider',
  description: `Afterwards the caller can sign in there. ${confirmationNote}`,
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 200: providerPage },
})

export const unlinkOidc = operation({
  method: 'DELETE',
  path: '/me/identity',
  tags,
  summary: 'Unlink the account from the OIDC provider',
  description: `An account without a password needs one first. ${confirmationNote}`,
  audit: 'identity.delete',
  maxBodyBytes,
  body: z.object(confirmation),
  responses: { 200: ok },
})
