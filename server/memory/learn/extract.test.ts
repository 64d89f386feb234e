import { expect, test } from 'vitest'
import { createLog } from '../../log.ts'
import type { ChatMessage, ChatModel } from '../../models/index.ts'
import { parseAnswer } from './ask-model.ts'
import { extractor } from './extract.ts'

/** A model that notes what it is told and finds nothing. */
function played(remote: boolean) {
  const seen: ChatMessage[] = []
  const model: ChatModel = {
    name: 'played',
    provider: remote ? 'openai' : 'ollama',
    remote,
    continuation: 'instruct',
    contextTokens: async () => 8_192,
    async *stream({ messages }) {
      seen.push(...messages)
      yield { type: 'text', text: '{"memories":[]}' }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens: null, completionTokens: null } }
    },
  }
  const extract = extractor({
    models: { runInBackground: (wish, work) => work(model, wish.signal) },
    log: createLog('silent'),
  })
  return { extract, prompt: () => seen.map(({ content }) => content).join('\n') }
}

const message = {
  id: 'one',
  text: 'I cook a lot.',
  writtenAt: new Date('2026-03-06T10:00:00Z'),
  layer: 'public' as const,
  model: 'played',
}
const known = [
  { id: 'a', content: 'I have asthma', localOnly: true },
  { id: 'b', content: 'I like tea', localOnly: false },
]

test.each([true, false])(
  'what is for local models only is not told to a remote one, not even to compare (remote: %s)',
  async (remote) => {
    const { extract, prompt } = played(remote)
    await extract([message], known, new AbortController().signal)
    expect(prompt()).toContain('I like tea')
    expect(prompt().includes('asthma')).toBe(!remote)
  },
)

test('several messages are one call', async () => {
  const { extract, prompt } = played(false)
  await extract([message, { ...message, id: 'two', text: 'I sing.' }], [], new AbortController().signal)
  expect(prompt().match(/^KNOWN:$/gm)).toHaveLength(1)
  expect(prompt()).toMatch(/<message n="1"[^>]*>\nI cook a lot\.\n<\/message>\n<message n="2"/)
})

test('an answer is read through fences, and its bad items are left out', () => {
  const good = { quote: 'I sing', content: 'Sings', attribute: 'habit singing', valid_from: '2026-03' }
  const said = `Sure:\n\`\`\`json\n${JSON.stringify({ memories: [good, { quote: '' }, 7] })}\n\`\`\``
  expect(parseAnswer(said)).toMatchObject([
    {
      ...good,
      type: 'fact',
      subject: 'self',
      relation: 'new',
      holds: 'holds',
      valid_from: new Date('2026-03-01T00:00:00Z'),
    },
  ])
  expect(parseAnswer(JSON.stringify([good]))).toHaveLength(1)
  expect(() => parseAnswer('I cannot do that.')).toThrow('no JSON')
})
