import * as z from 'zod/mini'
import { component, describe, idempotencyHeaders } from './common.ts'
import { maxBodyBytes, modelName, stop, tools } from './completions.ts'
import { operation } from './operation.ts'

// OpenAI's protocol, `/v1/*`: avees and plain models for software that uses it. Unknown fields are ignored.

const tags = ['openai'] as const

const errors = component(
  'OpenAiError',
  z.object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: describe(z.nullable(z.string()), 'The invalid field of the request.'),
      code: z.nullable(z.string()),
    }),
  }),
)

const model = component(
  'OpenAiModel',
  z.object({
    id: z.string(),
    object: z.literal('model'),
    created: describe(z.int(), 'Seconds since 1970.'),
    owned_by: z.string(),
  }),
)

export const listModels = operation({
  method: 'GET',
  path: '/v1/models',
  tags,
  summary: 'List the avees and models that the caller may use',
  errors,
  responses: { 200: z.object({ object: z.literal('list'), data: z.array(model) }) },
})

export const getModel = operation({
  method: 'GET',
  path: '/v1/models/:id',
  tags,
  summary: 'Get an avee or a model',
  params: z.object({ id: z.string() }),
  errors,
  responses: { 200: model },
})

const textPart = z.object({ type: z.literal('text'), text: z.string() })
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: describe(z.string(), 'A `data:` URL of an image in Base64.') }),
})

const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
})

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.nullish(z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart]))])),
  tool_calls: z.nullish(z.array(toolCall)),
  tool_call_id: z.nullish(z.string()),
})
export type OpenAiMessage = z.output<typeof message>

const jsonSchema = z.record(z.string(), z.unknown())

const sampling = {
  temperature: z.nullish(z.number().check(z.minimum(0), z.maximum(2))),
  top_p: z.nullish(z.number().check(z.minimum(0), z.maximum(1))),
}
const tokenLimit = z.nullish(z.int().check(z.minimum(1)))

const urlCitation = z.object({
  start_index: describe(z.int(), 'Offset of the citation in the text, in UTF-16 units.'),
  end_index: z.int(),
  title: z.string(),
  url: describe(z.string(), 'The passage, which the caller can read with the same key.'),
})
const annotation = z.object({ type: z.literal('url_citation'), url_citation: urlCitation })

const finishReason = z.enum(['stop', 'length', 'content_filter', 'tool_calls'])
const usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
})
const metadata = describe(
  z.optional(z.object({ conversation_id: z.string() })),
  'The conversation that contains the answer, if it is stored.',
)
const envelope = { id: z.string(), created: z.int(), model: z.string(), metadata }

const chatCompletion = component(
  'ChatCompletion',
  z.object({
    ...envelope,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.literal(0),
        message: z.object({
          role: z.literal('assistant'),
          content: z.nullable(z.string()),
          refusal: z.null(),
          annotations: z.optional(z.array(annotation)),
          tool_calls: z.optional(z.array(toolCall)),
        }),
        logprobs: z.null(),
        finish_reason: finishReason,
      }),
    ),
    usage,
  }),
)

const chatCompletionChunk = component(
  'ChatCompletionChunk',
  z.object({
    ...envelope,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.literal(0),
        delta: z.object({
          role: z.optional(z.literal('assistant')),
          content: z.optional(z.string()),
          reasoning_content: z.optional(z.string()),
          annotations: z.optional(z.array(annotation)),
          tool_calls: z.optional(z.array(z.extend(toolCall, { index: z.int() }))),
        }),
        logprobs: z.null(),
        finish_reason: z.nullable(finishReason),
      }),
    ),
    usage: z.optional(usage),
  }),
)

export const createChatCompletion = operation({
  method: 'POST',
  path: '/v1/chat/completions',
  work: 'questions',
  tags,
  summary: 'Answer messages, as an avee or with a model',
  scope: 'chat',
  description:
    'An avee answers with its persona, the documents that the caller may see and what it remembers; the messages are the history, and system messages are added below its own instructions. Nothing is stored as a conversation unless `store` is true. A stream ends with `data: [DONE]`; `X-Run-Id` names the run, which can be read again.',
  maxBodyBytes,
  headers: idempotencyHeaders,
  body: z.object({
    model: modelName,
    messages: z.array(message).check(z.minLength(1), z.maxLength(5_000)),
    stream: z.nullish(z.boolean()),
    stream_options: z.nullish(z.object({ include_usage: z.nullish(z.boolean()) })),
    ...sampling,
    max_tokens: tokenLimit,
    max_completion_tokens: tokenLimit,
    seed: z.nullish(z.int()),
    stop: z.nullish(stop),
    n: z.nullish(z.literal(1)),
    logprobs: z.nullish(z.literal(false)),
    frequency_penalty: z.nullish(z.literal(0)),
    presence_penalty: z.nullish(z.literal(0)),
    modalities: z.nullish(z.array(z.literal('text'))),
    tools: z.nullish(tools),
    tool_choice: z.nullish(
      z.union([
        z.enum(['none', 'auto', 'required']),
        z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
      ]),
    ),
    response_format: z.nullish(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('text') }),
        z.object({ type: z.literal('json_object') }),
        z.object({
          type: z.literal('json_schema'),
          json_schema: z.object({
            name: z.string(),
            schema: z.optional(jsonSchema),
            strict: z.nullish(z.boolean()),
          }),
        }),
      ]),
    ),
    functions: z.nullish(describe(z.array(z.unknown()).check(z.maxLength(0)), 'Use `tools`.')),
    store: z.nullish(describe(z.boolean(), 'True stores question and answer in a new conversation.')),
    metadata: z.nullish(
      z.object({
        conversation_id: z.optional(
          describe(z.uuid(), 'Continues this conversation, which then has the history.'),
        ),
      }),
    ),
  }),
  errors,
  responses: { 200: chatCompletion },
  events: { chunk: chatCompletionChunk, error: errors },
})

