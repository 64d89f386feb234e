import * as z from 'zod/mini'
import {
  describe,
  errorResponse,
  id,
  idempotencyHeaders,
  idParams,
  shortText,
  text,
  timestamp,
} from './common.ts'
import { deleted, deletionQuery } from './deletions.ts'
import { answerability, ingestEvents, uploadForm } from './knowledge.ts'
import { content, operation } from './operation.ts'
import { runEvents } from './runs.ts'

// The protocol of LocalChat, `/api/*`: operations on the library of the caller. models.ts has those for models.

const tags = ['localchat'] as const
const success = z.object({ success: z.literal(true), message: z.string() })

const source = z.union([
  z.object({
    filename: z.string(),
    page: z.nullable(z.int()),
    passage: z.int(),
    document_id: id,
    score: z.number(),
    n: z.int(),
    text: z.string(),
    cited: describe(z.boolean(), 'Whether the answer cites the passage.'),
  }),
  z.object({ n: z.int(), status: z.enum(['deleted', 'no_access']) }),
])

/** The events of an answer: content …, sources if any, done. */
const localchatEvents = {
  ...runEvents,
  content: z.object({ content: z.string() }),
  sources: z.object({ sources: z.array(source) }),
  done: z.looseObject({
    done: z.literal(true),
    conversation_id: id,
    message_id: id,
    model_used: z.string(),
  }),
}

export const askLibrary = operation({
  method: 'POST',
  path: '/api/chat',
  work: 'questions',
  tags,
  summary: 'Ask the library and stream the answer',
  scope: 'chat',
  description: 'With `history` the given turns replace the stored conversation.',
  headers: idempotencyHeaders,
  body: z.object({
    message: z.optional(z.string()),
    use_rag: z._default(describe(z.boolean(), 'False retrieves no documents.'), true),
    history: z.optional(
      z
        .array(z.object({ role: z.enum(['user', 'assistant']), content: shortText(40_000) }))
        .check(z.maxLength(200)),
    ),
    conversation_id: z.nullish(z.union([id, z.literal('')])),
    model: z.optional(shortText(200)),
  }),
  events: localchatEvents,
})

const libraryDocument = z.object({
  id,
  filename: z.string(),
  title: z.string(),
  type: z.string(),
  layer: z.string(),
  bytes: z.int(),
  pages: z.int(),
  chunk_count: z.int(),
  created_at: timestamp,
})

export const uploadToLibrary = operation({
  method: 'POST',
  path: '/api/documents/upload',
  work: 'uploads',
  tags,
  summary: 'Add files to the library and stream the progress',
  headers: idempotencyHeaders,
  body: content({ 'multipart/form-data': uploadForm }),
  responses: {
    400: z.extend(errorResponse, {
      success: z.optional(z.literal(false)),
      message: z.optional(z.string()),
    }),
  },
  events: ingestEvents,
})

export const listLibrary = operation({
  method: 'GET',
  path: '/api/documents/list',
  tags,
  summary: 'List the documents of the library',
  description: 'Newest first.',
  responses: { 200: z.object({ success: z.literal(true), documents: z.array(libraryDocument) }) },
})

export const getLibraryStats = operation({
  method: 'GET',
  path: '/api/documents/stats',
  tags,
  summary: 'Get the size of the library',
  responses: {
    200: z.object({
      success: z.literal(true),
      document_count: z.int(),
      chunk_count: z.int(),
      max_upload_size: describe(z.int(), 'Bytes.'),
      chunk_statistics: z.object({
        total_chunks: z.int(),
        chunks_with_embeddings: z.int(),
        chunks_without_embeddings: z.int(),
        avg_chunk_length: describe(z.number(), 'Characters.'),
      }),
    }),
  },
})

export const clearLibrary = operation({
  method: 'DELETE',
  path: '/api/documents/clear',
  tags,
  summary: 'Delete all documents of the library',
  audit: 'document.delete_all',
  query: deletionQuery,
  responses: { 200: z.extend(success, deleted.shape) },
})

export const getLibraryDocument = operation({
  method: 'GET',
  path: '/api/documents/:id',
  tags,
  summary: 'Get a document of the library',
  params: idParams,
  responses: { 200: z.object({ success: z.literal(true), document: libraryDocument }) },
})

export const deleteLibraryDocument = operation({
  method: 'DELETE',
  path: '/api/documents/:id',
  tags,
  summary: 'Delete a document of the library',
  audit: 'document.delete',
  params: idParams,
  query: deletionQuery,
  responses: { 200: z.extend(success, deleted.shape) },
})

const hit = z.object({
  document_id: id,
  filename: z.string(),
  page: z.nullable(z.int()),
  passage: z.int(),
  preview: z.string(),
  length: describe(z.int(), 'Characters of the passage.'),
})

export const testRetrieval = operation({
  method: 'POST',
  path: '/api/documents/test',
  tags,
  summary: 'Test which passages a question retrieves',
  scope: 'read',
  body: z.object({
    query: text(10_000),
    top_k: z._default(z.int().check(z.minimum(1), z.maximum(50)), 10),
  }),
  responses: {
    200: z.object({
      success: z.literal(true),
      query: z.string(),
      count: z.int(),
      answerable: answerability,
      results: z.array(z.extend(hit, { score: z.number(), text: z.string() })),
    }),
  },
})

export const searchText = operation({
  method: 'POST',
  path: '/api/documents/search-text',
  tags,
  summary: 'Find passages that contain a text literally',
  scope: 'read',
  body: z.object({
    search_text: text(1_000),
    limit: z._default(z.int().check(z.minimum(1), z.maximum(100)), 10),
  }),
  responses: {
    200: z.object({
      success: z.literal(true),
      search_text: z.string(),
      count: z.int(),
      results: z.array(z.extend(hit, { full_text: z.string() })),
    }),
  },
})

const status = z.object({
  ollama: z.boolean(),
  database: z.boolean(),
  ready: z.boolean(),
  active_model: z.string(),
  provider: z.string(),
  model_reason: z.string(),
  strong_model: describe(
    z.nullable(z.string()),
    'The model that answers with `use_gpt4o`, if one is available.',
  ),
  embedding_model: z.nullable(z.string()),
  rerank_model: describe(z.nullable(z.string()), 'The reranker, if there is one.'),
  rerank_problem: describe(z.nullable(z.string()), 'Why the reranker is unavailable.'),
  document_count: z.int(),
  max_question_chars: describe(z.int(), 'The maximum number of characters of a question.'),
  cache: z.object({
    kind: z.enum(['memory', 'redis']),
    hits: z.int(),
    misses: z.int(),
    size: z.nullable(z.int()),
    hit_rate: z.number(),
  }),
  version: z.string(),
})
export type Status = z.infer<typeof status>

export const getStatus = operation({
  method: 'GET',
  path: '/api/status',
  tags,
  summary: 'Get the status of the server and its models',
  responses: { 200: status },
})

const health = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  checks: z.object({ database: z.boolean(), ollama: z.boolean(), cache: z.boolean() }),
  timestamp,
})

export const getApiHealth = operation({
  method: 'GET',
  path: '/api/health',
  tags,
  summary: 'Get the health of the server',
  description: 'degraded: Ollama is unavailable; unhealthy: the database is unavailable.',
  access: 'public',
  responses: { 200: health, 503: health },
})
