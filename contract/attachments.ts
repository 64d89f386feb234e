import * as z from 'zod/mini'
import { component, describe, id, idempotencyHeaders, idParams, shortText } from './common.ts'
import { trashFilter } from './deletions.ts'
import { document, ingestEvents } from './knowledge.ts'
import { content, operation } from './operation.ts'

/** The maximum number of attachments of a question. */
export const maxQuestionAttachments = 20

/** A file of a question. */
export const attachment = component(
  'Attachment',
  z.object({
    id: describe(
      id,
      'The id of the document, whose text, file and passages are read like those of other documents.',
    ),
    name: z.string(),
    type: describe(z.string(), 'pdf, docx, md, txt, html …'),
    bytes: z.int(),
  }),
)
export type Attachment = z.infer<typeof attachment>

const tags = ['conversations'] as const

export const createAttachments = operation({
  method: 'POST',
  path: '/attachments',
  work: 'uploads',
  tags,
  summary: 'Attach files to a conversation',
  description:
    'The response streams the progress, like an upload. The files are searchable in this conversation only, visible to its user only, and deleted with it.',
  scope: 'chat',
  headers: idempotencyHeaders,
  body: content({
    'multipart/form-data': z.unknown().register(z.globalRegistry, {
      type: 'object',
      properties: {
        files: { type: 'array', items: { type: 'string', format: 'binary' } },
        conversation_id: { type: 'string', format: 'uuid' },
      },
      required: ['files', 'conversation_id'],
    }),
  }),
  events: ingestEvents,
})

export const listAttachments = operation({
  method: 'GET',
  path: '/conversations/:id/attachments',
  tags,
  summary: 'List the attachments of a conversation',
  description: 'Newest first. They can be read, renamed, deleted and restored like other documents.',
  params: idParams,
  query: z.object({
    trash: trashFilter,
    unsent: z.optional(
      describe(z.stringbool(), 'Lists only attachments that no question of the conversation has used.'),
    ),
  }),
  responses: { 200: z.object({ attachments: z.array(document) }) },
})

/** Whether documents of this type can be given to models with vision as pictures. */
export const isPicture = (type: string): boolean => /^(?:png|jpe?g|webp|gif)$/.test(type)

/** The attachments of a question. */
export const questionAttachments = z.optional(
  describe(
    z.array(id).check(z.maxLength(maxQuestionAttachments)),
    'Attachments of the conversation that the question is about. The others are searched too.',
  ),
)

/** The provider outside the private network that may receive pictures. */
export const imagesTo = z.optional(
  describe(
    shortText(200),
    'The provider outside the private network that may receive the pictures of this question and of earlier ones; empty for none. If another provider outside of it would receive pictures, the response is 409 `images_need_permission`.',
  ),
)
