import { expect, test } from 'vitest'
import { startAnthropic } from '../../../test/model-servers.ts'
import type { ChatRequest, ModelPart } from '../port.ts'
import { createTokenCounter } from '../tokens.ts'
import { createService } from '../upstream/service.ts'
import { createAnthropicChat } from './chat.ts'

async function open() {
  const upstream = await startAnthropic()
  const model = createAnthropicChat({
    provider: 'anthropic',
    service: createService('anthropic', { name: 'anthropic', baseUrl: upstream.url, apiKey: 'sk-ant-1' }),
    name: 'claude-sonnet-4-5',
    timeouts: { firstTokenMs: 5_000, stallMs: 5_000 },
    tokens: createTokenCounter(),
    capabilities: ['chat', 'tools', 'json', 'vision'],
    contextTokens: async () => 200_000,
    onContextLimit: () => {},
  })
  const ask = (request: Partial<ChatRequest>): Promise<ModelPart[]> =>
    Array.fromAsync(
      model.stream(
        {
          messages: [{ role: 'user', content: 'Hello' }],
          grounding: { question: '', passages: [], answerable: null },
          ...request,
        },
        AbortSignal.timeout(60_000),
      ),
    )
  return { upstream, ask, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() }
}

const schema = { type: 'object', properties: { warm: { type: 'boolean' } } }

test('sends instructions, tools, their results and images in Anthropic’s form', async () => {
  await using it = await open()
  const calls = ['call_1', 'call_2'].map((id) => ({ id, name: 'weather', arguments: '{"city":"Oslo"}' }))
  await it.ask({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Look', images: [{ mediaType: 'image/png', data: 'aGk=' }] },
      { role: 'assistant', content: '', toolCalls: calls },
      { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
      { role: 'tool', content: 'rain', toolCallId: 'call_2' },
    ],
    tools: [{ name: 'weather', description: 'The weather', parameters: schema }],
    toolChoice: 'required',
    temperature: 1.7,
    stop: ['END'],
  })
  const [request] = it.upstream.requestsTo('/v1/messages')
  expect(request?.headers).toMatchObject({ 'x-api-key': 'sk-ant-1', 'anthropic-version': '2023-06-01' })
  expect(request?.body).toMatchObject({
    model: 'claude-sonnet-4-5',
    max_tokens: 8_192,
    system: 'Be brief.',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          { type: 'text', text: 'Look' },
        ],
      },
      {
        role: 'assistant',
        content: calls.map(({ id }) => ({ type: 'tool_use', id, input: { city: 'Oslo' } })),
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: 'sunny' },
          { type: 'tool_result', tool_use_id: 'call_2', content: 'rain' },
        ],
      },
    ],
    tools: [{ name: 'weather', description: 'The weather', input_schema: schema }],
    tool_choice: { type: 'any' },
    temperature: 1,
    stop_sequences: ['END'],
  })
})

test('answers in JSON by a call of a tool, which readers see as text', async () => {
  await using it = await open()
  it.upstream.script('/v1/messages', { tokens: [], toolCalls: [{ name: 'json', arguments: { warm: true } }] })
  const parts = await it.ask({ responseFormat: { schema } })
  expect(parts.map((part) => (part.type === 'text' ? part.text : '')).join('')).toBe('{"warm":true}')
  expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  expect(it.upstream.requestsTo('/v1/messages')[0]?.body).toMatchObject({
    tools: [{ name: 'json', input_schema: schema }],
    tool_choice: { type: 'tool', name: 'json' },
  })
})

test('begins with the user and omits empty texts, as the protocol requires', async () => {
  await using it = await open()
  await it.ask({
    messages: [
      { role: 'assistant', content: 'Welcome!' },
      { role: 'user', content: ' ' },
      { role: 'user', content: 'Hello' },
    ],
  })
  expect(it.upstream.requestsTo('/v1/messages')[0]?.body).toMatchObject({
    messages: [
      { role: 'user', content: [{ type: 'text', text: '…' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Welcome!' }] },
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
    ],
  })
})

test('reports a refusal, and counts cached tokens as part of the prompt', async () => {
  await using it = await open()
  it.upstream.script('/v1/messages', {
    frames: [
      {
        type: 'message_start',
        message: { usage: { input_tokens: 10, cache_read_input_tokens: 90, output_tokens: 1 } },
      },
      { type: 'message_delta', delta: { stop_reason: 'refusal' }, usage: { output_tokens: 5 } },
    ].map((event) => JSON.stringify(event)),
  })
  expect(await it.ask({})).toEqual([
    { type: 'finish', reason: 'filter', usage: { promptTokens: 100, completionTokens: 5 } },
  ])
})
