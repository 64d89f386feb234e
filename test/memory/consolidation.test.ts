import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerUser, type TestUser } from '../builders.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryApp, startMemoryApp, startTestConversation } from './app.ts'

/** A message and what the model extracts from it. */
type Statement = [text: string, attribute: string, value: string, status?: 'current' | 'ended' | 'denied']
/** Messages in order, and the current and past memories after the last one. */
type Story = { statements: Statement[]; current: string[]; past?: string[] }

const stories: Record<string, Story> = {
  'a move': {
    statements: [
      ['I live in Paris', 'residence', 'Paris'],
      ['I moved to Rome', 'residence', 'Rome'],
    ],
    current: ['I moved to Rome'],
    past: ['I live in Paris'],
  },
  'a move and back': {
    statements: [
      ['I live in Paris', 'residence', 'Paris'],
      ['I moved to Rome', 'residence', 'Rome'],
      ['I moved back to Paris', 'residence', 'Paris'],
    ],
    current: ['I moved back to Paris'],
    past: ['I live in Paris', 'I moved to Rome'],
  },
  'the same in other words': {
    statements: [
      ['I live in Berlin', 'residence', 'Berlin'],
      ['Yes, I am living in Berlin', 'residence', 'Berlin'],
    ],
    current: ['I live in Berlin'],
  },
  'the same with less detail': {
    statements: [
      ['I live in Berlin Kreuzberg', 'residence', 'Berlin Kreuzberg'],
      ['My home is Berlin', 'residence', 'Berlin'],
    ],
    current: ['I live in Berlin Kreuzberg'],
  },
  'more detail': {
    statements: [
      ['I live in Berlin', 'residence', 'Berlin'],
      ['I live in Berlin Kreuzberg', 'residence', 'Berlin Kreuzberg'],
    ],
    current: ['I live in Berlin Kreuzberg'],
    past: ['I live in Berlin'],
  },
  'an end': {
    statements: [
      ['I work at Siemens', 'employer', 'Siemens'],
      ['I quit my job at Siemens', 'employer', 'Siemens', 'ended'],
    ],
    current: [],
    past: ['I work at Siemens'],
  },
  'an end without a value': {
    statements: [
      ['I work at Siemens', 'employer', 'Siemens'],
      ['I lost my job', 'employer', '', 'ended'],
    ],
    current: [],
    past: ['I work at Siemens'],
  },
  'a denial of something unknown': {
    statements: [["I don't live in Ghent", 'residence', 'Ghent', 'denied']],
    current: [],
  },
  'an end of something unknown': {
    statements: [['I used to live in Ghent', 'residence', 'Ghent', 'ended']],
    current: [],
    past: ['I used to live in Ghent'],
  },
  'a preference that changes': {
    statements: [
      ['I love coffee', 'likes coffee', 'yes'],
      ['I no longer like coffee', 'likes coffee', 'no'],
    ],
    current: ['I no longer like coffee'],
    past: ['I love coffee'],
  },
  'singular and plural': {
    statements: [
      ['I love cats', 'likes cats', 'yes'],
      ["I don't like cats", 'likes cat', 'no'],
    ],
    current: ["I don't like cats"],
    past: ['I love cats'],
  },
  'preferences for different things': {
    statements: [
      ['I like tea', 'likes tea', 'yes'],
      ['I like coffee', 'likes coffee', 'yes'],
    ],
    current: ['I like tea', 'I like coffee'],
  },
  'an allergy that is denied': {
    statements: [
      ["I'm allergic to nuts", 'allergy nuts', 'yes'],
      ["I'm not allergic to nuts", 'allergy nuts', 'yes', 'denied'],
    ],
    current: [],
    past: ["I'm allergic to nuts"],
  },
  'two allergies': {
    statements: [
      ["I'm allergic to nuts", 'allergy nuts', 'yes'],
      ["I'm allergic to cats", 'allergy cats', 'yes'],
    ],
    current: ["I'm allergic to nuts", "I'm allergic to cats"],
  },
  'two sisters': {
    statements: [
      ['My sister is called Ana', 'relation sister', 'Ana'],
      ['My sister is called Eva', 'relation sister', 'Eva'],
    ],
    current: ['My sister is called Ana', 'My sister is called Eva'],
  },
  'one wife': {
    statements: [
      ['My wife is called Ana', 'relation wife', 'Ana'],
      ['My wife is called Eva', 'relation wife', 'Eva'],
    ],
    current: ['My wife is called Eva'],
    past: ['My wife is called Ana'],
  },
  'a later age': {
    statements: [
      ["I'm 34", 'age', '34'],
      ["I'm 35 now", 'age', '35'],
    ],
    current: ["I'm 35 now"],
    past: ["I'm 34"],
  },
  'two languages': {
    statements: [
      ['I live in Paris', 'residence', 'Paris'],
      ['Ich bin nach Köln gezogen', 'residence', 'Köln'],
    ],
    current: ['Ich bin nach Köln gezogen'],
    past: ['I live in Paris'],
  },
}

