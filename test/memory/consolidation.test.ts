import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerUser, type TestUser } from '../builders.ts'
import { DATABASES } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { type MemoryApp, startMemoryApp, startTalk } from './app.ts'

/** A message and what the model extracts from it. */
type Stated = [text: string, attribute: string, value: string, status?: 'current' | 'ended' | 'denied']
/** Messages in order, and the current and past memories after the last one. */
type Story = { stated: Stated[]; current: string[]; past?: string[] }

const stories: Record<string, Story> = {
  'a move': {
    stated: [
      ['I live in Paris', 'residence', 'Paris'],
      ['I moved to Rome', 'residence', 'Rome'],
    ],
    current: ['I moved to Rome'],
    past: ['I live in Paris'],
  },
  'a move and back': {
    stated: [
      ['I live in Paris', 'residence', 'Paris'],
      ['I moved to Rome', 'residence', 'Rome'],
      ['I moved back to Paris', 'residence', 'Paris'],
    ],
    current: ['I moved back to Paris'],
    past: ['I live in Paris', 'I moved to Rome'],
  },
  'the same in other words': {
    stated: [
      ['I live in Berlin', 'residence', 'Berlin'],
      ['Yes, I am living in Berlin', 'residence', 'Berlin'],
    ],
    current: ['I live in Berlin'],
  },
  'the same with less detail': {
    stated: [
      ['I live in Berlin Kreuzberg', 'residence', 'Berlin Kreuzberg'],
      ['My home is Berlin', 'residence', 'Berlin'],
    ],
    current: ['I live in Berlin Kreuzberg'],
  },
  'more detail': {
    stated: [
      ['I live in Berlin', 'residence', 'Berlin'],
      ['I live in Berlin Kreuzberg', 'residence', 'Berlin Kreuzberg'],
    ],
    current: ['I live in Berlin Kreuzberg'],
    past: ['I live in Berlin'],
  },
  'an end': {
    stated: [
      ['I work at Siemens', 'employer', 'Siemens'],
      ['I quit my job at Siemens', 'employer', 'Siemens', 'ended'],
    ],
    current: [],
    past: ['I work at Siemens'],
  },
  'an end without a value': {
    stated: [
      ['I work at Siemens', 'employer', 'Siemens'],
      ['I lost my job', 'employer', '', 'ended'],
    ],
    current: [],
    past: ['I work at Siemens'],
  },
  'a denial of something unknown': {
    stated: [["I don't live in Ghent", 'residence', 'Ghent', 'denied']],
    current: [],
  },
  'an end of something unknown': {
    stated: [['I used to live in Ghent', 'residence', 'Ghent', 'ended']],
    current: [],
    past: ['I used to live in Ghent'],
  },
  'a preference that changes': {
    stated: [
      ['I love coffee', 'likes coffee', 'yes'],
      ['I no longer like coffee', 'likes coffee', 'no'],
    ],
    current: ['I no longer like coffee'],
    past: ['I love coffee'],
  },
  'singular and plural': {
    stated: [
      ['I love cats', 'likes cats', 'yes'],
      ["I don't like cats", 'likes cat', 'no'],
    ],
    current: ["I don't like cats"],
    past: ['I love cats'],
  },
  'preferences for different things': {
    stated: [
      ['I like tea', 'likes tea', 'yes'],
      ['I like coffee', 'likes coffee', 'yes'],
    ],
    current: ['I like tea', 'I like coffee'],
  },
  'an allergy that is denied': {
    stated: [
      ["I'm allergic to nuts", 'allergy nuts', 'yes'],
      ["I'm not allergic to nuts", 'allergy nuts', 'yes', 'denied'],
    ],
    current: [],
    past: ["I'm allergic to nuts"],
  },
  'two allergies': {
    stated: [
      ["I'm allergic to nuts", 'allergy nuts', 'yes'],
      ["I'm allergic to cats", 'allergy cats', 'yes'],
    ],
    current: ["I'm allergic to nuts", "I'm allergic to cats"],
  },
  'two sisters': {
    stated: [
      ['My sister is called Ana', 'relation sister', 'Ana'],
      ['My sister is called Eva', 'relation sister', 'Eva'],
    ],
    current: ['My sister is called Ana', 'My sister is called Eva'],
  },
  'one wife': {
    stated: [
      ['My wife is called Ana', 'relation wife', 'Ana'],
      ['My wife is called Eva', 'relation wife', 'Eva'],
    ],
    current: ['My wife is called Eva'],
    past: ['My wife is called Ana'],
  },
  'a later age': {
    stated: [
      ["I'm 34", 'age', '34'],
      ["I'm 35 now", 'age', '35'],
    ],
    current: ["I'm 35 now"],
    past: ["I'm 34"],
  },
  'two languages': {
    stated: [
      ['I live in Paris', 'residence', 'Paris'],
      ['Ich bin nach Köln gezogen', 'residence', 'Köln'],
    ],
    current: ['Ich bin nach Köln gezogen'],
    past: ['I live in Paris'],
  },
}

