import { expect, test } from 'vitest'
import { QuantizedVectors } from './quantized-vectors.ts'

const vector = (seed: number, dimensions: number) =>
  Float32Array.from({ length: dimensions }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233 + seed * i))
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / Math.hypot(...a) / Math.hypot(...b)

test.each([3, 16, 100])('finds the nearest of vectors of %i dimensions', (dimensions) => {
  const vectors = Array.from({ length: 1_000 }, (_, row) => vector(row, dimensions))
  const quantized = new QuantizedVectors(dimensions)
  for (const [row, each] of vectors.entries()) quantized.set(row, each)
  const query = vector(5_000, dimensions).map((value) => 20 * value)
  const exact = vectors.map((each) => cosine(each, query)).toSorted((a, b) => b - a)
  const found = quantized.nearest(query, 20).map((row) => cosine(vectors[row] ?? query, query))
  expect(found).toHaveLength(20)
  for (const [i, similarity] of found.entries()) expect(similarity).toBeCloseTo(exact[i] ?? 0, 1)
  expect(found.filter((similarity) => similarity >= (exact[9] ?? 0))).toHaveLength(10)
})

test('omits deleted rows and zero vectors, and reuses rows', () => {
  const quantized = new QuantizedVectors(2)
  expect(quantized.nearest(new Float32Array([1, 0]), 5)).toEqual([])
  quantized.set(0, [1, 0])
  quantized.set(1, [0, 0])
  quantized.set(2, [1, 1])
  expect(quantized.nearest(new Float32Array([1, 0]), 5)).toEqual([0, 2])
  quantized.delete(0)
  expect(quantized.nearest(new Float32Array([1, 0]), 5)).toEqual([2])
  quantized.set(0, [-1, 0])
  expect(quantized.nearest(new Float32Array([1, 0]), 5)).toEqual([2, 0])
})
