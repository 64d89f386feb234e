import { describe, expect, test } from 'vitest'
import { fuseRankings } from './fusion.ts'

const ranking = (...entries: [string, number][]) => entries.map(([id, score]) => ({ id, score }))
const ids = (results: { id: string }[]) => results.map(({ id }) => id)
/** Forty results with the same cosine similarity. */
const background = ranking(...Array.from({ length: 40 }, (_, i): [string, number] => [`${100 + i}`, 0.5]))

describe('fuseRankings', () => {
  test('ranks results of both rankings before results of one', () => {
    const fused = fuseRankings({ results: ranking(['1', 0.4], ['2', 0.38], ['3', 0.2]), confidence: 0.9 }, [
      ...ranking(['2', 0.8]),
      ...background,
    ])
    expect(ids(fused).slice(0, 3)).toEqual(['2', '1', '3'])
    expect(fused[0]?.score).toBe(1)
    expect(fused.map(({ score }) => score)).toEqual(fused.map(({ score }) => score).toSorted((a, b) => b - a))
  })

  test('keeps a confident lexical order when the model finds everything equally similar', () => {
    const fused = fuseRankings(
      { results: ranking(['1', 0.4], ['2', 0.3], ['3', 0.2]), confidence: 0.9 },
      background,
    )
    expect(ids(fused).slice(0, 3)).toEqual(['1', '2', '3'])
  })

  test('ranks a confident lexical result before an identical text', () => {
    const fused = fuseRankings({ results: ranking(['1', 0.4], ['2', 0.2]), confidence: 0.9 }, [
      ...ranking(['2', 1]),
      ...background,
    ])
    expect(ids(fused).slice(0, 2)).toEqual(['1', '2'])
  })

  test('ranks a distinctly similar result first when the lexical ranking has no confidence', () => {
    const fused = fuseRankings({ results: ranking(['1', 0.2], ['2', 0.1]), confidence: 0.02 }, [
      ...ranking(['7', 0.8]),
      ...background,
    ])
    expect(ids(fused)[0]).toBe('7')
  })

  test('keeps the order of one ranking when the other is empty', () => {
    const alone = ranking(['9', 0.5], ['2', 0.4], ['7', 0.3])
    expect(ids(fuseRankings({ results: alone, confidence: 0.5 }, []))).toEqual(['9', '2', '7'])
    expect(ids(fuseRankings({ results: [], confidence: 0 }, alone))).toEqual(['9', '2', '7'])
    expect(fuseRankings({ results: [], confidence: 0 }, [])).toEqual([])
  })
})
