import * as z from 'zod/mini'
import { shownAvatar } from './avees.ts'
import { component, describe, id, idParams, ok, timestamp } from './common.ts'
import { citation } from './messages.ts'
import { operation } from './operation.ts'

const share = component(
  'Share',
  z.object({
    id,
    created_at: timestamp,
    expires_at: describe(z.nullable(timestamp), 'Null for a link that does not expire.'),
  }),
)
export type Share = z.infer<typeof share>

const sharedConversation = component(
  'SharedConversation',
  z.object({
    title: z.nullable(z.string()),
    avee_display_name: describe(z.nullable(z.string()), 'Null if the avee is private.'),
    avee_avatar: shownAvatar,
    created_at: timestamp,
    expires_at: z.nullable(timestamp),
    messages: describe(
      z.array(
        z.object({
          id,
          role: z.enum(['user', 'assistant']),
          content: z.string(),
          citations: z.array(citation),
          created_at: timestamp,
        }),
      ),
      'The selected branch as it was when the link was created, oldest first.',
    ),
  }),
)
export type SharedConversation = z.infer<typeof sharedConversation>

const tags = ['conversations'] as const

export const createShare = operation({
  method: 'POST',
  path: '/conversations/:id/shares',
  tags,
  summary: 'Create a link to a read-only snapshot of a conversation',
  description:
    'Everybody who has the link can read the selected branch as it is now, without an account. The link is returned once.',
  audit: 'share.create',
  params: idParams,
  body: z.optional(
    z.object({
      expires_in: z.optional(
        describe(
          z.int().check(z.minimum(60), z.maximum(366 * 24 * 60 * 60)),
          'Seconds until it expires; never by default.',
        ),
      ),
    }),
  ),
  responses: { 201: z.extend(share, { url: z.string(), token: z.string() }) },
})

export const listShares = operation({
  method: 'GET',
  path: '/conversations/:id/shares',
  tags,
  summary: 'List the links to a conversation',
  params: idParams,
  responses: { 200: z.object({ shares: z.array(share) }) },
})

export const deleteShare = operation({
  method: 'DELETE',
  path: '/shares/:id',
  tags,
  summary: 'Revoke a link to a conversation',
  audit: 'share.delete',
  params: z.object({ id: describe(z.string(), 'The id of the link; to read it, its token.') }),
  responses: { 200: ok },
})

export const getShare = operation({
  method: 'GET',
  path: '/shares/:id',
  tags,
  summary: 'Read a shared conversation',
  description:
    'Shows only the citations that are public now. Not found when the link has expired or was revoked, or when its creator can no longer read the conversation.',
  access: 'public',
  params: z.object({ id: describe(z.string(), 'The token of the link; to revoke it, its id.') }),
  responses: { 200: sharedConversation },
})
