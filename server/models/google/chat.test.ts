import { expect, test } from 'vitest'
import { googleChatPath, startGoogle } from '../../../test/model-servers.ts'
import { createLog } from '../../log.ts'
import type { ChatRequest, ModelPart } from '../port.ts'
import { createProvider } from '../providers/provider.ts'
import { createTokenCounter } from '../tokens.ts'
import { createService } from '../upstream/service.ts'

const signal = AbortSignal.timeout(60_000)

async function open() {
  const upstream = await startGoogle({ apiKey: 'AIza-1' })
  const provider = createProvider({ id: null, name: 'google' }, 'google', {
    service: createService('google', { name: 'google', baseUrl: upstream.url, apiKey: 'AIza-1' }),
    closing: signal,
    log: createLog('silent'),
    tokens: createTokenCounter(),
    timeouts: { firstTokenMs: 5_000, stallMs: 5_000 },
    contextTokens: undefined,
  })
  const name = 'gemini-2.5-flash'
  const model = provider.chat(name, await provider.find(name, false))
  const ask = (request: Partial<ChatRequest>): Promise<ModelPart[]> =>
    Array.fromAsync(
      model.stream(
        {
          messages: [{ role: 'user', content: 'Hello' }],
          grounding: { question: '', passages: [], answerable: null },
          ...request,
        },
        signal,
      ),
    )
  return { upstream, provider, model, ask, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() }
}

test('sends instructions, tools with their state, results and images in Google’s form', async () => {
  await using it = await open()
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  await it.ask({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Look', images: [{ mediaType: 'image/png', data: 'aGk=' }] },
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: '1', name: 'weather', arguments: '{"city":"Oslo"}', signature: 'c2ln' }],
      },
      { role: 'tool', content: 'sunny', toolCallId: '1' },
    ],
    tools: [{ name: 'weather', parameters: schema }],
    toolChoice: { name: 'weather' },
    responseFormat: { schema },
    seed: 7,
    maxTokens: 100,
  })
  expect(it.upstream.requestsTo(googleChatPath)[0]?.body).toEqual({
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }, { text: 'Look' }] },
      {
        role: 'model',
        parts: [{ functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2ln' }],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { result: 'sunny' } } }] },
    ],
    tools: [
      { functionDeclarations: [{ name: 'weather', description: 'weather', parametersJsonSchema: schema }] },
    ],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } },
    generationConfig: {
      maxOutputTokens: 100,
      seed: 7,
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
      thinkingConfig: { includeThoughts: true },
    },
  })
})

test('returns the state of a call to the service', async () => {
  await using it = await open()
  it.upstream.script(googleChatPath, { tokens: [], toolCalls: [{ name: 'time', arguments: {} }] })
  expect((await it.ask({}))[0]).toMatchObject({ type: 'tool_call', name: 'time', signature: 'c2ln' })
})

test('counts thoughts as output, and reports a blocked prompt', async () => {
  await using it = await open()
  const counts = { promptTokenCount: 9, candidatesTokenCount: 29, thoughtsTokenCount: 256 }
  const parts = [{ text: 'Three.' }]
  it.upstream.script(
    googleChatPath,
    {
      frames: [
        JSON.stringify({ candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata: counts }),
      ],
    },
    { frames: [JSON.stringify({ promptFeedback: { blockReason: 'SAFETY' } })] },
  )
  expect((await it.ask({})).at(-1)).toEqual({
    type: 'finish',
    reason: 'stop',
    usage: { promptTokens: 9, completionTokens: 285, reasoningTokens: 256 },
  })
  expect((await it.ask({})).at(-1)).toMatchObject({ type: 'finish', reason: 'filter' })
})

test('reports windows and capabilities, and embeds', async () => {
  await using it = await open()
  expect(await it.model.contextTokens(signal)).toBe(1_048_576)
  expect(it.model.capabilities).toContain('thinking')
  const { batch } = it.provider.embed?.('gemini-embedding-001', undefined, 5_000) ?? {}
  expect(await batch?.(['one', 'two'], signal)).toHaveLength(2)
})
