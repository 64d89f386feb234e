import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryApp, startMemoryApp, startTestConversation } from './app.ts'

const signal = () => AbortSignal.timeout(60_000)
const smallTalk = [
  'Nice weather.',
  'What is a monad?',
  'Tell me a joke.',
  'How do trams work?',
  'Explain tides.',
]

for (const kind of DATABASES) {
  describe(`recall of earlier turns on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: MemoryApp
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startMemoryApp(kind, { OLLAMA_BASE_URL: ollama.url })
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
      await ollama?.[Symbol.asyncDispose]()
    })

    test('finds a turn by its words, and its answer by the words of the question', async () => {
      const conversation = await startTestConversation(app)
      const asked = await conversation.say('Which cupboard did grandmother keep the saffron in?', {
        answer: 'The tall one by the window.',
      })
      for (const text of smallTalk) await conversation.say(text)
      const found = await app.memory.recallTurns({
        conversationId: conversation.conversationId,
        layer: 'intimate',
        query: 'Where was the saffron kept?',
        limit: 2,
        signal: signal(),
      })
      expect(found.map(({ id, content }) => (id === asked ? 'the question' : content))).toEqual([
        'the question',
        'The tall one by the window.',
      ])
    })

    test('ranks a short statement above long messages with more words of the query, and returns most in full', async () => {
      const conversation = await startTestConversation(app)
      const { questionId: statement } = await conversation.store('My loom at home is blue.', {
        answer: 'Nice.',
      })
      const care = 'Oil it twice a year, keep it dry, and cover it with cloth. '.repeat(3)
      const advice = `A loom at home has a colour. ${care}`.repeat(9).trim()
      const { answerId } = await conversation.store('Any advice?', { answer: advice })
      const { answerId: longest } = await conversation.store('More?', { answer: `${advice} ${advice}` })
      const found = await app.memory.recallTurns({
        conversationId: conversation.conversationId,
        layer: 'intimate',
        query: 'Which colour is the loom at home?',
        limit: 10,
        signal: signal(),
      })
      expect(found[0]?.id).toBe(statement)
      expect(found.find(({ id }) => id === answerId)?.excerpt).toBe(advice)
      expect(found.find(({ id }) => id === longest)?.excerpt.length).toBeLessThan(2_100)
    })

    test('finds a turn as soon as its answer is stored, before any background job', async () => {
      const conversation = await startTestConversation(app)
      const { questionId, answerId } = await conversation.store('The saffron is in the tall cupboard.', {
        answer: 'Saffron: noted.',
      })
      const found = await app.memory.recallTurns({
        conversationId: conversation.conversationId,
        layer: 'intimate',
        query: 'saffron',
        limit: 5,
        signal: signal(),
      })
      expect(found.map(({ id }) => id).toSorted()).toEqual([questionId, answerId].toSorted())
    })

    test('searches all conversations with the avee only while memory is on', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('The saffron is in the tall cupboard.')
      const query = {
        aveeId: conversation.aveeId,
        userId: conversation.userId,
        layer: 'intimate' as const,
        query: 'saffron',
        limit: 3,
        signal: signal(),
      }
      expect(await app.memory.recallTurns(query)).toHaveLength(2)
      await conversation.client.put('/memories/settings', { enabled: false, avee: conversation.aveeId })
      expect(await app.memory.recallTurns(query)).toEqual([])
      const here = await app.memory.recallTurns({ ...query, conversationId: conversation.conversationId })
      expect(here[0]?.content).toContain('saffron')
    })

    test('omits turns of wider layers, of other branches, and of the prompt', async () => {
      const conversation = await startTestConversation(app)
      const first = await conversation.say('The saffron is in the tall cupboard.', { layer: 'friends' })
      const second = await conversation.say('Saffron is dear.', { layer: 'public' })
      const query = {
        conversationId: conversation.conversationId,
        query: 'saffron',
        limit: 10,
        signal: signal(),
      }
      const ids = async (more: object) =>
        (await app.memory.recallTurns({ ...query, layer: 'friends', ...more })).map(({ id }) => id)
      expect(await ids({})).toEqual(expect.arrayContaining([first, second]))
      expect(await ids({ layer: 'public' })).not.toContain(first)
      expect(await ids({ without: [second] })).not.toContain(second)
      expect(await ids({ leafId: first })).toEqual([first])
    })

    test('embeds turns with a local embedding model', async () => {
      const conversation = await startTestConversation(app)
      await conversation.say('The saffron is in the tall cupboard.')
      const { db } = app.app.database
      const rows = await db
        .selectFrom('turn_vectors')
        .innerJoin('turn_index', 'turn_index.message_id', 'turn_vectors.message_id')
        .select('turn_vectors.model')
        .where('turn_index.conversation_id', '=', conversation.conversationId)
        .execute()
      const space = expect.stringMatching(/^ollama\/nomic-embed-text@/)
      expect(rows.map(({ model }) => model)).toEqual([space, space])
    })
  })
}