for (const kind of ONE_DATABASE) {
  describe(`consolidation on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: MemoryApp
    let user: TestUser
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startMemoryApp(kind, { OLLAMA_BASE_URL: ollama.url, BACKGROUND_MODEL_CALLS: 'on' })
      user = await registerUser(app)
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
      await ollama?.[Symbol.asyncDispose]()
    })

    async function sendStatement(
      conversation: Awaited<ReturnType<typeof startTestConversation>>,
      [text, attribute, value, status = 'current']: Statement,
      at?: string,
    ) {
      const item = { quote: text, content: text, attribute, value, status, confidence: 0.8, importance: 0.5 }
      ollama.script('/api/chat', { tokens: [JSON.stringify({ memories: [item] })] })
      await conversation.say(text, { ...(at === undefined ? {} : { at }), model: 'llama3.2:1b' })
    }

    test.each(Object.entries(stories))('%s', async (_, { statements, current, past = [] }) => {
      const conversation = await startTestConversation(app, { user })
      for (const [i, statement] of statements.entries())
        await sendStatement(conversation, statement, `2025-0${i + 1}-10T10:00:00Z`)
      const all = await conversation.memories('&include_past=true')
      const contents = (memories: typeof all) => memories.map(({ content }) => content).toSorted()
      expect(contents(all.filter((memory) => memory.valid_until === null))).toEqual(current.toSorted())
      expect(contents(all.filter((memory) => memory.valid_until !== null))).toEqual(past.toSorted())
    })

    test('a message that is extracted late does not supersede later ones', async () => {
      const conversation = await startTestConversation(app, { user })
      await sendStatement(conversation, ['I moved to Rome', 'residence', 'Rome'], '2025-05-10T10:00:00Z')
      await sendStatement(conversation, ['I live in Paris', 'residence', 'Paris'], '2024-05-10T10:00:00Z')
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })

    test('repetition raises the confidence, a superseding memory ends the old one', async () => {
      const conversation = await startTestConversation(app, { user })
      await sendStatement(conversation, ['I live in Paris', 'residence', 'Paris'], '2024-01-10T10:00:00Z')
      await sendStatement(conversation, ['Paris is my home', 'residence', 'Paris'], '2024-02-10T10:00:00Z')
      const [paris] = await conversation.memories()
      expect(paris).toMatchObject({ confirmations: 2, last_confirmed_at: '2024-02-10T10:00:00.000Z' })
      expect(paris?.confidence).toBeCloseTo(0.96)

      await sendStatement(conversation, ['I live in Rome', 'residence', 'Rome'], '2025-06-15T10:00:00Z')
      const [old, rome] = await conversation.memories('&include_past=true')
      expect(old).toMatchObject({
        content: 'I live in Paris',
        valid_until: '2025-06-15T10:00:00.000Z',
        superseded_by: rome?.id,
      })
      expect(await conversation.recall('Where do I live?')).toEqual(['I live in Rome', 'I live in Paris'])
    })

    test('forgetting a memory makes the one it superseded current again', async () => {
      const conversation = await startTestConversation(app, { user })
      await sendStatement(conversation, ['I live in Paris', 'residence', 'Paris'], '2025-01-10T10:00:00Z')
      await sendStatement(conversation, ['I moved to Rome', 'residence', 'Rome'], '2025-02-10T10:00:00Z')
      const [rome] = await conversation.memories()
      await conversation.client.delete(`/memories/${rome?.id}`)
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I live in Paris'])
      await conversation.client.post(`/memories/${rome?.id}/restore`)
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })

    test('an edited memory is superseded by a later statement', async () => {
      const conversation = await startTestConversation(app, { user })
      await sendStatement(conversation, ['I work at Siemens', 'employer', 'Siemens'], '2025-01-10T10:00:00Z')
      const [memory] = await conversation.memories()
      await conversation.client.patch(`/memories/${memory?.id}`, { content: 'I work at Bosch' })
      await sendStatement(conversation, ['I now work at Miele', 'employer', 'Miele'])
      expect((await conversation.memories()).map(({ content }) => content)).toEqual(['I now work at Miele'])
    })
  })
}
