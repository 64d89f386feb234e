import * as z from 'zod/mini'
import { component, describe, id, idempotencyHeaders, idParams, shortText } from './common.ts'
import { operation } from './operation.ts'
import { runEvents } from './runs.ts'

const provider = describe(
  z.string(),
  'The name of the provider: ollama, openai, or one that an administrator has added; or extractive, which is built in and quotes retrieved passages without a language model.',
)

const memory = {
  memory: z.optional(describe(z.int(), 'Bytes in memory, if the model server reports them.')),
  gpu_memory: z.optional(describe(z.int(), 'The part of `memory` on graphics cards.')),
}

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
    ...memory,
    active: describe(z.boolean(), 'True for the default model.'),
  }),
)
export type ModelInfo = z.infer<typeof modelInfo>

/** Accepts all forms of Ollama: llama3.2:1b, user/model, hf.co/org/model:tag. */
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
const successor = z.optional(
  describe(z.string(), 'The model that answers now, if the deleted one was active.'),
)
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
  responses: { 200: z.extend(success, { active_model: successor }) },
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

const providerTags = ['providers'] as const

export const providerKind = z.enum(['ollama', 'openai', 'anthropic', 'google', 'in_process'])
export type ProviderKind = z.infer<typeof providerKind>

export const capability = z.enum(['chat', 'embed', 'vision', 'tools', 'thinking', 'json'])

const configuredModel = z.object({
  id: describe(shortText(200), 'The name of the model at the provider.'),
  context_length: z.optional(z.int().check(z.positive())),
  capabilities: z.optional(z.array(capability)),
})
export type ConfiguredModel = z.infer<typeof configuredModel>

const price = z.number().check(z.minimum(0), z.maximum(1_000_000))
const prices = describe(
  z.record(z.string(), z.object({ input: price, output: price })),
  'Per million tokens, in the currency of the provider, by model.',
)
export type Prices = z.infer<typeof prices>

const providerName = z
  .string()
  .check(
    z.regex(
      /^[a-z0-9][a-z0-9._-]{0,39}$/,
      'Use up to 40 lower-case letters, digits, dots, hyphens and underscores.',
    ),
  )
