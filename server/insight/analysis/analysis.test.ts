import { describe, expect, test } from 'vitest'
import { engagementOf } from './engagement.ts'
import { ground, groundByMeaning, groundingOf } from './grounding.ts'
import { relevanceOf } from './relevance.ts'
import { isThanks, type Signs, satisfactionOf } from './scores.ts'
import { statementsOf } from './statements.ts'
import { languageOf, termReader } from './terms.ts'
import { isQuestion, unanswered } from './unanswered.ts'

const english = await termReader('eng')
const flat = () => 1
const source = (n: number, text: string) => ({ n, title: 'Engine', heading: null, text })

describe('the statements of an answer', () => {
  const textsOf = (answer: string, isQuoted = false) =>
    statementsOf(answer, english, isQuoted).map(({ text, cites }) => [text, cites])

  test('take the number behind a sentence with it, and leave questions, courtesy, headings and code out', () => {
    const answer = [
      '## Speed',
      'Sure, let me see.',
      'The engine weaves forty patterns. [1][2] It has 4 wheels [3].',
      '```js\nconst wheels = 4\n```',
      'Let me know if you need more details about wheels.',
      'Shall I tell you about the wheels?',
    ].join('\n\n')
    expect(textsOf(answer)).toEqual([
      ['The engine weaves forty patterns.', [1, 2]],
      ['It has 4 wheels.', [3]],
    ])
  })

  test('of an answer of quotations are the quotations', () => {
    const answer =
      '“The engine weaves.” [1] (page 3)\n\n“Year | Price” … “1837 | 40” [2]\n\nNo language model is set up.'
    expect(textsOf(answer, true)).toEqual([
      ['The engine weaves.', [1]],
      ['1837 | 40', [2]],
    ])
  })
})

describe('grounding', () => {
  const passage = source(
    1,
    'The engine was designed by Charles Babbage. It weaves patterns at 40 per minute. A bell rings.',
  )
  const judged = (answer: string, ...sources: ReturnType<typeof source>[]) =>
    ground(statementsOf(answer, english, false), sources, english, flat)

  test('supports what stands in a passage in other words', () => {
    const [only] = judged('Babbage designed the weaving engine.', passage)
    expect(only).toMatchObject({ supported: true, citation: 1 })
  })

  test.each([
    ['another figure', 'The engine weaves 50 patterns per minute.', ['50']],
    ['what nobody wrote', 'Elephants carried the machine across the Alps.', []],
  ])('does not support %s', (_, answer, figures) => {
    expect(judged(answer, passage)[0]).toMatchObject({ supported: false, unknownFigures: figures })
  })

  test('names the passage that says it, not the one that the answer names', () => {
    const other = source(2, 'Looms were built in Lyon by many weavers of silk.')
    expect(judged('The engine weaves 40 patterns per minute [2].', other, passage)[0]).toMatchObject({
      supported: true,
      citation: 1,
    })
  })

  test('takes figures in their usual spellings for the same', () => {
    const figures = source(1, 'The store holds 1,000 numbers.')
    expect(judged('The store holds 1000 numbers.', figures)[0]?.supported).toBe(true)
  })

  test('compares scripts without blanks', async () => {
    const chinese = await termReader('cmn')
    const statements = statementsOf('分析机由查尔斯·巴贝奇设计。它是蓝色的大象。', chinese, false)
    const known = ground(
      statements,
      [source(1, '分析机由查尔斯·巴贝奇于1837年设计,从未完成。')],
      chinese,
      flat,
    )
    expect(known.map(({ supported }) => supported)).toEqual([true, false])
  })

  test('is the share of supported words, and null for an answer that states nothing', () => {
    expect(groundingOf([])).toBeNull()
    expect(
      groundingOf([
        { support: 0.8, weight: 3 },
        { support: 0, weight: 3 },
      ]),
    ).toBe(0.5)
  })

  test('goes by meaning across languages, but not past a wrong figure', () => {
    const statement = (text: string) =>
      statementsOf(text, english, false)[0] ?? { text, words: [], cites: [] }
    const near = Float32Array.of(1, 0)
    const known = groundByMeaning(
      [
        { statement: statement('The engine weaves 40 patterns.'), vector: near },
        { statement: statement('The engine weaves 50 patterns.'), vector: near },
        { statement: statement('Elephants carried the machine.'), vector: Float32Array.of(0, 1) },
      ],
      [{ n: 4, figures: new Set(['40']), vectors: [near] }],
    )
    expect(known.map(({ supported }) => supported)).toEqual([true, false, false])
    expect(known[0]?.citation).toBe(4)
  })
})

