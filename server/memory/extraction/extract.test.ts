import { describe, expect, test } from 'vitest'
import { createLog } from '../../log.ts'
import type { ChatMessage, ChatModel } from '../../models/index.ts'
import type { UserMessage } from '../store/turns.ts'
import { parseAnswer } from './ask-model.ts'
import { extractRequests, extractStatements, type KnownMemory } from './extract.ts'

/** Creates a model that records its prompt and returns a fixed answer. */
function scriptedModel({ remote = false, answer = '{"memories":[]}' }) {
  const prompt: ChatMessage[] = []
  const model: ChatModel = {
    name: 'scripted',
    provider: remote ? 'openai' : 'ollama',
    remote,
    continuation: 'instruct',
    capabilities: ['chat'],
    unsupported: [],
    contextTokens: async () => 8_192,
    async *stream({ messages }) {
      prompt.push(...messages)
      yield { type: 'text', text: answer }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens: null, completionTokens: null } }
    },
  }
  const dependencies = {
    models: {
      runInBackground: async <T>(
        options: { signal: AbortSignal },
        work: (model: ChatModel, signal: AbortSignal) => Promise<T>,
      ) => await work(model, options.signal),
    },
    log: createLog('silent'),
  }
  return {
    extract: (messages: UserMessage[], known: KnownMemory[] = []) =>
      extractStatements(dependencies, messages, async () => known, new AbortController().signal),
    prompt: () => prompt.map(({ content }) => content).join('\n'),
  }
}

const message = {
  id: 'one',
  text: 'I cook a lot.',
  writtenAt: new Date('2026-03-06T10:00:00Z'),
  layer: 'public' as const,
  model: 'scripted',
}
const known = [
  { id: 'a', content: 'I have asthma', localOnly: true },
  { id: 'b', content: 'I like tea', localOnly: false },
]

describe('extraction by a language model', () => {
  test.each([true, false])(
    'does not send memories for local models only to a remote model (remote: %s)',
    async (remote) => {
      const { extract, prompt } = scriptedModel({ remote })
      await extract([message], known)
      expect(prompt()).toContain('I like tea')
      expect(prompt().includes('asthma')).toBe(!remote)
    },
  )

  test('sends several messages in one call', async () => {
    const { extract, prompt } = scriptedModel({})
    await extract([message, { ...message, id: 'two', text: 'I sing.' }])
    expect(prompt().match(/^KNOWN:$/gm)).toHaveLength(1)
    expect(prompt()).toMatch(/<message n="1"[^>]*>\nI cook a lot\.\n<\/message>\n<message n="2"/)
  })

  test('stores the offsets of the quotation', async () => {
    const item = { quote: 'i  cook', content: 'Cooks', attribute: 'habit cooking', value: 'cook' }
    const { extract } = scriptedModel({ answer: JSON.stringify([item]) })
    expect(await extract([message])).toMatchObject([{ content: 'Cooks', start: 0, end: 6, messageId: 'one' }])
  })

  test.each([
    ['a quotation that is not in the message', { quote: 'I bake a lot' }],
    ['a value that is not in the message', { quote: 'I cook', value: 'Kent' }],
    ['a secret', { quote: 'I cook', content: 'The password is cook' }],
    ['an unknown message', { quote: 'I cook', message: 2 }],
    ['an item without an attribute', { quote: 'I cook', attribute: '' }],
  ])('drops %s', async (_, item) => {
    const answer = JSON.stringify([{ content: 'Cooks', attribute: 'habit', value: '', ...item }])
    expect(await scriptedModel({ answer }).extract([message])).toEqual([])
  })

  test('returns nothing when the answer is not JSON', async () => {
    expect(await scriptedModel({ answer: 'I would rather not say.' }).extract([message])).toEqual([])
  })

  test('does not ask the model about pasted texts or when no language model answered', async () => {
    const { extract, prompt } = scriptedModel({})
    await extract([{ ...message, text: 'word '.repeat(1_000) }])
    await extract([{ ...message, model: 'extractive' }])
    expect(prompt()).toBe('')
  })
})

describe('parsing of an answer', () => {
  const item = { quote: 'I sing', content: 'Sings', attribute: 'habit singing', valid_from: '2026-03' }

  test('ignores text around the JSON and drops invalid items', () => {
    const answer = `Sure:\n\`\`\`json\n${JSON.stringify({ memories: [item, { quote: '' }, 7] })}\n\`\`\``
    expect(parseAnswer(answer)).toMatchObject([
      {
        ...item,
        type: 'fact',
        subject: 'self',
        relation: 'new',
        status: 'current',
        valid_from: new Date('2026-03-01T00:00:00Z'),
      },
    ])
    expect(parseAnswer(JSON.stringify([item]))).toHaveLength(1)
  })

  test('repairs a list that was cut off', () => {
    const answer = JSON.stringify({ memories: [item, item] }).slice(0, -20)
    expect(parseAnswer(answer)).toHaveLength(1)
  })

  test('fails without JSON', () => {
    expect(() => parseAnswer('I cannot do that.')).toThrow('no JSON')
  })
})

describe('explicit requests', () => {
  const requested = (text: string) => extractRequests([{ ...message, text }])

  test('are remembered in the words of the user, with the date that they name', () => {
    expect(requested('Remember that my exam is next Tuesday.').remember).toMatchObject([
      {
        content: 'My exam is next Tuesday (2026-03-10)',
        validFrom: new Date('2026-03-10T00:00:00Z'),
        confidence: 1,
        start: 14,
        end: 37,
      },
    ])
  })

  test('are ignored when they contain a secret', () => {
    expect(requested('Remember that my password is hunter2').remember).toEqual([])
    expect(requested('Lembra-te que a minha senha é abacate').remember).toEqual([])
    expect(requested('Ricorda che la mia password è segreto').remember).toEqual([])
  })
})
