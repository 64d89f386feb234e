import { describe, expect, test } from 'vitest'
import { questionsIn, topicIn } from './follow-ups.ts'
import { contactDetails, redact } from './redact.ts'
import { titleFromTopics, titleIn } from './titles.ts'
import { mergeTopics, phraseExtractor, rankTopics } from './topics.ts'

describe('rankTopics', () => {
  const topics = async (
    language: string,
    question: string,
    answer: string,
    { headings = [] as string[], idf = {} as Record<string, number> } = {},
  ) => {
    const phrases = await phraseExtractor(language)
    return rankTopics({ question, answer, headings }, phrases, (stem) => idf[stem] ?? 1).map(
      ({ text }) => text,
    )
  }

  test.each([
    [
      'deu',
      'Woher kommen die Lochkarten?',
      'Die Lochkarten stammen vom Webstuhl. Lochkarten sind gestanzt.',
      /Lochkarten/,
    ],
    [
      'fra',
      'D’où viennent les cartes perforées ?',
      'Les cartes perforées viennent du métier.',
      /cartes perforées/,
    ],
    ['rus', 'Откуда взялись перфокарты?', 'Перфокарты пришли из ткацкого станка.', /перфокарты/i],
    ['jpn', '解析機関は誰が設計しましたか?', '解析機関はバベッジが設計しました。', /解析|機関/],
  ])('finds phrases of question and answer in %s', async (language, question, answer, topic) => {
    expect((await topics(language, question, answer))[0]).toMatch(topic)
  })

  test('prefers a phrase of rare words to its parts and to longer phrases with a common word', async () => {
    const found = await topics(
      'eng',
      'Where do punched cards come from?',
      'The punched cards come from the loom.',
      {
        idf: { punch: 5, card: 4 },
      },
    )
    expect(found[0]).toBe('punched cards')
  })

  test('keeps names whole and drops topics that only the answer mentions', async () => {
    const question = 'What can the Analytical Engine originate?'
    const answer =
      'The Analytical Engine has no pretensions to originate anything. Ada Lovelace said four times so.'
    expect(await topics('eng', question, answer, { idf: { engin: 0.1 } })).toEqual([
      'originate',
      'Analytical Engine',
      'Ada Lovelace',
    ])
  })

  test('counts cited headings', async () => {
    const found = await topics('eng', 'What does it do?', 'It adds numbers. The mill is fast.', {
      headings: ['The mill', 'Speed of the mill'],
    })
    expect(found[0]).toBe('mill')
  })

  test('drops phrases that contain another topic or are contained in it', async () => {
    const found = await topics('eng', 'What does the great mill do?', 'The great mill is the mill.')
    expect(found.filter((topic) => /mill/.test(topic))).toHaveLength(1)
  })

  test('ranks terms of few documents first', async () => {
    const found = await topics('eng', 'How do the loom and the engine work?', '', { idf: { engin: 0.1 } })
    expect(found[0]).toBe('loom')
  })
})

test('mergeTopics adds up the weights of equal topics', () => {
  const topic = (text: string, weight: number) => ({ key: text, text, weight })
  const merged = mergeTopics([[topic('looms', 2), topic('cards', 3)], [topic('looms', 2)]], 1)
  expect(merged).toEqual([topic('looms', 4)])
})

describe('topicIn', () => {
  test.each([
    ['3.1 Opening hours', 'eng', 'Opening hours'],
    ['§ 12 Rights of the tenant', 'eng', 'Rights of the tenant'],
    ['Is the engine fast?', 'eng', 'Is the engine fast?'],
    ['分析机的历史', 'cmn', '分析机的历史'],
    ['In the second half of fiscal', 'eng', null],
    ['Revenue increased in the', 'eng', null],
    ['the remaining part', 'eng', null],
    ['Revenue, costs and outlook.', 'eng', null],
    ['Weaving', 'eng', null],
    ['Table of contents', 'eng', null],
    ['Chapter Four', 'eng', null],
    ['One two three four five six seven', 'eng', null],
    ['The Engine', 'eng', null],
    ['', 'eng', null],
  ])('reads %j (%s) as %j', (heading, language, topic) => {
    expect(topicIn(heading, 'The Engine', language)).toEqual(topic)
  })
})

test('questionsIn keeps whole questions without list markers', () => {
  const reply = 'Sure!\n1. Who built the engine?\n- How fast is it?\nWhy?\nTell me more.\n谁设计了分析机？'
  expect(questionsIn(reply)).toEqual(['Who built the engine?', 'How fast is it?', '谁设计了分析机？'])
})

describe('titleIn', () => {
  test.each([
    ['Title: "Weaving engines"', 'Weaving engines'],
    ['**Looms of Lyon.**\nBecause it is about looms.', 'Looms of Lyon'],
    ['\n  Titel: „Der Webstuhl“ ', 'Der Webstuhl'],
    ['I am sorry, I can not think of a title for a conversation as short as this one', null],
    ['', null],
  ])('reads %j as %j', (reply, title) => {
    expect(titleIn(reply)).toBe(title)
  })

  test('truncates a long title at a word', () => {
    const title = titleIn(
      'Considerations regarding mechanical looms throughout nineteenth-century manufactories',
    )
    expect(title).toMatch(/^Considerations .*\p{L}…$/u)
    expect(title?.length).toBeLessThanOrEqual(60)
  })
})

test('titleFromTopics keeps short questions as titles and uses only words of the questions', () => {
  const topics = ['wooden looms', 'punched cards'].map((text) => [{ key: text, text, weight: 2 }])
  const long = 'Where do the punched cards come from? '.repeat(2)
  expect(titleFromTopics(['Where do the punched cards come from?'], topics)).toBeNull()
  expect(titleFromTopics([long], topics)).toBe('Punched cards')
  expect(titleFromTopics([long], [])).toBeNull()
})

describe('redact', () => {
  test.each([
    ['Write to ada@example.org please', 'Write to … please'],
    ['请写信给李明@例子.中国', '…'],
    ['Call +49 (0) 170 123-4567 now', 'Call … now'],
    ['Is https://example.org/me?x=1 you?', 'Is … you?'],
    ['Do you know @ada_l of 1837?', 'Do you know … of 1837?'],
    ['IBAN DE89 3704 0044 0532 0130 00?', 'IBAN …?'],
    ['Were 1,000 cards made in 1837?', 'Were 1,000 cards made in 1837?'],
  ])('turns %j into %j', (text, redacted) => {
    expect(redact(text)).toBe(redacted)
  })

  test.each([
    ['CJK text', '汉'.repeat(40_000), '汉'.repeat(40_000)],
    ['CJK text before an address', `${'汉'.repeat(40_000)}@a.cn`, `${'汉'.repeat(40_000 - 64)}…`],
    ['labels of a domain', 'a@'.repeat(20_000), 'a@'.repeat(20_000)],
    ['digits before a fraction', `${'1 '.repeat(20_000)}½`, '… ½'],
  ])('handles long %s', (_, text, redacted) => {
    expect(redact(text)).toBe(redacted)
  })

  test('has unbounded quantifiers only at the end of a pattern', () => {
    for (const { source } of contactDetails) {
      const unbounded = source.replaceAll(/\\.|\[[^\]]*\]/g, 'x').match(/[*+]|\{\d+,\}/g) ?? []
      expect(unbounded.length, source).toBeLessThanOrEqual(1)
      if (unbounded.length === 1) expect(source).toMatch(/(?:[*+]|\{\d+,\})$/)
    }
  })
})
