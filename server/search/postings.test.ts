import { expect, test } from 'vitest'
import { Postings } from './postings.ts'

const text = (id: string, weights: Record<number, number>) => ({
  id,
  terms: Uint32Array.from(Object.keys(weights), Number),
  weights: Float32Array.from(Object.values(weights)),
})

test('finds the texts with the highest inner products, in all segments', () => {
  const postings = new Postings()
  expect(postings.best(new Map([[1, 1]]), [1], 5)).toEqual([])
  postings.add([text('a', { 7: 1, 1_000_000_000: 2 }), text('b', { 7: 3 }), text('c', { 8: 9 })])
  postings.add([text('d', { 1_000_000_000: 1 }), text('e', {})])
  const query = new Map([
    [7, 1],
    [8, 0.5],
    [1_000_000_000, 4],
    [9, 100],
  ])
  expect(postings.best(query, [...query.keys()], 3)).toEqual(['a', 'c', 'd'])
  expect(postings.segments).toBe(2)
})

test('adds the other terms to the scores of texts with a required term only', () => {
  const postings = new Postings()
  postings.add([text('a', { 1: 1, 2: 1 }), text('b', { 1: 2 }), text('c', { 2: 50 })])
  const query = new Map([
    [1, 1],
    [2, 5],
  ])
  expect(postings.best(query, [1], 5)).toEqual(['a', 'b'])
})
