import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryHouse, openMemory, talk } from './house.ts'

const signal = () => AbortSignal.timeout(10_000)
const small = ['Nice weather.', 'What is a monad?', 'Tell me a joke.', 'How do trams work?', 'Explain tides.']

for (const kind of DATABASES) {
  describe(`earlier turns on ${kind}`, () => {
    let ollama: ScriptedOllama
    let house: MemoryHouse
    beforeAll(async () => {
      ollama = await startOllama()
      house = await openMemory(kind, { OLLAMA_BASE_URL: ollama.url })
    })
    afterAll(async () => {
      await house?.[Symbol.asyncDispose]()
      await ollama?.[Symbol.asyncDispose]()
    })

    test('are found by their words, and by the words of what they answer', async () => {
      const one = await talk(house)
      const asked = await one.say('Which cupboard did grandmother keep the saffron in?', {
        answer: 'The tall one by the window.',
      })
      for (const text of small) await one.say(text)
      const found = await house.memory.recallTurns({
        conversationId: one.conversationId,
        layer: 'intimate',
        query: 'Where was the saffron kept?',
        limit: 2,
        signal: signal(),
      })
      expect(found.map(({ id, content }) => (id === asked ? 'the question' : content))).toEqual([
        'the question',
        'The tall one by the window.',
      ])
      expect(found[0]?.score).toBeGreaterThan(found[1]?.score ?? 1)
    })

    test('are found over all conversations with the avee, and not where remembering is off', async () => {
      const one = await talk(house)
      await one.say('The saffron is in the tall cupboard.')
      const ask = {
        aveeId: one.aveeId,
        userId: one.userId,
        layer: 'intimate' as const,
        query: 'saffron',
        limit: 3,
        signal: signal(),
      }
      expect(await house.memory.recallTurns(ask)).toHaveLength(2)
      await one.client.put('/memories/settings', { enabled: false, avee: one.aveeId })
      expect(await house.memory.recallTurns(ask)).toEqual([])
      const here = await house.memory.recallTurns({ ...ask, conversationId: one.conversationId })
      expect(here[0]?.content).toContain('saffron')
    })

    test('of a wider layer, of another branch, and those at hand already are left out', async () => {
      const one = await talk(house)
      const first = await one.say('The saffron is in the tall cupboard.', { layer: 'friends' })
      const second = await one.say('Saffron is dear.', { layer: 'public' })
      const ask = { conversationId: one.conversationId, query: 'saffron', limit: 10, signal: signal() }
      const ids = async (more: object) =>
        (await house.memory.recallTurns({ ...ask, layer: 'friends', ...more })).map(({ id }) => id)
      expect(await ids({})).toEqual(expect.arrayContaining([first, second]))
      expect(await ids({ layer: 'public' })).not.toContain(first)
      expect(await ids({ without: [second] })).not.toContain(second)
      expect(await ids({ leafId: first })).toEqual([first])
    })

    test('get vectors from an embedding model on this machine', async () => {
      const one = await talk(house)
      await one.say('The saffron is in the tall cupboard.')
      const { db } = house.app.database
      const rows = await db
        .selectFrom('turn_vectors')
        .innerJoin('turn_index', 'turn_index.message_id', 'turn_vectors.message_id')
        .select('turn_vectors.model')
        .where('turn_index.conversation_id', '=', one.conversationId)
        .execute()
      expect(rows.map(({ model }) => model)).toEqual(['ollama/nomic-embed-text', 'ollama/nomic-embed-text'])
    })
  })
}
