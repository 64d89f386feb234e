import { z } from 'zod'
import { id, pageOf, pageQuery, time } from './common.ts'
import { layer } from './layers.ts'
import { usedMemory } from './memory.ts'

export { maxQuestion } from './limits.ts'

/** Where a statement of an answer comes from. `text` is the exact passage, kept with the message. */
export const citation = z
  .object({
    n: z.number().int().describe('The number in the answer: [1].'),
    document_id: id,
    title: z.string(),
    filename: z.string().nullable(),
    page: z.number().int().nullable().describe('1-based; null where the format has no pages.'),
    heading: z.string().nullable().describe('The headings above the passage: `Results › Liquidity`.'),
    passage: z.number().int().describe('The passage’s number within its document.'),
    start: z.number().int().describe('Offset of `text` in the page’s text, UTF-16 units.'),
    end: z.number().int(),
    text: z.string(),
    score: z.number(),
    layer,
    cited: z
      .boolean()
      .describe('True when the answer names it; false when the model was given the passage and named none.'),
  })
  .meta({ id: 'Citation' })
export type Citation = z.infer<typeof citation>

export const usage = z.object({
  prompt_tokens: z.number().int().nullable(),
  completion_tokens: z.number().int().nullable(),
})
export type Usage = z.infer<typeof usage>

export const messageStatus = z.enum(['streaming', 'complete', 'stopped', 'failed'])
export type MessageStatus = z.infer<typeof messageStatus>

export const message = z
  .object({
    id,
    conversation_id: id,
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    status: messageStatus,
    layer_used: layer,
    model: z.string().nullable(),
    model_reason: z.string().nullable().describe('Why this model answered.'),
    finish_reason: z.string().nullable().describe('`length` when the model ran out of room.'),
    citations: z.array(citation),
    memories: z
      .array(usedMemory)
      .describe('What the answer was given of what the avee remembers of the caller.'),
    usage: usage.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    run_id: id.nullable(),
    parent_id: id.nullable(),
    siblings: z.array(id).describe('This message and its alternatives, oldest first.'),
    created_at: time,
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof message>

export const conversation = z
  .object({
    id,
    avee_id: id,
    avee_handle: z.string(),
    avee_display_name: z.string(),
    title: z.string().nullable(),
    layer_used: layer,
    pinned: z.boolean(),
    archived: z.boolean(),
    leaf_id: id.nullable().describe('The last message of the branch that is shown.'),
    running_run_id: id.nullable(),
    preview: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Conversation' })
export type Conversation = z.infer<typeof conversation>

export const newConversationBody = z.object({ avee: z.string().max(100).describe('Id or handle.') })
export const conversationPage = pageOf('conversations', conversation)
export const conversationQuery = pageQuery.extend({
  avee: z.string().max(100).optional(),
  archived: z.stringbool().optional(),
})
export const patchConversationBody = z.object({
  title: z.string().trim().min(1).max(200).optional(),
  pinned: z.boolean().optional(),
  archived: z.boolean().optional(),
})
export const messagesQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: id.optional().describe('Messages above this one in the shown branch.'),
})
export const messageList = z.object({
  messages: z.array(message).describe('The shown branch, oldest first.'),
  has_more: z.boolean(),
})
export const exportQuery = z.object({ format: z.enum(['markdown', 'json']).default('markdown') })

/** Parameters of /chat/ask and /chat/stream, in the query string or as a JSON body. */
export const askParameters = z.object({
  conversation_id: z.string().optional(),
  question: z.string().optional(),
  use_gpt4o: z
    .union([z.boolean(), z.stringbool()])
    .optional()
    .describe('Ask the stronger model of the pair.'),
  model: z.string().max(200).optional(),
})
export const askAnswer = z.object({
  conversation_id: id,
  layer_used: layer,
  answer: z.string(),
  used_chunks: z.number().int(),
  used_persona: z.boolean(),
  message_id: id,
  model_used: z.string(),
  citations: z.array(citation),
})
export const editBody = z.object({ content: z.string(), use_gpt4o: z.boolean().optional() })
export const regenerateBody = z
  .object({ use_gpt4o: z.boolean().optional(), model: z.string().max(200).optional() })
  .nullish()
export const leafBody = z.object({ message_id: id })

/** The events of an answer, in order: start, token …, complete — or stopped, or an error. */
export const startEvent = z.object({
  event: z.literal('start'),
  model: z.string(),
  run_id: id,
  message_id: id,
  user_message_id: id,
  conversation_id: id,
  layer_used: layer,
  provider: z.string(),
  model_reason: z.string(),
})
export const tokenEvent = z.object({ token: z.string() })
export const completeEvent = z.object({
  event: z.literal('complete'),
  message_id: id,
  total_tokens: z.number().int(),
  usage,
  finish_reason: z.string(),
  citations: z.array(citation),
  memories: z.array(usedMemory),
})
export const waitingEvent = z.object({
  event: z.literal('waiting'),
  message: z.string().describe('Why no word has come yet: the model is loading, the service asked to wait.'),
})
