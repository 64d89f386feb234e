import { expect, test } from 'vitest'
import { answerableFrom, confidence } from './answerable.ts'

const byWords = (share: number, words: number) => confidence({ covered: [{ share, words }], cosines: [] })

test('the more of the question stands together, the surer', () => {
  expect(byWords(0.9, 5)).toBeGreaterThan(byWords(0.5, 5))
  expect(byWords(0.5, 8)).toBeGreaterThan(byWords(0.5, 2))
  expect(byWords(1, 1)).toBeGreaterThanOrEqual(answerableFrom)
  expect(byWords(0.5, 1)).toBeLessThan(answerableFrom)
  expect(confidence({ covered: [], cosines: [] })).toBeLessThan(0.01)
})

test('a passage that stands out by its meaning is enough, one of a crowd is not', () => {
  const crowd = Array.from({ length: 40 }, () => 0.55)
  expect(confidence({ covered: [], cosines: [0.82, ...crowd] })).toBeGreaterThanOrEqual(answerableFrom)
  expect(confidence({ covered: [], cosines: [0.6, ...crowd] })).toBeLessThan(answerableFrom)
  expect(confidence({ covered: [], cosines: [0.82, 0.5] })).toBeLessThan(answerableFrom)
})
