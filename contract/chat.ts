import * as z from 'zod/mini'
import { attachment, imagesTo, questionAttachments } from './attachments.ts'
import {
  aveeParams,
  aveeReference,
  component,
  describe,
  id,
  idempotencyHeaders,
  idParams,
  limitOf,
  pageOf,
  pageQuery,
  shortText,
  text,
  timestamp,
} from './common.ts'
import { deleted, deletionQuery, restorableUntil, trashFilter } from './deletions.ts'
import { turnAnalysis } from './insight.ts'
import { answerability } from './knowledge.ts'
import { layer } from './layers.ts'
import { usedMemory } from './memory.ts'
import { content, operation } from './operation.ts'
import { runEvents } from './runs.ts'
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
  cited: describe(z.boolean(), 'False if the model was given the passage and the answer does not cite it.'),
})
/** The passage that supports a statement of an answer, as it is stored with the message. */
export type CitedPassage = z.infer<typeof citedPassage>

/** A citation as its reader may see it now: of a document that is gone or hidden, only the number and the reason. */
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

/** How an answer came about; of each message and in its complete event, as far as it is known. */
const answerDetails = {
  provider: z.optional(z.string()),
  remote: z.optional(describe(z.boolean(), 'Whether the question left the private network.')),
  reasoning_tokens: z.optional(z.int()),
  cost: z.optional(describe(z.number(), 'By the prices of the provider, in its currency.')),
  fallback_from: z.optional(describe(z.string(), 'The model that was selected but not available.')),
  images: z.optional(describe(z.int(), 'The pictures that the model was given.')),
  images_left_out: z.optional(
    describe(
      z.enum(['no_vision', 'not_allowed', 'no_room']),
      'Why pictures of the question were left out: the model cannot see; they may not leave the private network; they do not fit or cannot be read.',
    ),
  ),
}

const toolCalls = z.optional(describe(z.array(toolCall), 'The calls of tools, in their order.'))

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
    error: z.nullable(z.object({ code: z.string(), message: z.string() })),
    ...answerDetails,
    tool_calls: toolCalls,
    reasoning: z.optional(describe(z.nullable(z.string()), 'What the model thought before it answered.')),
    run_id: z.nullable(id),
    parent_id: z.nullable(id),
    siblings: describe(z.array(id), 'This message and its alternatives, oldest first.'),
    created_at: timestamp,
  }),
)
export type Message = z.infer<typeof message>

export const conversation = component(
  'Conversation',
  z.object({
    id,
    avee_id: id,
    avee_handle: z.string(),
    avee_display_name: z.string(),
    title: z.nullable(z.string()),
    layer_used: layer,
    pinned: z.boolean(),
    archived: z.boolean(),
    local_only: describe(
      z.boolean(),
      'Whether nothing of it is sent to a model outside the private network. A question with `local_only` sets it.',
    ),
    leaf_id: describe(z.nullable(id), 'The last message of the active branch.'),
    running_run_id: z.nullable(id),
    preview: describe(
      z.nullable(z.string()),
      'The beginning of the last message; in a list with `query`, the part of a message around its first word.',
    ),
    created_at: timestamp,
    updated_at: timestamp,
    restorable_until: restorableUntil,
  }),
)
export type Conversation = z.infer<typeof conversation>

const conversationTags = ['conversations'] as const

export const keepVisit = operation({
  method: 'POST',
  path: '/me/visit',
  tags: conversationTags,
  summary: 'Keep the conversations of a visit without an account',
  description:
    'Moves the conversations of the visitor with the token in the header `X-Visitor` or in the cookie to the caller.',
  scope: 'chat',
  responses: { 200: z.object({ conversations: z.int() }) },
})

export const createConversation = operation({
  method: 'POST',
  path: '/conversations',
  tags: conversationTags,
  summary: 'Create a conversation with an avee',
  access: 'visitor',
  scope: 'chat',
  body: z.object({ avee: describe(shortText(100), 'Id or handle.') }),
  responses: { 201: conversation },
})

