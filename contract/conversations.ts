import * as z from 'zod/mini'
import { shownAvatar } from './avees.ts'
import {
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
import { layer } from './layers.ts'
import { message } from './messages.ts'
import { content, operation } from './operation.ts'
import { runEvents } from './runs.ts'

export const conversation = component(
  'Conversation',
  z.object({
    id,
    avee_id: id,
    avee_handle: z.string(),
    avee_display_name: z.string(),
    avee_avatar: shownAvatar,
    title: z.nullable(z.string()),
    layer_used: layer,
    pinned: z.boolean(),
    archived: z.boolean(),
    local_only: describe(
      z.boolean(),
      'If true, nothing from it is sent to a model outside the private network. A question with `local_only` sets it.',
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
    'Also deletes the memories that come from it only. It is in the trash until the time in the receipt, unless `permanent` is true. Its run logs are deleted at once.',
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
  description: 'Searches for a text in any case, or for an id. Returns the last 1,000 matches, oldest first.',
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
      unreadable: describe(z.int(), 'Objects in the file that are not conversations, or are empty.'),
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
