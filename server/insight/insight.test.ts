import { describe, expect, test } from 'vitest'
import { verdictIn } from './judge.ts'
import { redact } from './redact.ts'
import { titleFromTopics, titleIn } from './titles.ts'
import { formsOfTopics, joinTopics, phraseReader, topicsOf } from './topics.ts'

describe('topics', () => {
  const textsOf = async (
    language: string | null,
    question: string,
    answer: string,
    headings: string[] = [],
  ) => {
    const reader = await phraseReader(language)
    return topicsOf({ question, answer, headings }, reader, () => 1).map(({ text }) => text)
  }

  test.each([
    [
      'eng',
      'Where do punched cards come from?',
      'The punched cards come from the loom of Jacquard [1].',
      /punched cards/i,
    ],
    ['deu', 'Woher kommen die Lochkarten?', 'Die Lochkarten kommen vom Webstuhl des Jacquard.', /Lochkarten/],
    [
      'fra',
      'D’où viennent les cartes perforées ?',
      'Les cartes perforées viennent du métier.',
      /cartes perforées/,
    ],
    ['rus', 'Откуда взялись перфокарты?', 'Перфокарты взялись из ткацкого станка.', /перфокарты/i],
    ['jpn', '解析機関は誰が設計しましたか?', '解析機関はバベッジが設計しました。', /解析|機関/],
  ])('in %s are what is asked and answered', async (language, question, answer, topic) => {
    expect((await textsOf(language, question, answer))[0]).toMatch(topic)
  })

  test('of a heading weigh more, and no phrase stands beside its own part', async () => {
    const topics = await textsOf(
      'eng',
      'What does the mill do?',
      'The mill adds numbers, and the great mill is fast.',
      ['The great mill'],
    )
    expect(topics[0]).toMatch(/mill/)
    expect(topics.filter((topic) => /mill/.test(topic))).toHaveLength(1)
  })

  test('weigh less the more of the documents hold them', async () => {
    const reader = await phraseReader('eng')
    const source = { question: 'How do the loom and the engine work?', answer: '', headings: [] }
    const [engine] = formsOfTopics({ question: 'engine', answer: '', headings: [] }, reader)
    const [first] = topicsOf(source, reader, (form) => (form === engine ? 0.1 : 1))
    expect(first?.text).toMatch(/loom/)
  })

  test('of several turns add up', () => {
    const topic = (text: string, weight: number) => ({ key: text, text, weight })
    const joint = joinTopics([[topic('looms', 2), topic('cards', 3)], [topic('looms', 2)]], 1)
    expect(joint).toEqual([topic('looms', 4)])
  })
})

describe('a title', () => {
  test.each([
    ['Title: "Weaving engines"', 'Weaving engines'],
    ['**Looms of Lyon.**\nBecause it is about looms.', 'Looms of Lyon'],
    ['\n  Titel: „Der Webstuhl“ ', 'Der Webstuhl'],
    ['I am sorry, I can not think of a title for a conversation as short as this one', null],
    ['', null],
  ])('in %j is %j', (said, title) => {
    expect(titleIn(said)).toBe(title)
  })

  test('is cut at a word when it is long', () => {
    const title = titleIn(
      'Considerations regarding mechanical looms throughout nineteenth-century manufactories',
    )
    expect(title).toMatch(/^Considerations .*\p{L}…$/u)
    expect(title?.length).toBeLessThanOrEqual(60)
  })

  test('from key phrases is only for questions that are too long to be one', () => {
    const topics = [[{ key: 'punched cards', text: 'punched cards', weight: 2 }]]
    expect(titleFromTopics('Where do the cards come from?', topics)).toBeNull()
    expect(titleFromTopics('Where do the cards come from? '.repeat(4), topics)).toBe('Punched cards')
    expect(titleFromTopics('Where do the cards come from? '.repeat(4), [])).toBeNull()
  })
})

test.each([
  ['Write to ada@example.org please', 'Write to … please'],
  ['Call +49 (0) 170 123-4567 now', 'Call … now'],
  ['Is https://example.org/me?x=1 you?', 'Is … you?'],
  ['Do you know @ada_l of 1837?', 'Do you know … of 1837?'],
  ['IBAN DE89 3704 0044 0532 0130 00?', 'IBAN …?'],
  ['Were 1,000 cards made in 1837?', 'Were 1,000 cards made in 1837?'],
])('what tells who asks is taken out of %j', (text, shown) => {
  expect(redact(text)).toBe(shown)
})

describe('a verdict', () => {
  test('is read out of what a model says around it, without sentences that it made up', () => {
    const said =
      'Sure! {"relevance":1,"engagement":0.5,"factual_grounding":null,"unsupported":["It is blue.","It flies."]} Done.'
    expect(verdictIn(said, 'It weaves. It is blue.')).toEqual({
      relevance: 1,
      engagement: 0.5,
      grounding: null,
      unsupported: ['It is blue.'],
    })
  })

  test.each(['no JSON', '{"relevance":7}', '{"relevance":1,"engagement":', ''])(
    'cannot be read out of %j',
    (said) => {
      expect(verdictIn(said, '')).toBeNull()
    },
  )
})
