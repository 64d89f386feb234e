import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registerUser } from '../builders.ts'
import { DATABASES } from '../databases.ts'
import { type MemoryHouse, openMemory, talk } from './house.ts'

/** What is said one after the other, what is true in the end, and what was true before. */
type Story = { said: string[]; now: string[]; before?: string[] }

const stories: Record<string, Story> = {
  'a move': {
    said: ['I live in Paris.', 'I moved to Rome.'],
    now: ['I moved to Rome'],
    before: ['I live in Paris'],
  },
  'two moves': {
    said: ['I live in Paris.', 'I moved to Rome.', 'We live in Oslo now.'],
    now: ['We live in Oslo now'],
    before: ['I live in Paris', 'I moved to Rome'],
  },
  'a move back': {
    said: ['I live in Paris.', 'I moved to Rome.', 'I moved back to Paris.'],
    now: ['I moved back to Paris'],
    before: ['I live in Paris', 'I moved to Rome'],
  },
  'the same in other words': {
    said: ['I live in Berlin.', 'Yes, I am living in Berlin.'],
    now: ['I live in Berlin'],
  },
  'more exactly': {
    said: ['I live in Berlin.', 'I live in Berlin Kreuzberg.'],
    now: ['I live in Berlin Kreuzberg'],
    before: ['I live in Berlin'],
  },
  'a name put right': {
    said: ['My name is Jon.', 'Sorry, my name is Joan.'],
    now: ['My name is Joan'],
    before: ['My name is Jon'],
  },
  'another employer': {
    said: ['I work at Siemens.', 'I work for Bosch now.'],
    now: ['I work for Bosch now'],
    before: ['I work at Siemens'],
  },
  'no employer': {
    said: ['I work at Siemens.', 'I quit my job at Siemens.'],
    now: [],
    before: ['I work at Siemens'],
  },
  'no employer, unnamed': {
    said: ['I work at Siemens.', 'I lost my job.'],
    now: [],
    before: ['I work at Siemens'],
  },
  'somewhere no more': {
    said: ['I live in Ghent.', "I don't live in Ghent anymore."],
    now: [],
    before: ['I live in Ghent'],
  },
  'never there': { said: ["I don't live in Ghent."], now: [] },
  'a taste that turns': {
    said: ['I love coffee.', 'I no longer like coffee.'],
    now: ['I no longer like coffee'],
    before: ['I love coffee'],
  },
  'a taste that turns, of many': {
    said: ['I like hiking, chess and tea.', "I can't stand chess."],
    now: ['I like hiking', 'I like tea', "I can't stand chess"],
    before: ['I like chess'],
  },
  'tastes beside each other': {
    said: ['I like tea.', 'I like coffee.'],
    now: ['I like tea', 'I like coffee'],
  },
  'one and many of a thing': {
    said: ['I love cats.', "I don't like cats."],
    now: ["I don't like cats"],
    before: ['I love cats'],
  },
  'a diet': {
    said: ["I'm vegetarian.", 'I became vegan.'],
    now: ['I became vegan'],
    before: ["I'm vegetarian"],
  },
  'no diet': { said: ["I'm vegan.", "I'm no longer vegan."], now: [], before: ["I'm vegan"] },
  'an allergy that is none': {
    said: ["I'm allergic to nuts.", "I'm not allergic to nuts."],
    now: [],
    before: ["I'm allergic to nuts"],
  },
  'two allergies': {
    said: ["I'm allergic to nuts.", "I'm allergic to cats."],
    now: ["I'm allergic to nuts", "I'm allergic to cats"],
  },
  'two sisters': {
    said: ['My sister is called Ana.', 'My sister is called Eva.'],
    now: ['My sister is called Ana', 'My sister is called Eva'],
  },
  'one wife': {
    said: ['My wife is called Ana.', 'My wife is called Eva.'],
    now: ['My wife is called Eva'],
    before: ['My wife is called Ana'],
  },
  'older by a year': { said: ["I'm 34.", "I'm 35 now."], now: ["I'm 35 now"], before: ["I'm 34"] },
  'another child': {
    said: ['We have two kids.', 'I have three children.'],
    now: ['I have three children'],
    before: ['We have two kids'],
  },
  'a favourite': {
    said: ['My favourite colour is red.', 'My favourite colour is teal.'],
    now: ['My favourite colour is teal'],
    before: ['My favourite colour is red'],
  },
  'a sister’s home is not one’s own': {
    said: ['I live in Paris.', 'My sister Ana lives in Rome.'],
    now: ['I live in Paris', 'My sister Ana', 'My sister Ana lives in Rome'],
  },
  'a question changes nothing': {
    said: ['I live in Paris.', 'Do I live in Rome?', 'What if I lived in Rome?'],
    now: ['I live in Paris'],
  },
  'ein Umzug': {
    said: ['Ich wohne in Köln.', 'Ich bin nach Hamburg gezogen.'],
    now: ['Ich bin nach Hamburg gezogen'],
    before: ['Ich wohne in Köln'],
  },
  'ein Geschmack': {
    said: ['Ich mag Kaffee.', 'Ich mag keinen Kaffee mehr.'],
    now: ['Ich mag keinen Kaffee mehr'],
    before: ['Ich mag Kaffee'],
  },
  'eine Stelle': {
    said: ['Ich arbeite bei Siemens.', 'Ich arbeite jetzt bei Bosch.'],
    now: ['Ich arbeite jetzt bei Bosch'],
    before: ['Ich arbeite bei Siemens'],
  },
  'dort nicht mehr': {
    said: ['Ich wohne in Köln.', 'Ich wohne nicht mehr in Köln.'],
    now: [],
    before: ['Ich wohne in Köln'],
  },
  'una mudanza': {
    said: ['Vivo en Madrid.', 'Me he mudado a Valencia.'],
    now: ['Me he mudado a Valencia'],
    before: ['Vivo en Madrid'],
  },
  'un gusto': {
    said: ['Me gusta el café.', 'Ya no me gusta el café.'],
    now: ['Ya no me gusta el café'],
    before: ['Me gusta el café'],
  },
  'una dieta': {
    said: ['Soy vegetariana.', 'Ahora soy vegana.'],
    now: ['Ahora soy vegana'],
    before: ['Soy vegetariana'],
  },
  'un déménagement': {
    said: ["J'habite à Lyon.", "J'ai déménagé à Nice."],
    now: ["J'ai déménagé à Nice"],
    before: ["J'habite à Lyon"],
  },
  'un goût': {
    said: ["J'aime le café.", "Je n'aime plus le café."],
    now: ["Je n'aime plus le café"],
    before: ["J'aime le café"],
  },
  'two languages, one home': {
    said: ['I live in Paris.', 'Ich bin nach Köln gezogen.'],
    now: ['Ich bin nach Köln gezogen'],
    before: ['I live in Paris'],
  },
  'two languages, one diet': {
    said: ["I'm vegetarian.", 'Soy vegana.'],
    now: ['Soy vegana'],
    before: ["I'm vegetarian"],
  },
}