export const listConversations = operation({
  method: 'GET',
  path: '/conversations',
  tags: conversationTags,
  summary: 'List the conversations of the caller',
  access: 'visitor',
  description: 'Pinned conversations first, then the most recent. `query` searches titles and messages.',
  query: z.extend(pageQuery, {
    avee: z.optional(shortText(100)),
    archived: z.optional(z.stringbool()),
    trash: trashFilter,
  }),
  responses: { 200: pageOf('conversations', conversation) },
})

export const getConversation = operation({
  method: 'GET',
  path: '/conversations/:id',
  tags: conversationTags,
  summary: 'Get a conversation',
  access: 'visitor',
  params: idParams,
  responses: { 200: conversation },
})

export const updateConversation = operation({
  method: 'PATCH',
  path: '/conversations/:id',
  tags: conversationTags,
  summary: 'Rename, pin or archive a conversation',
  params: idParams,
  body: z.object({
    title: z.optional(text(200)),
    pinned: z.optional(z.boolean()),
    archived: z.optional(z.boolean()),
    local_only: z.optional(z.boolean()),
  }),
  responses: { 200: conversation },
})

export const deleteConversation = operation({
  method: 'DELETE',
  path: '/conversations/:id',
  tags: conversationTags,
  summary: 'Delete a conversation and its messages',
  description:
    'With what was learned from it alone. It is in the trash until the time in the receipt, unless `permanent` is true. Its run logs are deleted at once.',
  audit: 'conversation.delete',
  params: idParams,
  query: deletionQuery,
  responses: { 200: deleted },
})

export const restoreConversation = operation({
  method: 'POST',
  path: '/conversations/:id/restore',
  tags: conversationTags,
  summary: 'Restore a conversation from the trash',
  params: idParams,
  responses: { 200: conversation },
})

const messageList = z.object({
  messages: describe(z.array(message), 'Oldest first.'),
  has_more: describe(z.boolean(), 'Whether the branch has earlier messages.'),
  offset: describe(z.int(), 'The position of the first message in the branch, from 0.'),
  total: describe(z.int(), 'The number of messages in the branch; with `before`, of those above it.'),
})
export type MessageList = z.infer<typeof messageList>

export const listMessages = operation({
  method: 'GET',
  path: '/conversations/:id/messages',
  tags: conversationTags,
  summary: 'List the messages of the active branch',
  access: 'visitor',
  params: idParams,
  query: z.object({
    limit: limitOf(500, 100),
    before: z.optional(describe(id, 'Returns only messages above this one.')),
    offset: z.optional(
      describe(
        z.coerce.number().check(z.int(), z.minimum(0)),
        'The position of the first message, from 0; by default the last messages are returned.',
      ),
    ),
  }),
  responses: { 200: messageList },
})

export const findMessages = operation({
  method: 'GET',
  path: '/conversations/:id/matches',
  tags: conversationTags,
  summary: 'Find messages of the active branch',
  access: 'visitor',
  description:
    'By a text that they contain, in any case, or by an id. Returns the last 1,000 matches, oldest first.',
  params: idParams,
  query: z.object({ query: z.optional(text(400)), message_id: z.optional(id) }),
  responses: {
    200: z.object({
      matches: z.array(
        z.object({
          message_id: id,
          position: describe(z.int(), 'The position in the branch, from 0: an `offset` of the messages.'),
        }),
      ),
    }),
  },
})

export const exportConversation = operation({
  method: 'GET',
  path: '/conversations/:id/export',
  tags: conversationTags,
  summary: 'Export a conversation',
  access: 'visitor',
  description: 'Markdown contains the active branch, JSON all branches.',
  params: idParams,
  query: z.object({ format: z._default(z.enum(['markdown', 'json']), 'markdown') }),
  responses: {
    200: content({
      'text/markdown': z.string(),
      'application/json': z.object({ conversation, messages: z.array(message) }),
    }),
  },
})

/** The events of an import: progress …, done. */
export const importEvents = {
  ...runEvents,
  done: component(
    'ImportDoneEvent',
    z.object({
      done: z.literal(true),
      imported: describe(z.int(), 'Conversations.'),
      existing: describe(z.int(), 'Conversations of the file that had been imported before.'),
      unreadable: describe(z.int(), 'Objects in the file that are no conversations, or empty ones.'),
    }),
  ),
  message: component(
    'ImportProgressEvent',
    z.object({ message: z.string(), imported: z.int(), existing: z.int(), unreadable: z.int() }),
  ),
}

