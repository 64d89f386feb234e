import { expect, test } from 'vitest'
import { answerability, answerabilityThreshold } from './answerability.ts'

const lexical = (share: number, terms: number) => answerability({ coverage: [{ share, terms }], cosines: [] })

test('answerability rises with the share and the number of terms that a passage contains', () => {
  expect(lexical(0.9, 5)).toBeGreaterThan(lexical(0.5, 5))
  expect(lexical(0.5, 8)).toBeGreaterThan(lexical(0.5, 2))
  expect(lexical(1, 1)).toBeGreaterThanOrEqual(answerabilityThreshold)
  expect(lexical(0.5, 1)).toBeLessThan(answerabilityThreshold)
  expect(answerability({ coverage: [], cosines: [] })).toBeLessThan(0.01)
})

test('a passage far nearer than the background is enough evidence, a slightly nearer one is not', () => {
  const background = Array.from({ length: 40 }, () => 0.55)
  const vector = (cosines: number[]) => answerability({ coverage: [], cosines })
  expect(vector([0.82, ...background])).toBeGreaterThanOrEqual(answerabilityThreshold)
  expect(vector([0.6, ...background])).toBeLessThan(answerabilityThreshold)
  expect(vector([0.82, 0.5])).toBeLessThan(answerabilityThreshold)
})
