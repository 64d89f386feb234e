import * as z from 'zod/mini'
import { shownAvatar } from './avees.ts'
import { component, describe, id, shortText, text, timestamp } from './common.ts'
import { answerability, searchHit } from './knowledge.ts'
import { layer } from './layers.ts'
import { memoryType } from './memory.ts'
import { moment } from './moment.ts'
import { operation } from './operation.ts'

export const searchScope = z.enum(['all', 'documents', 'conversations', 'memories'])
export type SearchScope = z.infer<typeof searchScope>

/** Common members of all results. */
const found = {
  avee: z.object({ id, handle: z.string(), display_name: z.string(), avatar: shownAvatar }),
  snippet: describe(
    z.array(z.object({ text: z.string(), is_match: z.boolean() })),
    'The part of `text` with the most words of the query, without Markdown, split at these words.',
  ),
  created_at: timestamp,
}

const documentResult = z.extend(searchHit, { kind: z.literal('document'), ...found })

const conversationResult = z.object({
  kind: z.literal('conversation'),
  conversation_id: id,
  message_id: describe(z.nullable(id), 'The message with the text; null if the title matches.'),
  role: z.nullable(z.enum(['user', 'assistant'])),
  title: z.nullable(z.string()),
  text: z.string(),
  score: z.number(),
  layer,
  ...found,
})

const memoryResult = z.object({
  kind: z.literal('memory'),
  memory_id: id,
  type: memoryType,
  text: z.string(),
  score: z.number(),
  layer,
  ...found,
})

export const searchResult = component(
  'SearchResult',
  z.discriminatedUnion('kind', [documentResult, conversationResult, memoryResult]),
)
export type SearchResult = z.infer<typeof searchResult>
export type DocumentResult = Extract<SearchResult, { kind: 'document' }>

export const search = operation({
  method: 'POST',
  path: '/search',
  tags: ['search'],
  summary: 'Search documents, conversations and memories',
  description:
    'Without `avee`, searches the caller’s avees and those that they chat with, follow or have a permission for: documents up to the caller’s layer, and the caller’s own conversations and memories. With more than 50 avees, those of the latest conversations are searched. A conversation is returned once, with its best message. Results are ordered by `score`.',
  scope: 'read',
  body: z.object({
    query: text(10_000),
    scope: z.optional(describe(searchScope, 'By default `documents` if `avee` is given, otherwise `all`.')),
    avee: z.optional(describe(shortText(100), 'Id or handle.')),
    type: z.optional(
      describe(
        shortText(50),
        'The type of a document (`pdf`, `docx` …) or of a memory (`fact` …). Conversations have none.',
      ),
    ),
    layer: z.optional(layer),
    from: z.optional(
      describe(moment, 'A time, or a day (UTC): when it was added or written, at the earliest.'),
    ),
    to: z.optional(describe(moment, 'A time, which is excluded, or a day (UTC), which is included.')),
    limit: z._default(z.int().check(z.minimum(1), z.maximum(50)), 10),
    cursor: z.optional(
      describe(shortText(400), '`next_cursor` of the previous page. There are up to 100 results of a kind.'),
    ),
  }),
  responses: {
    200: z.object({
      query: z.string(),
      results: z.array(searchResult),
      answerable: describe(
        answerability,
        'Whether the documents answer the query; `no` if they were not searched.',
      ),
      next_cursor: describe(z.nullable(z.string()), 'Null on the last page.'),
    }),
  },
})
