import { z } from 'zod'
import { id, time } from './common.ts'
import { modelName } from './models.ts'

/** LocalChat's wire shapes: `/api/*`, over the caller's library avee. */

export const apiChatBody = z.object({
  message: z.string().optional(),
  use_rag: z.boolean().default(true),
  history: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().max(40_000) }))
    .max(200)
    .optional(),
  conversation_id: z.union([id, z.literal('')]).nullish(),
  model: z.string().max(200).optional(),
})
export const contentEvent = z.object({ content: z.string() })
export const source = z.object({
  filename: z.string(),
  page: z.number().int().nullable(),
  passage: z.number().int(),
  document_id: id,
  score: z.number(),
  n: z.number().int(),
  text: z.string(),
})
export const sourcesEvent = z.object({ sources: z.array(source) })
export const doneEvent = z.looseObject({
  done: z.literal(true),
  conversation_id: id,
  message_id: id,
  model_used: z.string(),
})
export const apiErrorEvent = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
  message: z.string(),
  done: z.literal(true),
})

export const documentEntry = z.object({
  id,
  filename: z.string(),
  title: z.string(),
  type: z.string(),
  layer: z.string(),
  bytes: z.number().int(),
  pages: z.number().int(),
  chunk_count: z.number().int(),
  created_at: time,
})
export const documentListAnswer = z.object({ success: z.literal(true), documents: z.array(documentEntry) })
export const documentStats = z.object({
  success: z.literal(true),
  document_count: z.number().int(),
  chunk_count: z.number().int(),
  max_upload_size: z.number().int().describe('Bytes.'),
  chunk_statistics: z.object({
    total_chunks: z.number().int(),
    chunks_with_embeddings: z.number().int(),
    chunks_without_embeddings: z.number().int(),
    avg_chunk_length: z.number(),
  }),
})
export const success = z.object({ success: z.literal(true), message: z.string() })
export const retrievalTestBody = z.object({
  query: z.string().trim().min(1).max(1_000),
  top_k: z.number().int().min(1).max(50).default(10),
})
export const retrievalTestAnswer = z.object({
  success: z.literal(true),
  query: z.string(),
  count: z.number().int(),
  answerable: z.boolean(),
  results: z.array(
    z.object({
      document_id: id,
      filename: z.string(),
      page: z.number().int().nullable(),
      passage: z.number().int(),
      score: z.number(),
      preview: z.string(),
      text: z.string(),
      length: z.number().int(),
    }),
  ),
})
export const searchTextBody = z.object({
  search_text: z.string().trim().min(1).max(1_000),
  limit: z.number().int().min(1).max(100).default(10),
})
export const searchTextAnswer = z.object({
  success: z.literal(true),
  search_text: z.string(),
  count: z.number().int(),
  results: z.array(
    z.object({
      document_id: id,
      filename: z.string(),
      page: z.number().int().nullable(),
      passage: z.number().int(),
      preview: z.string(),
      full_text: z.string(),
      length: z.number().int(),
    }),
  ),
})
export const testModelBody = z.object({ model: modelName })
export const testModelAnswer = z.object({ success: z.literal(true), model: z.string(), result: z.string() })

export const statusAnswer = z.object({
  ollama: z.boolean(),
  database: z.boolean(),
  ready: z.boolean(),
  active_model: z.string(),
  provider: z.string(),
  model_reason: z.string(),
  embedding_model: z.string().nullable(),
  rerank_model: z
    .string()
    .nullable()
    .describe('The cross-encoder that puts passages in order, when one is set up.'),
  rerank_problem: z.string().nullable().describe('Why it does not at the moment.'),
  document_count: z.number().int(),
  cache: z.object({
    kind: z.enum(['memory', 'redis']),
    hits: z.number().int(),
    misses: z.number().int(),
    size: z.number().int().nullable(),
    hit_rate: z.number(),
  }),
  version: z.string(),
})
export const apiHealth = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  checks: z.object({ database: z.boolean(), ollama: z.boolean(), cache: z.boolean() }),
  timestamp: time,
})