export const importConversations = operation({
  method: 'POST',
  path: '/conversations/import',
  work: 'uploads',
  tags: conversationTags,
  summary: 'Import conversations of another program and stream the progress',
  description:
    'The export of ChatGPT, Claude, Open WebUI or LibreChat, as a ZIP archive or its JSON file. Branches are kept, and the conversations become those of the caller with one of their avees, by default their library. A conversation that was imported before is left as it is. The run continues if the connection ends.',
  audit: 'conversation.import',
  headers: idempotencyHeaders,
  query: z.object({ avee: z.optional(aveeReference) }),
  body: content({
    'multipart/form-data': z.unknown().register(z.globalRegistry, {
      type: 'object',
      properties: { file: { type: 'string', format: 'binary' }, avee: { type: 'string' } },
      required: ['file'],
    }),
  }),
  events: importEvents,
})

export const setLeaf = operation({
  method: 'PUT',
  path: '/conversations/:id/leaf',
  tags: conversationTags,
  summary: 'Activate the branch that contains a message',
  access: 'visitor',
  scope: 'chat',
  params: idParams,
  body: z.object({ message_id: id }),
  responses: { 200: conversation },
})

export const getMessage = operation({
  method: 'GET',
  path: '/messages/:id',
  tags: conversationTags,
  summary: 'Get a message',
  access: 'visitor',
  params: idParams,
  responses: { 200: message },
})

/** The events of an answer: start, token …, complete. A stopped or failed answer ends with that event instead. */
export const answerEvents = {
  ...runEvents,
  start: component(
    'StartEvent',
    z.object({
      event: z.literal('start'),
      model: z.string(),
      run_id: id,
      message_id: id,
      user_message_id: id,
      conversation_id: id,
      layer_used: layer,
      provider: z.string(),
      model_reason: z.string(),
    }),
  ),
  waiting: component(
    'WaitingEvent',
    z.object({
      event: z.literal('waiting'),
      message: describe(z.string(), 'Why the first token is late: the model is loading, a rate limit.'),
    }),
  ),
  queued: component(
    'QueuedEvent',
    z.object({
      event: z.literal('queued'),
      position: describe(z.int(), 'The place in the queue of the model server, from 1.'),
      wait_ms: describe(z.nullable(z.int()), 'The expected wait; null before the first answer of the model.'),
    }),
  ),
  reasoning: component(
    'ReasoningEvent',
    z.object({ reasoning: describe(z.string(), 'A part of what the model thinks; not part of the answer.') }),
  ),
  token: component('TokenEvent', z.object({ token: z.string() })),
  tool: component(
    'ToolEvent',
    describe(
      z.extend(toolCall, { event: z.literal('tool') }),
      'The state of a call. Each new state of a call is an event of its own.',
    ),
  ),
  intelligence: component(
    'IntelligenceEvent',
    z.extend(turnAnalysis, { event: z.literal('intelligence'), message_id: id }),
  ),
  complete: component(
    'CompleteEvent',
    z.object({
      event: z.literal('complete'),
      message_id: id,
      total_tokens: z.int(),
      usage,
      finish_reason: z.string(),
      citations: z.array(citation),
      memories: z.array(usedMemory),
      answerable: describe(
        z.optional(answerability),
        'Whether the documents answer the question; missing if they were not searched.',
      ),
      ...answerDetails,
      tool_calls: toolCalls,
    }),
  ),
}

const chatTags = ['chat'] as const
const messageParams = z.object({ id, message_id: id })

const questionParameters = z.object({
  conversation_id: z.optional(z.string()),
  question: z.optional(z.string()),
  use_gpt4o: z.optional(
    describe(z.union([z.boolean(), z.stringbool()]), 'Uses the stronger model of the configured pair.'),
  ),
  model: z.optional(shortText(300)),
  local_only: z.optional(
    describe(
      z.union([z.boolean(), z.stringbool()]),
      'Sends nothing of this conversation to a model outside the private network, from now on.',
    ),
  ),
})
const questionV2Parameters = z.extend(questionParameters, {
  extract_memories: z.optional(z.union([z.boolean(), z.stringbool()])),
})
const inBody = { attachments: questionAttachments, images_to: imagesTo }
const parameterDescription =
  'Parameters are accepted in the body or in the query string. Prefer the body: URLs appear in logs.'

