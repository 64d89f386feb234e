import { describe, expect, test } from 'vitest'
import { stemmerFor } from './stem.ts'

const same = async (language: string | null, words: string[]) => {
  const normalise = await stemmerFor(language)
  expect(new Set(words.map(normalise)).size, words.map(normalise).join(', ')).toBe(1)
}

describe('words are the same', () => {
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
  ])('in %s: %j', async (language, words) => same(language, words))

  test('but not where a mark makes another word', async () => {
    const vietnamese = await stemmerFor('vie')
    expect(vietnamese('má')).not.toBe(vietnamese('ma'))
    const hindi = await stemmerFor('hin')
    expect(hindi('की')).not.toBe(hindi('का'))
  })

  test('and figures and codes stay as they are', async () => {
    const english = await stemmerFor('eng')
    for (const word of ['2023', '36.8', '4o', 'h2o']) expect(english(word)).toBe(word)
  })
})
