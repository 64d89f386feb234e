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
