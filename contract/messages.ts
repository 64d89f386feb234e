import * as z from 'zod/mini'
import { attachment } from './attachments.ts'
import { component, describe, id, timestamp } from './common.ts'
import { layer } from './layers.ts'
import { usedMemory } from './memory.ts'
import { failure } from './runs.ts'
import { toolCall } from './tools.ts'

const citedPassage = z.object({
  n: describe(z.int(), 'The number in the answer: [1].'),
  document_id: id,
  title: z.string(),
  filename: z.nullable(z.string()),
  page: describe(
    z.nullable(z.int()),
    '1-based: a page, slide, sheet or message, the first cell of a part of a notebook, a minute of subtitles; null for formats without pages.',
  ),
  heading: describe(z.nullable(z.string()), 'The headings above the passage: `Results › Liquidity`.'),
  passage: describe(z.int(), 'The number of the passage within its document.'),
  start: describe(z.int(), 'Offset of `text` in the page text, in UTF-16 units.'),
  end: z.int(),
  text: z.string(),
  score: z.number(),
  layer,
  cited: describe(z.boolean(), 'False if the prompt contained the passage but the answer does not cite it.'),
})
/** The passage that supports a statement of an answer, as it is stored with the message. */
export type CitedPassage = z.infer<typeof citedPassage>

/** A citation as its reader may see it now; for a deleted or hidden document, only the number and the reason. */
export const citation = component(
  'Citation',
  z.discriminatedUnion('status', [
    z.extend(citedPassage, { status: z.literal('available') }),
    z.object({
      n: z.int(),
      status: describe(
        z.enum(['deleted', 'no_access']),
        'deleted: the document was deleted; no_access: its layer is above that of the reader.',
      ),
    }),
  ]),
)
export type Citation = z.infer<typeof citation>
export type AvailableCitation = Extract<Citation, { status: 'available' }>

export const usage = z.object({
  prompt_tokens: z.nullable(z.int()),
  completion_tokens: z.nullable(z.int()),
})
export type Usage = z.infer<typeof usage>

/** Details of how an answer was generated, in messages and complete events, as far as known. */
export const answerDetails = {
  provider: z.optional(z.string()),
  remote: z.optional(describe(z.boolean(), 'Whether the question left the private network.')),
  reasoning_tokens: z.optional(z.int()),
  cost: z.optional(describe(z.number(), 'Calculated from the prices of the provider, in its currency.')),
  fallback_from: z.optional(describe(z.string(), 'The model that was selected but not available.')),
  images: z.optional(describe(z.int(), 'The number of pictures that the model received.')),
  page_images: z.optional(
    describe(
      z.int(),
      'The number of source pages that the model also received as pictures: scanned pages, and pages with figures.',
    ),
  ),
  images_left_out: z.optional(
    describe(
      z.enum(['no_vision', 'not_allowed', 'no_room']),
      'Why pictures of the question were left out: the model has no image input; they may not leave the private network; they do not fit or cannot be read.',
    ),
  ),
}

export const toolCalls = z.optional(describe(z.array(toolCall), 'Tool calls in order.'))

export type AnswerDetails = z.infer<z.ZodMiniObject<typeof answerDetails>>

export const messageStatus = z.enum(['streaming', 'complete', 'stopped', 'failed'])
export type MessageStatus = z.infer<typeof messageStatus>

export const message = component(
  'Message',
  z.object({
    id,
    conversation_id: id,
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    status: messageStatus,
    layer_used: layer,
    model: z.nullable(z.string()),
    model_reason: describe(z.nullable(z.string()), 'Why this model answered.'),
    finish_reason: describe(z.nullable(z.string()), '`length` if the model reached its token limit.'),
    attachments: describe(z.array(attachment), 'The files of a question that still exist.'),
    citations: z.array(citation),
    memories: describe(z.array(usedMemory), 'The memories that were part of the prompt.'),
    usage: z.nullable(usage),
    error: z.nullable(failure),
    ...answerDetails,
    tool_calls: toolCalls,
    reasoning: z.optional(describe(z.nullable(z.string()), 'The reasoning of the model before its answer.')),
    run_id: z.nullable(id),
    parent_id: z.nullable(id),
    siblings: describe(z.array(id), 'This message and its alternatives, oldest first.'),
    created_at: timestamp,
  }),
)
export type Message = z.infer<typeof message>
