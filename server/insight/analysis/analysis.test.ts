import { describe, expect, test } from 'vitest'
import type { Layer } from '../../../contract/layers.ts'
import { analyzeTurn } from './analyze-turn.ts'
import { checkStatements, groundingScore } from './grounding.ts'
import { engagementScore, relevanceScore, satisfactionScore } from './scores.ts'
import { statementsOf } from './statements.ts'
import { jaccard, languageOf, termExtractor } from './terms.ts'
import { isQuestion, unansweredReason } from './unanswered.ts'

const english = await termExtractor('eng')
const passage = (n: number, text: string) => ({ n, title: 'Engine', heading: null, text })

describe('statementsOf', () => {
  const statements = (answer: string, isExtractive = false) =>
    statementsOf(answer, english, isExtractive).map(({ text, cites }) => [text, cites])

  test('assigns citations to the sentence before them and skips questions, courtesies, headings and code', () => {
    const answer = [
      '## Speed',
      'Sure, let me see.',
      'The engine weaves forty patterns. [1][2] It has 4 wheels [3].',
      '```js\nconst wheels = 4\n```',
      'Let me know if you need more details about wheels.',
      'Shall I tell you about the wheels?',
    ].join('\n\n')
    expect(statements(answer)).toEqual([
      ['The engine weaves forty patterns.', [1, 2]],
      ['It has 4 wheels.', [3]],
    ])
  })

  test('returns the quotations of an extractive answer', () => {
    const answer =
      '“The engine weaves.” [1] (page 3)\n\n“Year | Price” … “1837 | 40” … “1838 | 42” [2]\n\nNo language model is set up.'
    expect(statements(answer, true)).toEqual([
      ['The engine weaves.', [1]],
      ['1837 | 40', [2]],
      ['1838 | 42', [2]],
    ])
  })

  test.each([
    ['opening brackets', '['.repeat(20_000)],
    ['opening quotation marks', '“'.repeat(20_000)],
    ['full stops', '.'.repeat(20_000)],
    ['spaces', `a${' '.repeat(20_000)}b`],
    ['unfinished links', '[a]('.repeat(5_000)],
  ])('finds nothing in 20,000 %s', (_, text) => {
    expect(statements(text)).toEqual([])
    expect(statements(text, true)).toEqual([])
  })
})

describe('analyzeTurn', () => {
  test('analyzes a bounded part of a very long answer', async () => {
    let terms: string[] = []
    const knowledge = {
      documentFrequencies: async (_avee: string, _layers: Layer[], asked: string[]) => {
        terms = asked
        return { passages: 0, words: new Map<string, number>() }
      },
      search: async () => ({ hits: [], answerable: 'no' as const }),
    }
    const answer = Array.from({ length: 200_000 }, (_, n) => `word${n}`).join(' ')
    const turn = { question: 'Which words?', answer, model: 'model', finishReason: 'stop' }
    const place = { aveeId: 'avee', layers: [], citations: [], earlier: [] }
    await analyzeTurn(knowledge, { ...turn, ...place }, new AbortController().signal)
    expect(terms.length).toBeGreaterThan(1_000)
    expect(terms.length).toBeLessThan(30_000)
  })
})

describe('checkStatements', () => {
  const engine = passage(
    1,
    'The engine was designed by Charles Babbage. It weaves patterns at 40 per minute. A bell rings.',
  )
  const check = (answer: string, ...passages: ReturnType<typeof passage>[]) =>
    checkStatements(statementsOf(answer, english, false), passages, english, () => 1)

  test('supports a paraphrase of a passage', () => {
    expect(check('Babbage designed the weaving engine.', engine)).toMatchObject([
      { supported: true, citation: 1 },
    ])
  })

  test.each([
    ['a number that no passage contains', 'The engine weaves 50 patterns per minute.', ['50']],
    ['terms that no passage contains', 'Elephants carried the machine across the Alps.', []],
  ])('does not support %s', (_, answer, unknownNumbers) => {
    expect(check(answer, engine)).toMatchObject([{ supported: false, unknownNumbers }])
  })

  test('names the passage that supports a statement, even when the answer cites another', () => {
    const other = passage(2, 'Looms were built in Lyon by many weavers of silk.')
    expect(check('The engine weaves 40 patterns per minute [2].', other, engine)).toMatchObject([
      { supported: true, citation: 1 },
    ])
  })

  test('prefers the cited one of two equal passages', () => {
    expect(check('The engine weaves 40 patterns per minute [2].', engine, { ...engine, n: 2 })).toMatchObject(
      [{ citation: 2 }],
    )
  })

  test('treats spellings of a number as equal', () => {
    const store = passage(1, 'The store holds 1,000 numbers.')
    expect(check('The store holds 1000 numbers.', store)).toMatchObject([{ supported: true }])
  })

  test('weights terms by IDF', () => {
    const [common] = checkStatements(
      statementsOf('Elephants weave the patterns.', english, false),
      [engine],
      english,
      (stem) => (stem === 'eleph' ? 0.1 : 1),
    )
    expect(common?.support).toBeCloseTo(2 / 2.1)
  })

  test('compares scripts without spaces', async () => {
    const chinese = await termExtractor('cmn')
    const statements = statementsOf('分析机由查尔斯·巴贝奇设计。它是蓝色的大象。', chinese, false)
    const text = '分析机由查尔斯·巴贝奇于1837年设计,从未完成。'
    const checked = checkStatements(statements, [passage(1, text)], chinese, () => 1)
    expect(checked.map(({ supported }) => supported)).toEqual([true, false])
  })
})

