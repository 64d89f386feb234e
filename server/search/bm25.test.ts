import { describe, expect, test } from 'vitest'
import { bm25Weigher, dimensions, idf, parseSparseVector, sparseVector, termHasher } from './bm25.ts'
import { stemmerFor } from './stem.ts'

const normalise = await stemmerFor('eng')
const naming = { title: 'Ships', filename: 'fleet_2022.pdf' }
const weigh = bm25Weigher('avee', naming, normalise)
const hash = termHasher('avee')
const valueOf = (vector: string, word: string) => parseSparseVector(vector).get(hash(normalise(word))) ?? 0

describe('weights', () => {
  test('the more often and the shorter the text, the more a word counts, up to an end', () => {
    const once = weigh.passage(null, 'The mast breaks.').vector
    const often = weigh.passage(null, 'The mast, the mast, the mast breaks.').vector
    const long = weigh.passage(
      null,
      `The mast breaks. ${'Nothing else happens here today. '.repeat(40)}`,
    ).vector
    expect(valueOf(often, 'mast')).toBeGreaterThan(valueOf(once, 'mast'))
    expect(valueOf(long, 'mast')).toBeLessThan(valueOf(once, 'mast'))
    const flooded = weigh.passage(null, 'mast '.repeat(2_000)).vector
    expect(valueOf(flooded, 'mast')).toBeLessThan(2.2)
  })

  test('title, file name and headings are found with every passage, the title once', () => {
    const { words, vector } = weigh.passage('Ships › Rigging', 'The mast breaks.')
    for (const word of ['ships', 'fleet', '2022', 'rigging', 'mast'])
      expect(words.has(hash(normalise(word))), word).toBe(true)
    expect(valueOf(vector, 'ships')).toBe(
      valueOf(weigh.passage('Rigging', 'The mast breaks.').vector, 'ships'),
    )
  })

  test('a rare word says more than a common one, and none says less than nothing', () => {
    expect(idf(1, 1_000)).toBeGreaterThan(idf(500, 1_000))
    expect(idf(1_000, 1_000)).toBeGreaterThan(0)
    expect(idf(5_000, 1_000)).toBe(idf(1_000, 1_000))
  })

  test('vectors come back as they were written', () => {
    const values = new Map([
      [dimensions, 0.25],
      [7, 1.5],
    ])
    expect(sparseVector(values)).toBe(`{7:1.5,${dimensions}:0.25}/${dimensions}`)
    expect(parseSparseVector(sparseVector(values))).toEqual(values)
    expect(parseSparseVector(`{}/${dimensions}`)).toEqual(new Map())
  })

  test('hashes spread, and differ from avee to avee', () => {
    const words = Array.from({ length: 20_000 }, (_, i) => `word${i}`)
    const hashes = new Set(words.map(hash))
    expect(hashes.size).toBeGreaterThan(19_998)
    expect(Math.min(...hashes)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...hashes)).toBeLessThanOrEqual(dimensions)
    const other = termHasher('another')
    expect(words.filter((word) => hash(word) === other(word))).toEqual([])
  })
})