for (const kind of DATABASES) {
  describe(`what is true in the end, on ${kind}`, () => {
    let house: MemoryHouse
    let person: Awaited<ReturnType<typeof registerUser>>
    beforeAll(async () => {
      house = await openMemory(kind)
      person = await registerUser(house)
    })
    afterAll(async () => {
      await house?.[Symbol.asyncDispose]()
    })

    test.each(Object.entries(stories))('%s', async (_, { said, now, before = [] }) => {
      const one = await talk(house, undefined, person)
      for (const [i, text] of said.entries()) await one.say(text, { at: `2025-0${i + 1}-10T10:00:00Z` })
      const all = await one.memories('&include_past=true')
      const contents = (memories: typeof all) => memories.map(({ content }) => content).toSorted()
      expect(contents(all.filter((memory) => memory.valid_until === null))).toEqual(now.toSorted())
      expect(contents(all.filter((memory) => memory.valid_until !== null))).toEqual(before.toSorted())
    })

    test('what is read late does not overturn what was said since', async () => {
      const one = await talk(house, undefined, person)
      await one.say('I moved to Rome.', { at: '2025-05-10T10:00:00Z' })
      await one.say('I live in Paris.', { at: '2024-05-10T10:00:00Z' })
      expect((await one.memories()).map(({ content }) => content)).toEqual(['I moved to Rome'])
    })
  })
}
