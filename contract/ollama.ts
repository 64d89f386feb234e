import * as z from 'zod/mini'
import { component, describe, idempotencyHeaders } from './common.ts'
import { maxBodyBytes, modelName, stop, tools } from './completions.ts'
import { content, operation } from './operation.ts'

// Ollama's protocol, `/ollama/api/*`: avees and plain models for software that uses it. Unknown fields are ignored.

const tags = ['ollama'] as const

const errors = component('OllamaError', z.object({ error: z.string() }))

const details = z.object({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()),
  parameter_size: z.string(),
  quantization_level: z.string(),
})

const listed = z.object({
  name: z.string(),
  model: z.string(),
  modified_at: z.string(),
  size: describe(z.int(), 'Bytes; 0 for models that are not files.'),
  digest: z.string(),
  details,
})

export const getRoot = operation({
  method: 'GET',
  path: '/ollama',
  tags,
  summary: 'Check that the server responds',
  description: 'The command line of Ollama sends `HEAD /` before each command.',
  errors,
  responses: { 200: content({ 'text/plain': z.string() }) },
})

export const getVersion = operation({
  method: 'GET',
  path: '/ollama/api/version',
  tags,
  summary: 'Get the version of Ollama whose API this server implements',
  errors,
  responses: { 200: z.object({ version: z.string() }) },
})

export const listModels = operation({
  method: 'GET',
  path: '/ollama/api/tags',
  tags,
  summary: 'List the avees and models that the caller may use',
  errors,
  responses: { 200: z.object({ models: z.array(listed) }) },
})

export const showModel = operation({
  method: 'POST',
  path: '/ollama/api/show',
  tags,
  summary: 'Get an avee or a model',
  scope: 'read',
  body: z.object({ model: z.optional(modelName), name: z.optional(modelName) }),
  errors,
  responses: {
    200: z.object({
      license: z.string(),
      modelfile: z.string(),
      parameters: z.string(),
      template: z.string(),
      details,
      model_info: z.record(z.string(), z.unknown()),
      capabilities: z.array(z.string()),
      modified_at: z.string(),
    }),
  },
})

export const listLoaded = operation({
  method: 'GET',
  path: '/ollama/api/ps',
  tags,
  summary: 'List the models in memory',
  errors,
  responses: {
    200: z.object({
      models: z.array(z.extend(listed, { expires_at: z.string(), size_vram: z.int() })),
    }),
  },
})

/** Shared by chat and generate requests. */
const request = {
  model: modelName,
  stream: z.nullish(describe(z.boolean(), 'True unless false.')),
  format: z.nullish(
    describe(
      z.union([z.enum(['json', '']), z.record(z.string(), z.unknown())]),
      '`json`, or a schema; for plain models.',
    ),
  ),
  options: z.nullish(
    z.object({
      temperature: z.nullish(z.number().check(z.minimum(0), z.maximum(2))),
      top_p: z.nullish(z.number().check(z.minimum(0), z.maximum(1))),
      seed: z.nullish(z.int()),
      num_predict: z.nullish(describe(z.int(), 'The maximum number of tokens; no limit if negative.')),
      stop: z.nullish(stop),
    }),
  ),
}

const image = describe(z.string(), 'PNG, JPEG, GIF or WebP in Base64.')
const toolCall = z.object({
  function: z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) }),
})
const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.nullish(z.string()),
  images: z.nullish(z.array(image)),
  tool_calls: z.nullish(z.array(toolCall)),
  tool_name: z.nullish(z.string()),
})
export type OllamaMessage = z.output<typeof message>

/** A part of an answer, or all of it; the last one has the token counts. */
const part = {
  model: z.string(),
  created_at: z.string(),
  done: z.boolean(),
  done_reason: z.optional(z.enum(['stop', 'length', 'load'])),
  prompt_eval_count: z.optional(z.int()),
  eval_count: z.optional(z.int()),
}
const chatPart = component(
  'OllamaChatPart',
  z.object({
    ...part,
    message: z.object({
      role: z.literal('assistant'),
      content: z.string(),
      thinking: z.optional(z.string()),
      tool_calls: z.optional(z.array(toolCall)),
    }),
  }),
)
const generatePart = component(
  'OllamaGeneratePart',
  z.object({ ...part, response: z.string(), thinking: z.optional(z.string()) }),
)

const description =
  'An avee answers with its persona, the documents that the caller may see and what it remembers; system messages are added below its own instructions. Nothing is stored as a conversation. `X-Run-Id` names the run, which can be read again.'

export const chat = operation({
  method: 'POST',
  path: '/ollama/api/chat',
  work: 'questions',
  tags,
  summary: 'Answer messages, as an avee or with a model',
  scope: 'chat',
  description,
  maxBodyBytes,
  headers: idempotencyHeaders,
  body: z.object({
    ...request,
    messages: z.nullish(z.array(message).check(z.maxLength(5_000))),
    tools: z.nullish(tools),
  }),
  errors,
  responses: { 200: chatPart },
  events: { part: chatPart, error: errors },
  isNdjson: true,
})

export const generate = operation({
  method: 'POST',
  path: '/ollama/api/generate',
  work: 'questions',
  tags,
  summary: 'Answer a prompt, as an avee or with a model',
  scope: 'chat',
  description,
  maxBodyBytes,
  headers: idempotencyHeaders,
  body: z.object({
    ...request,
    prompt: z.nullish(z.string()),
    system: z.nullish(z.string()),
    images: z.nullish(z.array(image)),
    suffix: z.nullish(describe(z.literal(''), 'Not supported.')),
    template: z.nullish(describe(z.literal(''), 'Not supported.')),
    raw: z.nullish(describe(z.literal(false), 'Not supported.')),
  }),
  errors,
  responses: { 200: generatePart },
  events: { part: generatePart, error: errors },
  isNdjson: true,
})

const text = z.string().check(z.minLength(1))

export const embed = operation({
  method: 'POST',
  path: '/ollama/api/embed',
  work: 'questions',
  tags,
  summary: 'Embed texts',
  scope: 'chat',
  description: 'Vectors have unit length. Texts beyond the context window of the model are truncated.',
  body: z.object({
    model: modelName,
    input: z.union([text, z.array(text).check(z.maxLength(2_048))]),
    truncate: z.nullish(describe(z.literal(true), 'False is not supported.')),
    dimensions: z.nullish(
      describe(z.literal(0), 'Not supported: vectors have the size that the model gives them.'),
    ),
  }),
  errors,
  responses: {
    200: z.object({
      model: z.string(),
      embeddings: z.array(z.array(z.number())),
      prompt_eval_count: z.int(),
    }),
  },
})

export const embedOne = operation({
  method: 'POST',
  path: '/ollama/api/embeddings',
  work: 'questions',
  tags,
  summary: 'Embed a text',
  scope: 'chat',
  description: 'The predecessor of `/ollama/api/embed`.',
  body: z.object({ model: modelName, prompt: text }),
  errors,
  responses: { 200: z.object({ embedding: z.array(z.number()) }) },
})
