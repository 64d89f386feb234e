import { describe, expect, test } from 'vitest'
import { stemmerFor } from './stem.ts'

const expectSameTerm = async (language: string | null, words: string[]) => {
  const stem = await stemmerFor(language)
  expect(new Set(words.map(stem)).size, words.map(stem).join(', ')).toBe(1)
}

describe('stemmer', () => {
  test.each([
    ['eng', ['warm', 'warmed', 'warming', 'WARMS']],
    ['deu', ['Haus', 'Häuser', 'Häusern']],
    ['deu', ['Straße', 'STRASSE', 'straße']],
    ['fra', ['café', 'cafe', 'CAFÉS']],
    ['rus', ['ёлка', 'елка', 'ёлки']],
    ['tur', ['KAPI', 'kapı']],
    ['ell', ['άνθρωπος', 'ανθρωπος']],
    ['arb', ['كِتَاب', 'كتاب']],
    [null, ['Ærø', 'ærø', 'aero']],
    ['xxx', ['Word', 'WORD']],
  ])('maps to the same term in %s: %j', async (language, words) => expectSameTerm(language, words))

  test('keeps diacritics that distinguish words', async () => {
    const vietnamese = await stemmerFor('vie')
    expect(vietnamese('má')).not.toBe(vietnamese('ma'))
    const hindi = await stemmerFor('hin')
    expect(hindi('की')).not.toBe(hindi('का'))
  })

  test('leaves numbers and identifiers unchanged', async () => {
    const english = await stemmerFor('eng')
    for (const word of ['2023', '36.8', '4o', 'h2o']) expect(english(word)).toBe(word)
  })
})