const baseUrl = z
  .string()
  .check(
    z.maxLength(500),
    z.regex(/^https?:\/\/\S+$/, 'Enter an address that starts with http:// or https://.'),
    z.regex(
      /^[^?#]*$/,
      'Enter the address only up to the ? or #, such as https://api.example.com/v1. Enter a key as the API key or as a header.',
    ),
  )
const apiKey = z
  .string()
  .check(z.minLength(1), z.maxLength(4_000), z.regex(/^[\x21-\x7e]+$/, 'Enter the key without blanks.'))
export const headers = describe(
  z
    .record(
      z.string().check(z.regex(/^[A-Za-z0-9-]{1,100}$/)),
      z.string().check(z.maxLength(4_000), z.regex(/^[\x20-\x7e]*$/)),
    )
    .check(z.refine((all) => Object.keys(all).length <= 20, 'At most 20 headers.')),
  'Sent with each request. Stored encrypted and never returned.',
)
const providerFields = {
  name: describe(providerName, 'The first part of the ids of its models.'),
  base_url: describe(baseUrl, 'Includes the path of the API: https://api.openai.com/v1.'),
  api_key: z.nullable(apiKey),
  headers,
  models: describe(
    z.array(configuredModel).check(z.maxLength(500)),
    'The models to offer, instead of those that the provider lists.',
  ),
  max_parallel: describe(
    z.nullable(z.int().check(z.minimum(1), z.maximum(1_000))),
    'Concurrent requests; further answers wait in a queue. null: no limit.',
  ),
  prices,
}

export const modelProvider = component(
  'Provider',
  z.object({
    id: describe(z.nullable(id), 'null for the providers of the settings, which are read-only.'),
    name: z.string(),
    kind: providerKind,
    base_url: describe(z.string(), '`in-process:` for models that run in this process.'),
    remote: describe(z.boolean(), 'Whether it is outside this machine and its private network.'),
    read_only: z.boolean(),
    has_key: z.boolean(),
    key_hint: describe(z.nullable(z.string()), 'The last four characters of the key.'),
    header_names: z.array(z.string()),
    models: z.array(configuredModel),
    max_parallel: z.nullable(z.int()),
    prices,
    status: describe(z.enum(['ok', 'error']), 'As of the last request.'),
    last_error: z.nullable(z.string()),
  }),
)
export type ModelProvider = z.infer<typeof modelProvider>

export const listProviders = operation({
  method: 'GET',
  path: '/providers',
  tags: providerTags,
  summary: 'List the providers of models',
  access: 'admin',
  responses: { 200: z.object({ providers: z.array(modelProvider) }) },
})

export const createProvider = operation({
  method: 'POST',
  path: '/providers',
  tags: providerTags,
  summary: 'Add a provider of models',
  description:
    'Without `base_url`, the default of the kind is used. Any address is accepted, also in a private network. The provider in_process always exists; its models come from the catalogue.',
  audit: 'provider.create',
  access: 'admin',
  body: z.extend(z.partial(z.object(providerFields)), { kind: providerKind, name: providerFields.name }),
  responses: { 201: modelProvider },
})

export const updateProvider = operation({
  method: 'PATCH',
  path: '/providers/:id',
  tags: providerTags,
  summary: 'Change a provider of models',
  description:
    'A new `base_url` requires `api_key` again if there is one, so that a stored key is not sent to another address.',
  audit: 'provider.update',
  access: 'admin',
  params: idParams,
  body: z.partial(z.object(providerFields)),
  responses: { 200: modelProvider },
})

export const deleteProvider = operation({
  method: 'DELETE',
  path: '/providers/:id',
  tags: providerTags,
  summary: 'Remove a provider of models',
  audit: 'provider.delete',
  access: 'admin',
  params: idParams,
  responses: { 200: z.object({ ok: z.literal(true), active_model: successor }) },
})

const testedAnswer = z.object({
  model: z.string(),
  first_token_ms: z.int(),
  tokens_per_second: z.nullable(z.number()),
})
export type TestedAnswer = z.infer<typeof testedAnswer>

const testedProvider = z.object({
  ok: z.boolean(),
  models: describe(z.int(), 'The number of models that it offers.'),
  latency_ms: describe(z.int(), 'Duration of the request for the list of models.'),
  error: z.optional(describe(z.string(), 'The problem and what to do.')),
  answer: z.optional(testedAnswer),
})

export const testProvider = operation({
  method: 'POST',
  path: '/providers/:id/test',
  tags: providerTags,
  summary: 'Test the connection to a provider',
  description:
    'Requests the list of models and, with `answer`, a short answer of one of them, which may cost money. The id may be the name of a provider.',
  access: 'admin',
  params: z.object({ id: shortText(100) }),
  body: z.optional(z.object({ answer: z.optional(z.boolean()) })),
  responses: { 200: testedProvider },
})

export const availableModel = component(
  'AvailableModel',
  z.object({
    id: describe(z.string(), '`<provider>/<model>`, or the model alone if only one provider has it.'),
    name: z.string(),
    provider: z.string(),
    capabilities: z.array(capability),
    context_length: z.nullable(z.int()),
    remote: describe(z.boolean(), 'Whether questions to it leave the private network.'),
    size: z.optional(describe(z.int(), 'Bytes on disk.')),
    loaded: z.optional(describe(z.boolean(), 'Whether it is in memory.')),
    ...memory,
    price: z.optional(z.object({ input: z.number(), output: z.number() })),
  }),
)
export type AvailableModel = z.infer<typeof availableModel>

export const listAvailableModels = operation({
  method: 'GET',
  path: '/models',
  tags: providerTags,
  summary: 'List the models of all providers',
  responses: { 200: z.array(availableModel) },
})

const fallbackModels = z.object({
  models: describe(
    z.array(shortText(300)).check(z.maxLength(50)),
    'Ids, used in this order when the selected model cannot be reached before its first token.',
  ),
})

export const getFallbacks = operation({
  method: 'GET',
  path: '/models/fallbacks',
  tags: providerTags,
  summary: 'Get the fallback models',
  description: 'By default, the other chat models, local ones first.',
  access: 'admin',
  responses: { 200: fallbackModels },
})

export const setFallbacks = operation({
  method: 'PUT',
  path: '/models/fallbacks',
  tags: providerTags,
  summary: 'Set the fallback models',
  audit: 'models.fallbacks',
  access: 'admin',
  body: fallbackModels,
  responses: { 200: fallbackModels },
})

const catalogueId = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, 'Use the id of a model of GET /models/catalogue.'))
/** A relative path without `.` and `..`. */
const filePath = z
  .string()
  .check(z.maxLength(300), z.regex(/^[A-Za-z0-9_][\w.-]*(?:\/[A-Za-z0-9_][\w.-]*)*$/))