for (const kind of DATABASES) {
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

    async function state(
      talk: Awaited<ReturnType<typeof startTalk>>,
      [text, attribute, value, status = 'current']: Stated,
      at?: string,
    ) {
      const item = { quote: text, content: text, attribute, value, status, confidence: 0.8, importance: 0.5 }
      ollama.script('/api/chat', { tokens: [JSON.stringify({ memories: [item] })] })
      await talk.say(text, { ...(at === undefined ? {} : { at }), model: 'llama3.2:1b' })
    }

    test.each(Object.entries(stories))('%s', async (_, { stated, current, past = [] }) => {
      const talk = await startTalk(app, { user })
      for (const [i, each] of stated.entries()) await state(talk, each, `2025-0${i + 1}-10T10:00:00Z`)
      const all = await talk.memories('&include_past=true')
      const contents = (memories: typeof all) => memories.map(({ content }) => content).toSorted()
      expect(contents(all.filter((memory) => memory.valid_until === null))).toEqual(current.toSorted())
      expect(contents(all.filter((memory) => memory.valid_until !== null))).toEqual(past.toSorted())
    })

    test('a message that is extracted late does not supersede later ones', async () => {
      const talk = await startTalk(app, { user })
      await state(talk, ['I moved to Rome', 'residence', 'Rome'], '2025-05-10T10:00:00Z')
      await state(talk, ['I live in Paris', 'residence', 'Paris'], '2024-05-10T10:00:00Z')
      expect((await talk.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })

    test('repetition raises the confidence, a superseding memory ends the old one', async () => {
      const talk = await startTalk(app, { user })
      await state(talk, ['I live in Paris', 'residence', 'Paris'], '2024-01-10T10:00:00Z')
      await state(talk, ['Paris is my home', 'residence', 'Paris'], '2024-02-10T10:00:00Z')
      const [paris] = await talk.memories()
      expect(paris).toMatchObject({ confirmations: 2, last_confirmed_at: '2024-02-10T10:00:00.000Z' })
      expect(paris?.confidence).toBeCloseTo(0.96)

      await state(talk, ['I live in Rome', 'residence', 'Rome'], '2025-06-15T10:00:00Z')
      const [old, rome] = await talk.memories('&include_past=true')
      expect(old).toMatchObject({
        content: 'I live in Paris',
        valid_until: '2025-06-15T10:00:00.000Z',
        superseded_by: rome?.id,
      })
      expect(await talk.recall('Where do I live?')).toEqual(['I live in Rome', 'I live in Paris'])
    })

    test('forgetting a memory makes the one it superseded current again', async () => {
      const talk = await startTalk(app, { user })
      await state(talk, ['I live in Paris', 'residence', 'Paris'], '2025-01-10T10:00:00Z')
      await state(talk, ['I moved to Rome', 'residence', 'Rome'], '2025-02-10T10:00:00Z')
      const [rome] = await talk.memories()
      await talk.client.delete(`/memories/${rome?.id}`)
      expect((await talk.memories()).map(({ content }) => content)).toEqual(['I live in Paris'])
      await talk.client.post(`/memories/${rome?.id}/restore`)
      expect((await talk.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })

    test('an edited memory is superseded by a later statement', async () => {
      const talk = await startTalk(app, { user })
      await state(talk, ['I work at Siemens', 'employer', 'Siemens'], '2025-01-10T10:00:00Z')
      const [memory] = await talk.memories()
      await talk.client.patch(`/memories/${memory?.id}`, { content: 'I work at Bosch' })
      await state(talk, ['I now work at Miele', 'employer', 'Miele'])
      expect((await talk.memories()).map(({ content }) => content)).toEqual(['I now work at Miele'])
    })
  })
}