test('the grounding score is the share of supported statements, and null without statements', () => {
  expect(groundingScore([])).toBeNull()
  expect(groundingScore([{ supported: true }, { supported: false }])).toBe(0.5)
})

describe('relevance', () => {
  const relevance = (question: string, answer: string, isAnswered = true) =>
    relevanceScore({ question: english.stemsOf(question), answer: english.stemsOf(answer), isAnswered })

  test('is the share of question terms in the answer', () => {
    expect(relevance('How fast does the engine weave patterns?', 'The engine weaves patterns fast.')).toBe(1)
    expect(relevance('How fast does the engine weave patterns?', 'The engine weaves.')).toBe(0.5)
    expect(relevance('How fast does the engine weave patterns?', 'Elephants live in Africa.')).toBe(0)
  })

  test('is 0 for an unanswered question and null for one without terms', () => {
    expect(relevance('How fast is the engine?', 'How fast the engine is, I do not know.', false)).toBe(0)
    expect(relevance('How are you?', 'Well.')).toBeNull()
  })
})

describe('engagement', () => {
  const engagement = (answer: string, earlier = '', isAnswered = true) =>
    engagementScore({
      answer: english.termsOf(answer).map(({ stem }) => stem),
      earlierAnswers: english.stemsOf(earlier),
      isAnswered,
    })

  test('is the share of distinct terms that are new in the conversation', () => {
    expect(engagement('Brass wheels ring bells.')).toBe(1)
    expect(engagement('Brass wheels ring bells.', 'The wheels are made of brass.')).toBe(0.5)
    expect(engagement('brass wheels '.repeat(40))).toBe(2 / 80)
  })

  test('is 0 for an unanswered question and null for an empty answer', () => {
    expect(engagement('Brass wheels ring bells.', '', false)).toBe(0)
    expect(engagement('')).toBeNull()
  })
})

test('satisfaction is null before the first turn, 0.5 without signals, and follows the signals', () => {
  expect(satisfactionScore({ turns: 0, positive: 0, negative: 0 })).toBeNull()
  expect(satisfactionScore({ turns: 3, positive: 0, negative: 0 })).toBe(0.5)
  expect(satisfactionScore({ turns: 3, positive: 1, negative: 0 })).toBeCloseTo(2 / 3)
  expect(satisfactionScore({ turns: 3, positive: 0, negative: 1 })).toBeCloseTo(1 / 3)
})

describe('unansweredReason', () => {
  const turn = {
    question: 'Who insured the engine?',
    questionTerms: 2,
    answer: 'A blue engine.',
    isAnswerable: true as boolean | null,
    hasDocuments: true,
    hasCitations: false,
    hasSupport: false,
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
    'I cannot find this in your documents. Other words may find it.',
    'Dazu finde ich in deinen Dokumenten nichts. Mit anderen Worten vielleicht doch.',
    'Je ne trouve pas cela dans vos documents. Peut-être avec d’autres mots.',
    'No encuentro esto en tus documentos. Quizá con otras palabras.',
    'Non trovo questo nei tuoi documenti. Forse con altre parole.',
    'Não encontro isto nos seus documentos. Talvez com outras palavras.',
    '我在您的文档中没有找到相关内容。换个说法也许能找到。',
    'お使いの文書の中に見つかりません。別の言葉なら見つかるかもしれません。',
  ])('recognizes “%s”, unless a statement is supported', (answer) => {
    expect(unansweredReason({ ...turn, answer })).toBe('said_so')
    expect(unansweredReason({ ...turn, answer, hasSupport: true })).toBeNull()
  })

  test('requires that search finds nothing, the answer cites nothing, and there are documents', () => {
    expect(unansweredReason({ ...turn, isAnswerable: false })).toBe('no_passage')
    expect(unansweredReason({ ...turn, isAnswerable: false, hasCitations: true })).toBeNull()
    expect(unansweredReason({ ...turn, isAnswerable: false, hasDocuments: false })).toBeNull()
    expect(unansweredReason({ ...turn, isAnswerable: false, questionTerms: 1 })).toBeNull()
    expect(unansweredReason(turn)).toBeNull()
  })

  test('ignores greetings and remarks', () => {
    for (const text of ['Good morning', 'Ich mag Züge.', 'ok']) expect(isQuestion(text)).toBe(false)
    for (const text of ['Wer war das', 'what time is it', '京都はどこですか？'])
      expect(isQuestion(text)).toBe(true)
  })
})

test('languageOf recognizes short texts by their stop words', () => {
  expect(languageOf('It weaves patterns at 40 per minute.', ['eng'])).toBe('eng')
  expect(languageOf('Es webt Muster, und das schnell.', ['deu'])).toBe('deu')
  expect(languageOf('Who designed it?', [null])).toBe('eng')
})

test('jaccard is the share of common elements', () => {
  expect(jaccard(new Set(['a', 'b']), new Set(['b', 'c']))).toBeCloseTo(1 / 3)
  expect(jaccard(new Set(), new Set())).toBe(0)
})
