import { expect, test } from 'vitest'
import { retryDelayMs } from './backoff.ts'

test('doubles the delay with each failure, up to 15 minutes', () => {
  const longest = (failures: number) => retryDelayMs(failures, () => 1)
  expect([1, 2, 3, 20].map(longest)).toEqual([5_000, 10_000, 20_000, 900_000])
})

test('leaves out at most half of the delay at random', () => {
  expect(retryDelayMs(1, () => 0)).toBe(2_500)
})
