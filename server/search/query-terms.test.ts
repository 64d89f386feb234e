import { expect, test } from 'vitest'
import { queryAnalyzer } from './query-terms.ts'

test('the terms of a long text are those of its beginning and end, in any script', async () => {
  const analyzer = await queryAnalyzer('avee', ['eng', 'cmn'])
  const words = Array.from({ length: 5_000 }, (_, i) => `word${i}x`)
  const terms = analyzer.terms(words.join(' ')).map(({ text }) => text)
  expect(terms.length).toBeLessThan(2_500)
  expect(terms).toEqual(expect.arrayContaining(['word0x', 'word4999x']))
  const characters = Array.from({ length: 20_000 }, (_, i) =>
    String.fromCodePoint(0x4e00 + ((i * 7) % 20_000)),
  )
  expect(analyzer.terms(characters.join('')).length).toBeLessThan(8_000)
})

test('bigrams have the IDF of their word, or of the more frequent of the two words that they span', async () => {
  const analyzer = await queryAnalyzer('avee', ['cmn'])
  const terms = new Map(analyzer.terms('宪法的修订').map((term) => [term.text, term]))
  const [within, across] = [terms.get('宪法'), terms.get('法的')]
  expect(within).toMatchObject({ spansWords: false })
  expect(across).toMatchObject({ spansWords: true })
  expect(across?.wordIdf).toBeLessThan(within?.wordIdf ?? 0)
})

test('names are recognized by their capital letter, except at the beginning', async () => {
  const analyzer = await queryAnalyzer('avee', ['eng'])
  const capitalized = analyzer.terms('Which lighthouse did Ines keep?').filter((term) => term.isCapitalized)
  expect(capitalized.map(({ text }) => text)).toEqual(['ines'])
})
