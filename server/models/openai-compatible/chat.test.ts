import { describe, expect, test } from 'vitest'
import { type OpenAiOptions, startOpenAi } from '../../../test/model-servers.ts'
import type { ChatRequest, ModelPart } from '../port.ts'
import { createTokenCounter } from '../tokens.ts'
import { createOpenAiService } from '../upstream/service.ts'
import { listServed } from './api.ts'
import { createOpenAiChat } from './chat.ts'
import { createSupportedParameters } from './parameters.ts'

const path = '/v1/chat/completions'

async function service(options: OpenAiOptions = {}) {
  const upstream = await startOpenAi(options)
  const model = createOpenAiChat({
    provider: 'openai',
    service: createOpenAiService({ baseUrl: upstream.url }),
    name: 'some-model',
    timeouts: { firstTokenMs: 5_000, stallMs: 300, retryMs: 20 },
    tokens: createTokenCounter(),
    parameters: createSupportedParameters(),
    capabilities: ['chat', 'tools', 'json', 'vision'],
    contextTokens: async () => 8_192,
    onContextLimit: () => {},
  })
  const ask = (request: Partial<ChatRequest> = {}): Promise<ModelPart[]> =>
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
  return { upstream, model, ask, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() }
}

describe('a service with deviations from OpenAI’s protocol', () => {
  test('is not sent rejected parameters again', async () => {
    await using server = await service({ refuses: ['stream_options', 'max_tokens', 'temperature'] })
    const request = { maxTokens: 50, temperature: 0.2 }
    expect((await server.ask(request)).at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
    await server.ask(request)
    const [accepted, again] = server.upstream.requestsTo(path).slice(-2)
    expect(accepted?.body).toEqual(again?.body)
    expect(again?.body).toMatchObject({ max_completion_tokens: 50 })
    for (const rejected of ['stream_options', 'max_tokens', 'temperature'])
      expect(again?.body).not.toHaveProperty(rejected)
    expect(server.upstream.requestsTo(path)).toHaveLength(5)
  })

  test('gets no second request after other errors', async () => {
    await using server = await service()
    server.upstream.script(path, { status: 400, message: 'The model does not exist.' })
    await expect(server.ask()).rejects.toMatchObject({ code: 'http_400' })
    expect(server.upstream.requestsTo(path)).toHaveLength(1)
  })

  test('can answer without streaming', async () => {
    await using server = await service()
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }]
    server.upstream.script(path, {
      status: 200,
      body: JSON.stringify({ choices, usage: { prompt_tokens: 3, completion_tokens: 2 } }),
    })
    expect(await server.ask()).toEqual([
      { type: 'text', text: 'Hello!' },
      { type: 'finish', reason: 'stop', usage: { promptTokens: 3, completionTokens: 2 } },
    ])
  })

  test('can report an error with status 200', async () => {
    await using server = await service()
    server.upstream.script(path, {
      status: 200,
      body: JSON.stringify({ error: { message: 'no credits left' } }),
    })
    await expect(server.ask()).rejects.toMatchObject({
      code: 'upstream_error',
      message: expect.stringContaining('no credits left'),
    })
  })

  test('ends the answer with a finish reason, even if the stream stalls afterwards', async () => {
    await using server = await service()
    const chunk = (delta: object, finish_reason: string | null) =>
      JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })
    server.upstream.script(path, {
      frames: [chunk({ content: 'Hi' }, null), chunk({}, 'length'), chunk({}, null)],
      fault: 'stall',
      afterTokens: 2,
    })
    expect(await server.ask()).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'finish', reason: 'length', usage: { promptTokens: null, completionTokens: null } },
    ])
  })

  test('sends tools, their results, images, a schema and sampling', async () => {
    await using server = await service()
    const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }
    const schema = { type: 'object', properties: { warm: { type: 'boolean' } } }
    await server.ask({
      messages: [
        { role: 'user', content: 'Look', images: [{ mediaType: 'image/png', data: 'aGk=' }] },
        { role: 'assistant', content: '', toolCalls: [call] },
        { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
      ],
      tools: [{ name: 'weather', parameters: schema }],
      toolChoice: { name: 'weather' },
      responseFormat: { schema, name: 'report', strict: true },
      topP: 0.9,
      seed: 7,
      stop: ['END'],
    })
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }
    const called = { name: 'weather', arguments: call.arguments }
    expect(server.upstream.requestsTo(path)[0]?.body).toMatchObject({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Look' }, image] },
        { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: called }] },
        { role: 'tool', content: 'sunny', tool_call_id: 'call_1' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: schema } }],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      response_format: { type: 'json_schema', json_schema: { name: 'report', schema, strict: true } },
      top_p: 0.9,
      seed: 7,
      stop: ['END'],
    })
  })

  test('may send an empty field beside its thinking, arguments as an object and counts of another type', async () => {
    await using server = await service()
    const frame = (delta: object, more: object = {}) =>
      JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null, ...more }] })
    const call = { id: 'call_1', function: { name: 'weather', arguments: { city: 'Oslo' } } }
    server.upstream.script(path, {
      frames: [
        frame({ reasoning_content: '', reasoning: 'Let me see.' }),
        frame({ tool_calls: [call] }, { finish_reason: 'tool_calls' }),
        JSON.stringify({ choices: [], usage: { prompt_tokens: '3', completion_tokens: 2 } }),
      ],
    })
    expect(await server.ask()).toEqual([
      { type: 'thinking', text: 'Let me see.' },
      { type: 'tool_call', id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'finish', reason: 'tool_calls', usage: { promptTokens: null, completionTokens: 2 } },
    ])
  })

  test('may list its models as a bare array', async () => {
    await using server = await service()
    server.upstream.script('/v1/models', { status: 200, body: '[{"id":"some-model"}]' })
    const listed = await listServed(
      createOpenAiService({ baseUrl: server.upstream.url }),
      AbortSignal.timeout(60_000),
    )
    expect(listed).toMatchObject([{ name: 'some-model' }])
  })

  test('may stream its content as a list of parts', async () => {
    await using server = await service()
    const frame = (content: unknown, finish_reason: string | null = null) =>
      JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })
    server.upstream.script(path, {
      frames: [
        frame([{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] }]),
        frame([{ type: 'text', text: 'Yes' }]),
        frame('.', 'stop'),
      ],
    })
    expect((await server.ask()).slice(0, 3)).toEqual([
      { type: 'thinking', text: 'Let me see.' },
      { type: 'text', text: 'Yes' },
      { type: 'text', text: '.' },
    ])
  })

  test.each([
    ['content_filter', 'filter'],
    ['tool_calls', 'tool_calls'],
  ] as const)('reports the finish reason %s as %s', async (finish_reason, reason) => {
    await using server = await service()
    server.upstream.script(path, {
      frames: [JSON.stringify({ choices: [{ delta: { content: 'Hi' }, finish_reason }] })],
    })
    expect((await server.ask()).at(-1)).toMatchObject({ type: 'finish', reason })
  })
})
