import { describe, expect, test } from 'vitest'
import { defaultModels, startOllama } from '../../../test/model-servers.ts'
import { ollamaProvider } from '../../../test/models/providers.ts'
import type { ChatModel, ChatRequest } from '../port.ts'

const signal = AbortSignal.timeout(60_000)

async function open(numCtx?: number, models = defaultModels()) {
  const ollama = await startOllama({ models })
  const provider = ollamaProvider(ollama.url, numCtx)
  const installed = await provider.find('llama3.2:1b', false)
  const model = provider.chat('llama3.2:1b', installed)
  return { ollama, model, [Symbol.asyncDispose]: () => ollama[Symbol.asyncDispose]() }
}

const ask = (model: ChatModel, content = 'Hello', more: Partial<ChatRequest> = {}) =>
  Array.fromAsync(
    model.stream(
      {
        messages: [{ role: 'user', content }],
        maxTokens: 100,
        temperature: 0.5,
        grounding: { question: '', passages: [], answerable: null },
        ...more,
      },
      signal,
    ),
  )

describe('Ollama requests', () => {
  test('contain tools, their results, images, a schema and sampling', async () => {
    await using it = await open()
    const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }
    const schema = { type: 'object', properties: { warm: { type: 'boolean' } } }
    await ask(it.model, '', {
      messages: [
        { role: 'user', content: 'Look', images: [{ mediaType: 'image/png', data: 'aGk=' }] },
        { role: 'assistant', content: '', toolCalls: [call] },
        { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
      ],
      tools: [{ name: 'weather', parameters: schema }],
      responseFormat: { schema },
      topP: 0.9,
      seed: 7,
      stop: ['END'],
    })
    expect(it.ollama.requestsTo('/api/chat')[0]?.body).toMatchObject({
      messages: [
        { role: 'user', content: 'Look', images: ['aGk='] },
        { role: 'assistant', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Oslo' } } }] },
        { role: 'tool', content: 'sunny', tool_name: 'weather' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: schema } }],
      format: schema,
      options: { top_p: 0.9, seed: 7, stop: ['END'] },
    })
  })

  test('enable the thinking of a thinking model, except for an answer in JSON', async () => {
    await using it = await open(undefined, [
      { name: 'llama3.2:1b', capabilities: ['completion', 'thinking'] },
    ])
    await ask(it.model)
    await ask(it.model, 'Hello', { responseFormat: {} })
    expect(it.ollama.requestsTo('/api/chat').map(({ body }) => body['think'])).toEqual([true, false])
  })

  test('disable truncation and set the context window', async () => {
    await using it = await open()
    await ask(it.model)
    expect(it.ollama.requestsTo('/api/chat')[0]?.body).toMatchObject({
      model: 'llama3.2:1b',
      stream: true,
      truncate: false,
      shift: false,
      options: { num_ctx: 8_192, num_predict: 100, temperature: 0.5 },
    })
  })

  test('keep the context window constant', async () => {
    await using it = await open()
    await ask(it.model)
    it.ollama.loaded.set('llama3.2:1b', 65_536)
    await ask(it.model)
    const contexts = it.ollama
      .requestsTo('/api/chat')
      .map(({ body }) => (body['options'] as { num_ctx: number }).num_ctx)
    expect(contexts).toEqual([8_192, 8_192])
  })

  test('keep a larger window of a loaded model', async () => {
    await using it = await open()
    it.ollama.loaded.set('llama3.2:1b', 32_768)
    expect(await it.model.contextTokens(signal)).toBe(32_768)
  })

  test('use the configured window', async () => {
    await using it = await open(16_384)
    it.ollama.loaded.set('llama3.2:1b', 32_768)
    expect(await it.model.contextTokens(signal)).toBe(16_384)
  })

  test('do not exceed the model’s context length', async () => {
    await using it = await open(undefined, [
      { name: 'llama3.2:1b', capabilities: ['completion'], contextLength: 2_048 },
    ])
    expect(await it.model.contextTokens(signal)).toBe(2_048)
  })

  test('lower the window after a context length error', async () => {
    await using it = await open()
    expect(await it.model.contextTokens(signal)).toBe(8_192)
    it.ollama.script('/api/chat', {
      status: 400,
      message: 'the request exceeds the available context size (4096 tokens), try increasing it',
    })
    await expect(ask(it.model)).rejects.toMatchObject({
      code: 'context_length_exceeded',
      details: { limit: 4_096 },
    })
    expect(await it.model.contextTokens(signal)).toBe(4_096)
  })
})
