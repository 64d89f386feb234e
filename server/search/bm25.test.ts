import { describe, expect, test } from 'vitest'
import { bm25Vectorizer, idf, termHasher } from './bm25.ts'
import { stemmerFor } from './stem.ts'
import { parseSparseVectorLiteral, sparseDimensions, sparseVectorLiteral } from './vector-literals.ts'

const stem = await stemmerFor('eng')
const vectorizer = bm25Vectorizer('avee', { title: 'Ships', filename: 'fleet_2022.pdf' }, stem)
const hash = termHasher('avee')
const weightOf = (vector: string, word: string) => parseSparseVectorLiteral(vector).get(hash(stem(word))) ?? 0

describe('BM25 weights', () => {
  test('rise with the term frequency up to a limit and fall with the length', () => {
    const once = vectorizer.passage(null, 'The mast breaks.').vector
    const often = vectorizer.passage(null, 'The mast, the mast, the mast breaks.').vector
    const long = vectorizer.passage(
      null,
      `The mast breaks. ${'Nothing else happens here today. '.repeat(40)}`,
    ).vector
    expect(weightOf(often, 'mast')).toBeGreaterThan(weightOf(once, 'mast'))
    expect(weightOf(long, 'mast')).toBeLessThan(weightOf(once, 'mast'))
    const flooded = vectorizer.passage(null, 'mast '.repeat(2_000)).vector
    expect(weightOf(flooded, 'mast')).toBeLessThan(2.2)
  })

  test('include title, file name and headings, the title once', () => {
    const { terms, vector } = vectorizer.passage('Ships › Rigging', 'The mast breaks.')
    for (const word of ['ships', 'fleet', '2022', 'rigging', 'mast'])
      expect(terms.has(hash(stem(word))), word).toBe(true)
    expect(weightOf(vector, 'ships')).toBe(
      weightOf(vectorizer.passage('Rigging', 'The mast breaks.').vector, 'ships'),
    )
  })
})

test('numbers in the cells of a table add no length', () => {
  const row = 'Mast height\t'
  const filled = vectorizer.passage(null, `${row}12,345\t$ (6,789)\t10.5 %`).vector
  expect(weightOf(filled, 'mast')).toBe(weightOf(vectorizer.passage(null, row).vector, 'mast'))
  expect(weightOf(filled, '12345')).toBeGreaterThan(0)
})

test('the beginning of a page counts twice in its vector', () => {
  const passages = [{ heading: null, text: `Mast. ${'Nothing else. '.repeat(30)}Rope.` }]
  const section = (page: number | null) =>
    vectorizer.section(passages.map((passage) => ({ ...passage, page })))
  expect(weightOf(section(1), 'mast')).toBeGreaterThan(weightOf(section(null), 'mast'))
  expect(weightOf(section(1), 'rope')).toBeLessThan(weightOf(section(1), 'mast'))
})

test('rows of a table are found by the title of their page, which adds no length', () => {
  const row = 'Rope\t12'
  const start = 'Fleet inventory\nin metres\t2022'
  const withTitle = vectorizer.passage(null, row, start).vector
  expect(weightOf(withTitle, 'inventory')).toBeGreaterThan(0)
  expect(weightOf(withTitle, 'rope')).toBe(weightOf(vectorizer.passage(null, row).vector, 'rope'))
  expect(weightOf(vectorizer.passage(null, 'The rope.', start).vector, 'inventory')).toBe(0)
})

test('IDF falls with the document frequency and is never negative', () => {
  expect(idf(1, 1_000)).toBeGreaterThan(idf(500, 1_000))
  expect(idf(1_000, 1_000)).toBeGreaterThan(0)
  expect(idf(5_000, 1_000)).toBe(idf(1_000, 1_000))
})

test('sparse vector literals are parsed as they were written', () => {
  const values = new Map([
    [sparseDimensions, 0.25],
    [7, 1.5],
  ])
  expect(sparseVectorLiteral(values)).toBe(`{7:1.5,${sparseDimensions}:0.25}/${sparseDimensions}`)
  expect(parseSparseVectorLiteral(sparseVectorLiteral(values))).toEqual(values)
  expect(parseSparseVectorLiteral(`{}/${sparseDimensions}`)).toEqual(new Map())
})

test('term hashes rarely collide and differ between avees', () => {
  const words = Array.from({ length: 20_000 }, (_, i) => `word${i}`)
  const hashes = new Set(words.map(hash))
  expect(hashes.size).toBeGreaterThan(19_998)
  expect(Math.min(...hashes)).toBeGreaterThanOrEqual(1)
  expect(Math.max(...hashes)).toBeLessThanOrEqual(sparseDimensions)
  const other = termHasher('another')
  expect(words.filter((word) => hash(word) === other(word))).toEqual([])
})
