import { expect, test } from 'vitest'
import { guideTools } from './guided-tools.ts'
import type { Capability, ChatModel, ChatRequest, ModelPart } from './port.ts'

const tools = [{ name: 'calculate', description: 'Calculates.', parameters: { type: 'object' } }]
const request: ChatRequest = {
  messages: [
    { role: 'user', content: 'How much?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'calculate', arguments: '{"n":1}' }] },
    { role: 'tool', content: '42', toolCallId: 'a' },
  ],
  tools,
  grounding: { question: 'How much?', passages: [], answerable: null },
}

/** A model that answers with these texts in turn. */
function player(texts: string[], capabilities: Capability[] = ['chat', 'json']) {
  const requests: ChatRequest[] = []
  const model: ChatModel = {
    name: 'm',
    provider: 'p',
    remote: false,
    continuation: 'trailing',
    capabilities,
    unsupported: [],
    contextTokens: async () => 4_096,
    async *stream(given) {
      requests.push(given)
      yield { type: 'text', text: texts.shift() ?? '' }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens: 10, completionTokens: 2 } }
    },
  }
  const stream = async (given = request) => {
    const parts: ModelPart[] = []
    for await (const part of guideTools(model).stream(given, AbortSignal.timeout(60_000))) parts.push(part)
    return parts
  }
  return { requests, stream }
}

test('a model without tool calls chooses one as JSON', async () => {
  const { requests, stream } = player(['{"tool":"calculate","arguments":{"n":2}}'])
  expect(await stream()).toMatchObject([
    { type: 'tool_call', name: 'calculate', arguments: '{"n":2}' },
    { type: 'finish', reason: 'tool_calls', usage: { promptTokens: 10 } },
  ])
  expect(requests[0]?.responseFormat?.schema).toMatchObject({
    anyOf: [
      { properties: { tool: { enum: ['answer'] } } },
      { properties: { tool: { enum: ['calculate'] } } },
    ],
  })
  expect(requests[0]?.tools).toBeUndefined()
  expect(requests[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
})

test.each(['{"tool":"answer","arguments":{}}', '{"tool":"unknown","arguments":{}}', '{"tool":"calcul'])(
  'after the choice %s, the model answers, and the tokens of both requests count',
  async (choice) => {
    const { requests, stream } = player([choice, 'It is 42.'])
    expect(await stream()).toEqual([
      { type: 'text', text: 'It is 42.' },
      { type: 'finish', reason: 'stop', usage: { promptTokens: 20, completionTokens: 4 } },
    ])
    expect(requests[1]?.messages).toEqual([
      { role: 'user', content: 'How much?' },
      { role: 'assistant', content: 'Tool: calculate {"n":1}' },
      { role: 'user', content: 'Result of calculate:\n42' },
    ])
  },
)

test('a model without structured output, at the limit of calls, or that continues a text only answers', async () => {
  const plain = player(['Yes.'], ['chat'])
  await plain.stream()
  const limited = player(['Yes.'])
  await limited.stream({ ...request, toolChoice: 'none' })
  const continuing = player(['Yes.'])
  await continuing.stream({ ...request, messages: [{ role: 'assistant', content: 'I think' }] })
  for (const { requests } of [plain, limited, continuing])
    expect(requests.map(({ responseFormat, tools: offered }) => [responseFormat, offered])).toEqual([
      [undefined, undefined],
    ])
})
