import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryHouse, openMemory, talk } from './house.ts'

const local = 'llama3.2:1b'
type Item = Record<string, unknown>
const item = (more: Item): Item => ({ message: 1, type: 'fact', confidence: 0.9, importance: 0.6, ...more })
const tells = (...items: Item[]) => ({ tokens: [JSON.stringify({ memories: items })] })

describe('what a language model reads out of a turn', () => {
  let ollama: ScriptedOllama
  let house: MemoryHouse
  beforeAll(async () => {
    ollama = await startOllama()
    house = await openMemory('embedded', { OLLAMA_BASE_URL: ollama.url, BACKGROUND_MODEL_CALLS: 'on' })
  })
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]()
    await ollama?.[Symbol.asyncDispose]()
  })
  const promptOf = (i: number): string => {
    const messages = ollama.requestsTo('/api/chat').at(i)?.body['messages'] as
      | { content: string }[]
      | undefined
    return (messages ?? []).map(({ content }) => content).join('\n')
  }

  test('is kept where the words of the message say it, in any language, with fences and chatter around the JSON', async () => {
    const one = await talk(house)
    const text = 'Mieszkam w Krakowie i mam psa o imieniu Burek.'
    const answer = tells(
      item({
        quote: 'Mieszkam w Krakowie',
        content: 'Mieszka w Krakowie',
        subject: 'self',
        attribute: 'residence',
        value: 'Krakowie',
      }),
      item({
        quote: 'mam psa o imieniu Burek',
        content: 'Ma psa o imieniu Burek',
        type: 'relationship',
        subject: 'self',
        attribute: 'relation dog',
        value: 'Burek',
      }),
    )
    ollama.script('/api/chat', { tokens: ['Here you are:\n```json\n', ...answer.tokens, '\n```\nDone.'] })
    await one.say(text, { model: local })
    const memories = await one.memories()
    expect(memories.map(({ content, type }) => [content, type])).toEqual([
      ['Mieszka w Krakowie', 'fact'],
      ['Ma psa o imieniu Burek', 'relationship'],
    ])
    expect(memories.map(({ source }) => text.slice(source?.start, source?.end))).toEqual([
      'Mieszkam w Krakowie',
      'mam psa o imieniu Burek',
    ])
  })

  test('is not kept where it was asked, quoted, made up, or a secret', async () => {
    const one = await talk(house)
    ollama.script(
      '/api/chat',
      tells(
        item({
          quote: 'Do I live in Berlin?',
          content: 'Lives in Berlin',
          subject: 'self',
          attribute: 'residence',
          value: 'Berlin',
        }),
        item({
          quote: 'I am the queen of Sheba',
          content: 'Is a queen',
          subject: 'self',
          attribute: 'occupation',
          value: 'queen',
        }),
        item({
          quote: 'I play the tuba',
          content: 'Plays the tuba',
          subject: 'self',
          attribute: 'plays tuba',
          value: 'yes',
        }),
        item({
          quote: 'the wifi word is tr0ub4dor',
          content: 'The password is tr0ub4dor',
          subject: 'self',
          attribute: 'wifi',
          value: 'tr0ub4dor',
        }),
        item({
          quote: 'The garden is large',
          content: 'Has a garden in Kent',
          subject: 'self',
          attribute: 'residence',
          value: 'Kent',
        }),
        { nonsense: true },
      ),
    )
    await one.say(
      'Do I live in Berlin? "I am the queen of Sheba" she said. The garden is large. By the way, the wifi word is tr0ub4dor.',
      { model: local },
    )
    expect(await one.memories()).toEqual([])
  })

  test('a correction takes the place of what the model was shown', async () => {
    const one = await talk(house)
    await one.say('My sister is called Ana.')
    ollama.script(
      '/api/chat',
      tells(
        item({
          quote: 'she spells it Anna',
          content: 'The sister is called Anna',
          type: 'relationship',
          subject: 'self',
          attribute: 'relation sister',
          value: 'Anna',
          relation: 'replaces',
          known: 1,
        }),
      ),
    )
    await one.say('About my sister: actually she spells it Anna.', { model: local })
    expect(promptOf(-1)).toContain('1. My sister is called Ana')
    expect((await one.memories()).map(({ content }) => content)).toEqual(['The sister is called Anna'])
    const all = await one.memories('&include_past=true')
    expect(all.find(({ content }) => content === 'My sister is called Ana')?.superseded_by).toBe(all[1]?.id)
  })

  test('where the model fails or answers nonsense, rules read the turn', async () => {
    const one = await talk(house)
    ollama.script('/api/chat', { tokens: ['I would rather not say.'] })
    await one.say('I live in Ghent.', { model: local })
    ollama.script('/api/chat', { status: 400, message: 'no' })
    await one.say('I like tea.', { model: local })
    await one.say('I like jazz.', { model: 'a-model-that-is-gone' })
    expect((await one.memories()).map(({ content }) => content)).toEqual([
      'I live in Ghent',
      'I like tea',
      'I like jazz',
    ])
  })

  test('only the person’s own words are read, and each message once', async () => {
    const one = await talk(house)
    ollama.script('/api/chat', tells())
    const before = ollama.requestsTo('/api/chat').length
    const id = await one.say('Good morning.', {
      model: local,
      answer: 'I live in a server and I am allergic to dust.',
    })
    expect(promptOf(-1)).not.toContain('allergic to dust')
    // The same question is answered anew.
    await house.app.database.transaction((trx) =>
      house.memory.note(trx, {
        conversationId: one.conversationId,
        userMessageId: id,
        messageId: id,
        aveeId: one.aveeId,
        userId: one.userId,
        layer: 'intimate',
        recalled: [],
      }),
    )
    await house.memory.settled()
    expect(ollama.requestsTo('/api/chat')).toHaveLength(before + 1)
    expect(await one.memories()).toEqual([])
  })

  test('a turn that a node took and did not finish is read by another', async () => {
    const one = await talk(house)
    await one.say('I live in Ghent.')
    // As a crash leaves it: claimed by a node that is no more, and the claim has run out.
    const { db } = house.app.database
    await db.deleteFrom('memories').where('user_id', '=', one.userId).execute()
    await db
      .updateTable('memory_turns')
      .set({ done_at: null, claimed_until: new Date(Date.now() - 1000) })
      .where('user_id', '=', one.userId)
      .execute()
    await house.memory.settled()
    await house.memory.settled()
    expect((await one.memories()).map(({ content, confirmations }) => [content, confirmations])).toEqual([
      ['I live in Ghent', 1],
    ])
  })
})