const catalogueFile = z.object({
  path: filePath,
  size: describe(z.int().check(z.positive(), z.maximum(100_000_000_000)), 'Bytes.'),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
})

/** The entry of a model in a catalogue. */
export const catalogueEntry = z.object({
  id: catalogueId,
  kind: describe(
    z.enum(['chat', 'embedding', 'reranking']),
    'Chat models are GGUF files, reranking models are ONNX files, and embedding models can be either.',
  ),
  repository: describe(filePath, 'On the hub.'),
  revision: describe(
    z.string().check(z.regex(/^[A-Za-z0-9_][\w.-]{0,99}$/)),
    'A commit, branch or tag of the hub.',
  ),
  license: describe(shortText(100), 'SPDX identifier.'),
  languages: describe(z.array(shortText(40)), 'BCP 47 tags, or `multilingual`.'),
  dimensions: z.optional(describe(z.int().check(z.positive()), 'Of an embedding model.')),
  max_tokens: describe(
    z.int().check(z.minimum(16), z.maximum(10_000_000)),
    'The context window. Longer texts are truncated by embedding and reranking models.',
  ),
  pooling: z.optional(z.enum(['mean', 'cls'])),
  files: z.array(catalogueFile).check(
    z.minLength(1),
    z.maxLength(50),
    z.refine(
      (files) => files.filter((file) => /\.(?:onnx|gguf)$/.test(file.path)).length === 1,
      'One file must be an ONNX or GGUF model.',
    ),
  ),
})

export type CatalogueEntry = z.infer<typeof catalogueEntry>

const catalogueModel = component(
  'CatalogueModel',
  z.extend(catalogueEntry, {
    size: describe(z.int(), 'Bytes of all files.'),
    source: describe(z.string(), 'The source of downloads: an address, or a folder of the server.'),
    installed: z.boolean(),
  }),
)
export type CatalogueModel = z.infer<typeof catalogueModel>

const chatEngine = component(
  'ChatEngine',
  describe(
    z.object({
      version: z.string(),
      installed: z.boolean(),
      message: describe(z.nullable(z.string()), 'Why it cannot be installed on this machine.'),
    }),
    'node-llama-cpp, which runs GGUF models.',
  ),
)
export type ChatEngine = z.infer<typeof chatEngine>

export const getCatalogue = operation({
  method: 'GET',
  path: '/models/catalogue',
  tags: providerTags,
  summary: 'List the models that can run in this process',
  access: 'admin',
  responses: {
    200: z.object({
      models: z.array(catalogueModel),
      message: describe(z.nullable(z.string()), 'What is missing to run them.'),
      chat_engine: chatEngine,
    }),
  },
})

export const installChatEngine = operation({
  method: 'POST',
  path: '/models/chat-engine',
  work: 'pulls',
  tags: providerTags,
  summary: 'Install the engine of GGUF models and stream the progress',
  description:
    'Installs node-llama-cpp (85 MB) with npm into `MODEL_ENGINE_DIR`, in the version and with the hashes that this server pins. The events are those of a pull; concurrent requests share a run.',
  audit: 'models.engine',
  access: 'admin',
  headers: idempotencyHeaders,
  events: pullEvents,
})

export const downloadModel = operation({
  method: 'POST',
  path: '/models/download',
  work: 'pulls',
  tags: providerTags,
  summary: 'Download a model of the catalogue and stream its progress',
  description:
    'From `MODEL_DIR` if that has its files, otherwise from `MODEL_HUB_URL`. An interrupted download continues where it ended. The SHA-256 of each file is checked. The events are those of a pull; concurrent requests for one model share a run.',
  access: 'admin',
  headers: idempotencyHeaders,
  body: z.object({ id: catalogueId }),
  events: pullEvents,
})

export const deleteCatalogueModel = operation({
  method: 'DELETE',
  path: '/models/:id',
  tags: providerTags,
  summary: 'Delete an in-process model from disk',
  description: 'Also deletes an unfinished download.',
  audit: 'model.delete',
  access: 'admin',
  params: z.object({ id: catalogueId }),
  responses: { 200: z.object({ ok: z.literal(true), active_model: successor }) },
})
