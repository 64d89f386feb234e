import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ONE_DATABASE } from '../databases.ts'
import { allLayers, type KnowledgeServer, openKnowledgeServer } from './server.ts'

/** Libraries of one short document, a question that it answers, and one that it does not. */
const libraries = [
  {
    text: '# Annual report\n\nThe revenue was 12.4 million euros in 2025.\n',
    answered: 'What was the revenue?',
    unanswered: 'Who designed the harbour crane?',
  },
  {
    text: 'The lighthouse at Kerrow Point was lit in 1874. Its keeper was Ines Valcourt.\n',
    answered: 'Who kept the lighthouse at Kerrow Point?',
    unanswered: 'How much does a ferry ticket cost?',
  },
  {
    text: 'Der Umsatz der Genossenschaft betrug im Jahr 2025 rund 12,4 Millionen Euro.\n',
    answered: 'Wie hoch war der Umsatz?',
    unanswered: 'Wer hat die Orgel gebaut?',
  },
  {
    text: 'Le phare de Kerrow a été allumé en 1874. Son gardien était Ines Valcourt.\n',
    answered: 'Quand le phare a-t-il été allumé ?',
    unanswered: 'Combien coûte le billet du train ?',
  },
  {
    text: 'Los ingresos de la cooperativa fueron 12,4 millones de euros en 2025.\n',
    answered: '¿Cuáles fueron los ingresos?',
    unanswered: '¿Quién pintó la capilla?',
  },
  {
    text: '凯罗灯塔于1874年点亮，守塔人是伊内斯。',
    answered: '灯塔是什么时候点亮的？',
    unanswered: '火车票多少钱？',
  },
]

const unrelated = {
  'bread.txt': 'Sourdough bread rests overnight in a cool kitchen before it is baked in a cast-iron pot.\n',
  'moss.txt': 'Mosses grow on the northern side of old walls and hold water like a sponge.\n',
  'garten.txt': 'Im Frühjahr werden die Obstbäume geschnitten und die Beete mit Kompost gedüngt.\n',
}

describe.each(ONE_DATABASE)('the first questions of a new library on %s', (kind) => {
  let server: KnowledgeServer
  beforeAll(async () => {
    server = await openKnowledgeServer(kind)
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  test.each(libraries)('"$answered" finds its passage, also beside unrelated documents', async (library) => {
    const { answered, unanswered } = library
    const user = await server.newAvee()
    await server.ingest(user, { 'document.md': library.text })
    const ask = async (question: string) => (await server.find(user.aveeId, question, allLayers)).answerable

    expect(await ask(answered)).toBe('yes')
    expect(await ask(unanswered)).toBe('no')
    await server.ingest(user, unrelated)
    expect(await ask(answered)).toBe('yes')
    expect(await ask(unanswered)).toBe('no')
  })
})