const answer = z.object({
  conversation_id: id,
  layer_used: layer,
  answer: z.string(),
  used_chunks: z.int(),
  used_persona: z.boolean(),
  message_id: id,
  model_used: z.string(),
  citations: z.array(citation),
})

export const askQuestion = operation({
  method: 'POST',
  path: '/chat/ask',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and wait for the answer',
  access: 'visitor',
  scope: 'chat',
  description: parameterDescription,
  headers: idempotencyHeaders,
  query: questionParameters,
  body: z.optional(z.extend(questionParameters, inBody)),
  responses: { 200: answer },
})

export const askQuestionV2 = operation({
  method: 'POST',
  path: '/chat/ask-v2',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and wait for the answer and its analysis',
  scope: 'chat',
  description: parameterDescription,
  headers: idempotencyHeaders,
  query: questionV2Parameters,
  body: z.optional(z.extend(questionV2Parameters, inBody)),
  responses: { 200: z.extend(z.extend(answer, turnAnalysis.shape), { memories_extracted: z.int() }) },
})

export const streamAnswer = operation({
  method: 'POST',
  path: '/chat/stream',
  work: 'questions',
  tags: chatTags,
  summary: 'Ask a question and stream the answer',
  access: 'visitor',
  scope: 'chat',
  description: `${parameterDescription} The run continues if the connection ends; GET /runs/{id}/events resumes the stream.`,
  headers: idempotencyHeaders,
  query: questionParameters,
  body: z.optional(z.extend(questionParameters, inBody)),
  events: answerEvents,
})

export const regenerateAnswer = operation({
  method: 'POST',
  path: '/conversations/:id/messages/:message_id/regenerate',
  work: 'questions',
  tags: chatTags,
  summary: 'Regenerate an answer and stream it',
  access: 'visitor',
  scope: 'chat',
  description: 'Adds a sibling of the answer; the previous answer is kept.',
  params: messageParams,
  headers: idempotencyHeaders,
  body: z.optional(
    z.object({
      use_gpt4o: z.optional(z.boolean()),
      model: z.optional(shortText(300)),
      local_only: z.optional(z.boolean()),
      images_to: imagesTo,
      continue: z.optional(
        describe(
          z.boolean(),
          'Begins with the text of the answer, which was stopped, failed or reached the token limit, and continues it.',
        ),
      ),
    }),
  ),
  events: answerEvents,
})

export const editQuestion = operation({
  method: 'POST',
  path: '/conversations/:id/messages/:message_id/edit',
  work: 'questions',
  tags: chatTags,
  summary: 'Edit a question and stream its answer',
  access: 'visitor',
  scope: 'chat',
  description:
    'Adds a sibling of the question; the previous question and its answers are kept. Without `attachments`, it has those of the previous one.',
  params: messageParams,
  headers: idempotencyHeaders,
  body: z.object({
    content: z.string(),
    ...inBody,
    use_gpt4o: z.optional(z.boolean()),
    local_only: z.optional(z.boolean()),
  }),
  events: answerEvents,
})

export const tryAvee = operation({
  method: 'POST',
  path: '/avees/:id/trial',
  work: 'questions',
  tags: chatTags,
  summary: 'Try an avee as somebody with access up to a layer would see it',
  scope: 'chat',
  description:
    'For the owner. The answer uses what that layer may see, and no memories. Nothing is stored but the run, so there are no messages with the ids in its events.',
  params: aveeParams,
  body: z.object({
    question: z.string(),
    layer,
    persona: describe(
      z.optional(shortText(40_000)),
      'Instead of that of the avee, to try it before it is saved.',
    ),
    history: z.optional(
      z
        .array(z.object({ role: z.enum(['user', 'assistant']), content: shortText(40_000) }))
        .check(z.maxLength(20)),
    ),
  }),
  events: answerEvents,
})
