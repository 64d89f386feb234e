import { expect, test } from 'vitest'
import { axisMax, formatDay, lastDays } from './days.ts'

test('returns the last days across the end of a month', () => {
  expect(lastDays(3, new Date('2026-03-01T00:30:00Z'))).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
})

test('formats a day as month and day', () => expect(formatDay('2026-11-21')).toBe('Nov 21'))

test.each([
  [[], 1],
  [[0], 1],
  [[3], 3],
  [[11, 2], 20],
  [[101], 200],
])('rounds the axis of %j up to %i', (values, max) => {
  expect(axisMax(values)).toBe(max)
})
