import * as z from 'zod/mini'
import { component, describe, idempotencyHeaders } from './common.ts'
import { operation } from './operation.ts'
import { runEvents } from './runs.ts'

export const provider = describe(
  z.enum(['ollama', 'openai', 'extractive']),
  'What answers questions. extractive is built in: it quotes retrieved passages without a language model.',
)
export type Provider = z.infer<typeof provider>

export const modelInfo = component(
  'Model',
  z.object({
    name: z.string(),
    provider,
    size: describe(z.nullable(z.number()), 'Bytes on disk, for local models.'),
    modified_at: z.nullable(z.string()),
    digest: z.nullable(z.string()),
    capabilities: describe(z.array(z.string()), 'completion, embedding, vision, tools, thinking …'),
    context_length: z.nullable(z.int()),
    loaded: z.boolean(),
    active: describe(z.boolean(), 'True for the default model.'),
  }),
)
export type ModelInfo = z.infer<typeof modelInfo>

/** Every form of Ollama: llama3.2:1b, user/model, hf.co/org/model:tag. */
export const modelName = z
  .string()
  .check(
    z.trim(),
    z.minLength(1, 'Enter a model name, for example llama3.2:1b.'),
    z.maxLength(200),
    z.regex(
      /^[A-Za-z0-9][\w.-]*(?:\/[\w.-]+)*(?::[\w.-]+)?$/,
      'This is not a valid model name. Examples: llama3.2:1b, hf.co/org/model:tag.',
    ),
  )

const modelBody = z.object({ model: modelName })
const success = z.object({ success: z.literal(true), message: z.string() })
const activeModel = z.object({
  success: z.literal(true),
  model: z.string(),
  provider,
  reason: describe(z.string(), 'Why this model is the default.'),
})

const tags = ['localchat'] as const

export const listModels = operation({
  method: 'GET',
  path: '/api/models',
  tags,
  summary: 'List available models',
  responses: {
    200: z.object({
      success: z.literal(true),
      models: z.array(modelInfo),
      message: describe(z.nullable(z.string()), 'What is missing and how to install it.'),
    }),
  },
})

export const getActiveModel = operation({
  method: 'GET',
  path: '/api/models/active',
  tags,
  summary: 'Get the default model',
  responses: { 200: activeModel },
})

export const setActiveModel = operation({
  method: 'POST',
  path: '/api/models/active',
  tags,
  summary: 'Set the default model',
  audit: 'model.activate',
  access: 'admin',
  body: modelBody,
  responses: { 200: activeModel },
})

export const deleteModel = operation({
  method: 'DELETE',
  path: '/api/models/delete',
  tags,
  summary: 'Delete a local model from disk',
  audit: 'model.delete',
  description: 'The model name is accepted in the body or in the query string.',
  access: 'admin',
  query: z.object({ model: z.optional(modelName) }),
  body: z.optional(modelBody),
  responses: { 200: success },
})

/** Ollama's progress objects, unchanged, and the events of every run. */
export const pullEvents = {
  ...runEvents,
  error: component(
    'PullErrorEvent',
    z.looseObject({ error: z.union([z.string(), z.looseObject({ message: z.string() })]) }),
  ),
  status: component(
    'PullProgressEvent',
    z.looseObject({
      status: z.string(),
      digest: z.optional(z.string()),
      total: z.optional(z.number()),
      completed: z.optional(z.number()),
    }),
  ),
}

export const pullModel = operation({
  method: 'POST',
  path: '/api/models/pull',
  work: 'pulls',
  tags,
  summary: 'Download a model and stream its progress',
  description:
    'The events are Ollama’s progress objects; the last one is `{"status":"success"}` or has an `error`. Concurrent requests for one model share a run.',
  access: 'admin',
  headers: idempotencyHeaders,
  body: modelBody,
  events: pullEvents,
})

export const testModel = operation({
  method: 'POST',
  path: '/api/models/test',
  tags,
  summary: 'Test a model with a short prompt',
  scope: 'chat',
  body: modelBody,
  responses: { 200: z.object({ success: z.literal(true), model: z.string(), result: z.string() }) },
})

export const unloadModel = operation({
  method: 'POST',
  path: '/api/models/unload',
  tags,
  summary: 'Unload a model from memory',
  access: 'admin',
  body: modelBody,
  responses: { 200: success },
})
