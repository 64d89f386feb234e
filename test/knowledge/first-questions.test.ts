import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answerability } from '../../contract/knowledge.ts'
import { ONE_DATABASE } from '../databases.ts'
import { allLayers, type KnowledgeServer, openKnowledgeServer } from './server.ts'

type Library = { text: string; answered: string; outcome?: Answerability; unanswered: string }
/** Libraries of one short document, a question that it answers, and one that it does not. */
const libraries: Library[] = [
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
    text: '# Bramble Books\n\nOpening hours: Mon–Fri 9–17\n\nPhone: 01632 960114\n\nEmail: hello@bramble.example\n',
    answered: 'When do you open?',
    outcome: 'unsure',
    unanswered: 'Who painted the ceiling of the chapel?',
  },
  {
    text: 'Mira studied hydrology in Leeds and works at Norwater.\n',
    answered: 'Where did Mira study?',
    unanswered: 'When does the last tram leave?',
  },
  {
    text: "# Boulangerie Martel\n\nHoraires d'ouverture : du mardi au samedi, de 7 h à 19 h\n\nLa baguette coûte 1,20 €.\n",
    answered: 'Quand êtes-vous ouverts ?',
    outcome: 'unsure',
    unanswered: 'Qui a peint la chapelle ?',
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
  'olivos.txt': 'Los olivos resisten la sequía; quien los mira de cerca ve troncos de mil años.\n',
}

describe.each(ONE_DATABASE)('the first questions of a new library on %s', (kind) => {
  let server: KnowledgeServer
  beforeAll(async () => {
    server = await openKnowledgeServer(kind)
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  test.each(libraries)('"$answered" finds its passage, also beside unrelated documents', async (library) => {
    const { answered, unanswered, outcome = 'yes' } = library
    const user = await server.newAvee()
    await server.ingest(user, { 'document.md': library.text })
    const ask = async (question: string) => (await server.find(user.aveeId, question, allLayers)).answerable

    expect(await ask(answered)).toBe(outcome)
    expect(await ask(unanswered)).toBe('no')
    await server.ingest(user, unrelated)
    expect(await ask(answered)).toBe(outcome)
    expect(await ask(unanswered)).toBe('no')
  })

  test('documents in other languages leave an answer with little evidence, and no answer, as they are', async () => {
    const user = await server.newAvee()
    await server.ingest(user, {
      'moving.md': '- Devolver las llaves a la señora Pardo\n- Avisar al banco del cambio de dirección\n',
    })
    const ask = async (question: string) => (await server.find(user.aveeId, question, allLayers)).answerable
    const outcomes = async () => [await ask('¿A quién le devuelvo las llaves?'), await ask('¿Está casado?')]
    expect(await outcomes()).toEqual(['unsure', 'no'])
    await server.ingest(
      user,
      Object.fromEntries(
        Array.from({ length: 30 }, (_, i) => [
          `crèche ${i}.txt`,
          `La crèche numéro ${i} ouvre à sept heures. En cas de fièvre, l'enfant reste à la maison avec ses parents.\n`,
        ]),
      ),
    )
    expect(await outcomes()).toEqual(['unsure', 'no'])
  })

  test('a short question that is complete has the same outcome after other questions', async () => {
    const user = await server.newAvee()
    await server.ingest(user, {
      'hotel.md':
        '# Hotel\n\nThe family room has four beds and costs 180 euros a night. Breakfast is at seven.\n',
    })
    const before = ['How many beds does the family room have?']
    const ask = async (question: string, context: string[]) =>
      (await server.find(user.aveeId, question, allLayers, context)).answerable
    for (const context of [[], before]) {
      expect(await ask('When was the hotel built?', context)).not.toBe('yes')
      expect(await ask('Who won the election?', context)).toBe('no')
      expect(await ask('When is breakfast?', context)).toBe('yes')
    }
    expect(await ask('And what does it cost?', before)).toBe('yes')
  })

  test('a compound finds the word that it contains, and a word the compound', async () => {
    const user = await server.newAvee()
    await server.ingest(user, {
      'kontakt.txt': 'Das Telefon der Geschäftsstelle hat die Nummer 0381 555 0192.\n',
      'vertrag.txt': 'Die Vermieterin, Frau Moormann, wohnt im Erdgeschoss des Hauses.\n',
    })
    const find = async (question: string) => await server.find(user.aveeId, question, allLayers)
    const phone = await find('Wie ist die Telefonverbindung?')
    expect(phone.hits[0]?.filename).toBe('kontakt.txt')
    expect(phone.answerable).not.toBe('no')
    const landlord = await find('Wer ist der Vermieter?')
    expect(landlord.hits[0]?.filename).toBe('vertrag.txt')
    expect(landlord.answerable).not.toBe('no')
    expect((await find('Wer hat die Orgel gebaut?')).answerable).toBe('no')
  })
})