describe('relevance', () => {
  const relevance = (
    question: string,
    answer: string,
    more: Partial<Parameters<typeof relevanceOf>[0]> = {},
  ) =>
    relevanceOf(
      { question, answer, passages: [], answered: true, sameLanguage: true, ...more },
      english,
      flat,
    )

  test('is high for an answer to the question, low for one to another, and null for a greeting', () => {
    const question = 'How fast does the engine weave patterns?'
    expect(relevance(question, 'The engine weaves patterns very fast.')).toBe(1)
    expect(relevance(question, 'Elephants live in Africa.')).toBe(0)
    expect(relevance('How are you?', 'Well.')).toBeNull()
    expect(relevance(question, 'Die Maschine webt schnell.', { sameLanguage: false })).toBeNull()
  })

  test('lets the passage carry a short answer, and an answer that does not know keeps little', () => {
    const question = 'How fast does the engine weave patterns?'
    const short = relevance(question, '40 per minute.', {
      passages: ['The engine weaves patterns at 40 per minute.'],
    })
    expect(short).toBeGreaterThan(0.3)
    expect(
      relevance(question, 'How fast the engine weaves patterns is unknown.', { answered: false }),
    ).toBeLessThan(0.35)
  })
})

describe('engagement', () => {
  const engagement = (answer: string, earlierAnswers: string[] = [], answered = true) =>
    engagementOf({ question: 'What is the engine?', answer, earlierAnswers, answered }, english)
  const good =
    'The machine was made of brass wheels, and a bell told whoever turned its crank that one card was missing.'

  test('is less for what is curt, loops, says the same again or does not answer', () => {
    const best = engagement(good).score ?? 0
    expect(best).toBeGreaterThan(0.8)
    expect(engagement('Brass.').score).toBeLessThan(best)
    expect(engagement('brass wheels '.repeat(40)).score).toBeLessThan(best)
    expect(engagement(good, [good])).toMatchObject({ repeats: true })
    expect(engagement(good, [good]).score).toBeLessThan(best)
    expect(engagement(good, [], false).score).toBeCloseTo(best / 2)
    expect(engagement('').score).toBeNull()
  })
})

describe('satisfaction', () => {
  const signs: Signs = {
    turns: 2,
    thumbsUp: 0,
    thumbsDown: 0,
    repeated: 0,
    unanswered: 0,
    stopped: 0,
    regenerated: 0,
    failed: 0,
    thanks: 0,
  }
  const estimate = (more: Partial<Signs>) => satisfactionOf({ ...signs, ...more }) ?? Number.NaN

  test('is null before the first turn, and every sign moves it its way', () => {
    expect(satisfactionOf({ ...signs, turns: 0 })).toBeNull()
    const usual = estimate({})
    for (const good of [{ thumbsUp: 1 }, { thanks: 1 }]) expect(estimate(good)).toBeGreaterThan(usual)
    for (const bad of [
      { thumbsDown: 1 },
      { repeated: 1 },
      { unanswered: 1 },
      { stopped: 1 },
      { regenerated: 1 },
      { failed: 1 },
    ])
      expect(estimate(bad)).toBeLessThan(usual)
  })

  test.each(['Thanks!', 'Great, thank you', 'Vielen Dank', 'merci beaucoup', 'ありがとうございます'])(
    '“%s” thanks',
    (text) => {
      expect(isThanks(text)).toBe(true)
    },
  )
  test('a question about thanks does not', () => expect(isThanks('Whom did he thank?')).toBe(false))
})

describe('an unanswered question', () => {
  const turn = {
    question: 'Who insured the engine?',
    contentWords: 2,
    answer: 'A blue engine.',
    answerable: true as boolean | null,
    hasDocuments: true,
    citesSomething: false,
    supportsSomething: false,
  }
  test.each([
    'The documents do not say who insured it.',
    'Your documents do not answer this.',
    "I don't know.",
    'Deine Dokumente beantworten das nicht.',
    'Das weiß ich leider nicht.',
    'Vos documents ne répondent pas à cette question.',
    'Tus documentos no responden a esto.',
    'I tuoi documenti non rispondono a questa domanda.',
    'Os seus documentos não respondem a isto.',
    '您的文档没有回答这个问题。',
    'お使いの文書にはこの質問への答えがありません。',
  ])('is told by “%s”', (answer) => {
    expect(unanswered({ ...turn, answer })).toBe('said_so')
    expect(unanswered({ ...turn, answer, supportsSomething: true })).toBeNull()
  })

  test('is one for which nothing was found and no passage is named', () => {
    expect(unanswered({ ...turn, answerable: false })).toBe('no_passage')
    expect(unanswered({ ...turn, answerable: false, citesSomething: true })).toBeNull()
    expect(unanswered({ ...turn, answerable: false, hasDocuments: false })).toBeNull()
    expect(unanswered({ ...turn, answerable: false, contentWords: 1 })).toBeNull()
    expect(unanswered(turn)).toBeNull()
  })

  test('is not a greeting or a remark', () => {
    for (const question of ['Good morning', 'Ich mag Züge.', 'ok']) expect(isQuestion(question)).toBe(false)
    for (const question of ['Wer war das', 'what time is it', '京都はどこですか？'])
      expect(isQuestion(question)).toBe(true)
  })
})

test('the language of a short text is that of its function words', () => {
  expect(languageOf('It weaves patterns at 40 per minute.', 'eng')).toBe('eng')
  expect(languageOf('Es webt Muster, und das schnell.', 'deu')).toBe('deu')
  expect(languageOf('Who designed it?', null)).toBe('eng')
})
