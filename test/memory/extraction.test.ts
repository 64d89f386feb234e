import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ANY_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryApp, startMemoryApp, startTestConversation } from './app.ts'

const local = 'llama3.2:1b'
type Item = Record<string, unknown>
const item = (more: Item): Item => ({
  message: 1,
  type: 'fact',
  subject: 'self',
  confidence: 0.9,
  importance: 0.6,
  ...more,
})
const answerOf = (...items: Item[]) => ({ tokens: [JSON.stringify({ memories: items })] })

describe('extraction by a language model', () => {
  let ollama: ScriptedOllama
  let app: MemoryApp
  beforeAll(async () => {
    ollama = await startOllama()
    app = await startMemoryApp(ANY_DATABASE, { OLLAMA_BASE_URL: ollama.url, BACKGROUND_MODEL_CALLS: 'on' })
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await ollama?.[Symbol.asyncDispose]()
  })
  const promptOf = (i: number): string => {
    const messages = ollama.requestsTo('/api/chat').at(i)?.body['messages'] as
      | { content: string }[]
      | undefined
    return (messages ?? []).map(({ content }) => content).join('\n')
  }

  test('stores memories in any language with the quoted words', async () => {
    const conversation = await startTestConversation(app)
    const text = 'Mieszkam w Krakowie i mam psa o imieniu Burek.'
    const answer = answerOf(
      item({
        quote: 'Mieszkam w Krakowie',
        content: 'Mieszka w Krakowie',
        attribute: 'residence',
        value: 'Krakowie',
      }),
      item({
        quote: 'mam psa o imieniu Burek',
        content: 'Ma psa o imieniu Burek',
        type: 'relationship',
        attribute: 'relation dog',
        value: 'Burek',
      }),
    )
    ollama.script('/api/chat', { tokens: ['Here you are:\n```json\n', ...answer.tokens, '\n```\nDone.'] })
    const id = await conversation.say(text, { model: local })
    const memories = await conversation.memories()
    expect(memories.map(({ content, type }) => [content, type])).toEqual([
      ['Mieszka w Krakowie', 'fact'],
      ['Ma psa o imieniu Burek', 'relationship'],
    ])
    expect(memories.map(({ source }) => text.slice(source?.start, source?.end))).toEqual([
      'Mieszkam w Krakowie',
      'mam psa o imieniu Burek',
    ])
    expect(memories[0]).toMatchObject({ source_message_id: id, conversation_id: conversation.conversationId })
  })

  test('drops questions, secrets, and items that the message does not contain', async () => {
    const conversation = await startTestConversation(app)
    ollama.script(
      '/api/chat',
      answerOf(
        item({
          quote: 'Do I live in Berlin?',
          content: 'Lives in Berlin',
          attribute: 'residence',
          value: 'Berlin',
        }),
        item({ quote: 'I play the tuba', content: 'Plays the tuba', attribute: 'plays tuba', value: 'yes' }),
        item({
          quote: 'the wifi word is tr0ub4dor',
          content: 'The password is tr0ub4dor',
          attribute: 'wifi',
          value: 'tr0ub4dor',
        }),
        item({
          quote: 'The garden is large',
          content: 'Has a garden in Kent',
          attribute: 'residence',
          value: 'Kent',
        }),
        { nonsense: true },
      ),
    )
    await conversation.say(
      'Do I live in Berlin? The garden is large. By the way, the wifi word is tr0ub4dor.',
      {
        model: local,
      },
    )
    expect(await conversation.memories()).toEqual([])
  })

  test('supersedes a memory that the model refers to', async () => {
    const conversation = await startTestConversation(app)
    await conversation.say('Remember that my sister is called Ana.')
    ollama.script(
      '/api/chat',
      answerOf(
        item({
          quote: 'she spells it Anna',
          content: 'The sister is called Anna',
          type: 'relationship',
          attribute: 'relation sister',
          value: 'Anna',
          relation: 'replaces',
          known: 1,
        }),
      ),
    )
    await conversation.say('About my sister: actually she spells it Anna.', { model: local })
    expect(promptOf(-1)).toContain('1. My sister is called Ana')
    expect((await conversation.memories()).map(({ content }) => content)).toEqual([
      'The sister is called Anna',
    ])
    const all = await conversation.memories('&include_past=true')
    expect(all.find(({ content }) => content === 'My sister is called Ana')?.superseded_by).toBe(all[1]?.id)
  })

  test('stores explicit requests when the model fails or does not answer with JSON', async () => {
    const conversation = await startTestConversation(app)
    ollama.script('/api/chat', { tokens: ['I would rather not say.'] })
    await conversation.say('Remember that I live in Ghent.', { model: local })
    ollama.script('/api/chat', { status: 400, message: 'no' })
    await conversation.say('Remember that I like tea.', { model: local })
    expect((await conversation.memories()).map(({ content }) => content)).toEqual([
      'I live in Ghent',
      'I like tea',
    ])
    // A retry would use the script of another test.
    ollama.script('/api/chat', answerOf())
    await app.app.jobs.runNow('memory-extraction', conversation.conversationId)
    expect((await conversation.memories()).map(({ confirmations }) => confirmations)).toEqual([1, 1])
  })

  test('extracts again after the model has failed', async () => {
    const conversation = await startTestConversation(app)
    ollama.script('/api/chat', { status: 400, message: 'no' })
    await conversation.say('I live in Ghent.', { model: local })
    expect(await conversation.memories()).toEqual([])
    const residence = { attribute: 'residence', value: 'Ghent' }
    ollama.script(
      '/api/chat',
      answerOf(item({ quote: 'I live in Ghent', content: 'Lives in Ghent', ...residence })),
    )
    await app.app.jobs.runNow('memory-extraction', conversation.conversationId)
    expect((await conversation.memories()).map(({ content }) => content)).toEqual(['Lives in Ghent'])
  })

  test('prefers the words of the model to those of a request, and drops what is to be forgotten', async () => {
    const conversation = await startTestConversation(app)
    ollama.script(
      '/api/chat',
      answerOf(
        item({ quote: "I'm vegan", content: 'Is vegan', attribute: 'diet', value: 'vegan' }),
        item({ quote: 'I like tea', content: 'Likes tea', attribute: 'likes tea', value: 'yes' }),
      ),
    )
    await conversation.say("Remember that I'm vegan. Forget that I like tea.", { model: local })
    expect((await conversation.memories()).map(({ content }) => content)).toEqual(['Is vegan'])
  })

  test("extracts from the user's messages only, and from each once", async () => {
    const conversation = await startTestConversation(app)
    ollama.script('/api/chat', answerOf())
    const question = 'Good morning, Gertrude.'
    const answer = 'I live in a server and I am allergic to dust.'
    const id = await conversation.say(question, { model: local, answer })
    expect(JSON.stringify(ollama.requestsTo('/api/chat').map(({ body }) => body))).not.toContain(
      'allergic to dust',
    )

    // The answer is regenerated.
    const { aveeId, userId, conversationId } = conversation
    const turn = { aveeId, userId, conversationId, userMessageId: id, messageId: id, question, answer }
    const prepared = await app.memory.prepareTurn({ ...turn, layer: 'intimate', recalled: [] })
    await app.app.database.transaction((trx) => app.memory.recordTurn(trx, prepared))
    await app.memory.idle()
    const prompts = ollama.requestsTo('/api/chat').map(({ body }) => JSON.stringify(body))
    expect(prompts.filter((prompt) => prompt.includes(question))).toHaveLength(1)
  })

  test('analyzes and extracts messages that an earlier version left waiting', async () => {
    const conversation = await startTestConversation(app)
    const { questionId } = await conversation.store('Remember that I live in Ghent.')
    const { db } = app.app.database
    await db
      .updateTable('turn_index')
      .set({ terms: [], lex: '{}/1000000000', awaits_extraction: true })
      .where('message_id', '=', questionId)
      .execute()
    await app.app.jobs.enqueue(db, {
      kind: 'memory-extraction',
      key: conversation.conversationId,
      input: { conversationId: conversation.conversationId },
    })
    await app.memory.idle()
    const found = await app.memory.recallTurns({
      conversationId: conversation.conversationId,
      layer: 'intimate',
      query: 'Ghent',
      limit: 1,
      signal: AbortSignal.timeout(60_000),
    })
    expect(found.map(({ id }) => id)).toEqual([questionId])
    expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I live in Ghent'])
  })
})