const inputContent = z.union([
  z.string(),
  z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.enum(['input_text', 'output_text']), text: z.string() }),
      z.object({ type: z.literal('input_image'), image_url: z.string() }),
    ]),
  ),
])

const outputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.extend(urlCitation, { type: z.literal('url_citation') })),
})

const response = component(
  'OpenAiResponse',
  z.object({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int(),
    status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
    error: z.nullable(z.object({ code: z.string(), message: z.string() })),
    incomplete_details: z.nullable(z.object({ reason: z.enum(['max_output_tokens', 'content_filter']) })),
    model: z.string(),
    output: z.array(
      z.object({
        type: z.literal('message'),
        id: z.string(),
        status: z.enum(['in_progress', 'completed', 'incomplete']),
        role: z.literal('assistant'),
        content: z.array(outputText),
      }),
    ),
    parallel_tool_calls: z.boolean(),
    tool_choice: z.string(),
    tools: z.array(z.unknown()),
    usage: z.nullable(
      z.object({
        input_tokens: z.int(),
        input_tokens_details: z.object({ cached_tokens: z.int() }),
        output_tokens: z.int(),
        output_tokens_details: z.object({ reasoning_tokens: z.int() }),
        total_tokens: z.int(),
      }),
    ),
  }),
)
export type OpenAiResponse = z.input<typeof response>

const responseEvent = <const Types extends readonly [string, ...string[]]>(
  types: Types,
  shape: z.core.$ZodShape,
) => z.looseObject({ type: z.enum(types), sequence_number: z.int(), ...shape })

export const createResponse = operation({
  method: 'POST',
  path: '/v1/responses',
  work: 'questions',
  tags,
  summary: 'Answer an input with text, as an avee or with a model',
  scope: 'chat',
  description:
    'Accepts and returns text. Unless `store` is false, a later request can continue the response for 30 days with `previous_response_id`. It is not stored as a conversation.',
  maxBodyBytes,
  headers: idempotencyHeaders,
  body: z.object({
    model: modelName,
    input: z.union([
      z.string(),
      z
        .array(
          z.object({
            type: z.optional(z.literal('message')),
            role: z.enum(['system', 'developer', 'user', 'assistant']),
            content: inputContent,
          }),
        )
        .check(z.minLength(1), z.maxLength(5_000)),
    ]),
    instructions: z.nullish(z.string()),
    previous_response_id: z.nullish(z.string().check(z.maxLength(100))),
    stream: z.nullish(z.boolean()),
    store: z.nullish(z.boolean()),
    ...sampling,
    max_output_tokens: tokenLimit,
    tools: z.nullish(describe(z.array(z.unknown()).check(z.maxLength(0)), 'Tools are not supported here.')),
    background: z.nullish(z.literal(false)),
    text: z.nullish(z.object({ format: z.nullish(z.object({ type: z.literal('text') })) })),
  }),
  errors,
  responses: { 200: response },
  events: {
    response: responseEvent(
      [
        'response.created',
        'response.in_progress',
        'response.completed',
        'response.incomplete',
        'response.failed',
      ],
      { response },
    ),
    delta: responseEvent(['response.output_text.delta'], { delta: z.string() }),
    part: responseEvent(
      [
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.annotation.added',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
      ],
      {},
    ),
  },
})

export const createEmbeddings = operation({
  method: 'POST',
  path: '/v1/embeddings',
  work: 'questions',
  tags,
  summary: 'Embed texts',
  scope: 'chat',
  description: 'Vectors have unit length. Texts beyond the context window of the model are truncated.',
  body: z.object({
    model: modelName,
    input: z.union([
      z.string().check(z.minLength(1)),
      z.array(z.string().check(z.minLength(1))).check(z.minLength(1), z.maxLength(2_048)),
    ]),
    encoding_format: z.nullish(z.enum(['float', 'base64'])),
    dimensions: z.nullish(
      describe(z.int(), 'Not supported: vectors have the size that the model gives them.'),
    ),
  }),
  errors,
  responses: {
    200: z.object({
      object: z.literal('list'),
      model: z.string(),
      data: z.array(
        z.object({
          object: z.literal('embedding'),
          index: z.int(),
          embedding: describe(
            z.union([z.array(z.number()), z.string()]),
            'Numbers, or with `base64` 32-bit floats in little-endian order.',
          ),
        }),
      ),
      usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
    }),
  },
})
