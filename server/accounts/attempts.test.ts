import { expect, test } from 'vitest'
import { attemptLimit } from './attempts.ts'

function at(most: number, withinMs: number) {
  const clock = { now: 1_000_000 }
  return { clock, limit: attemptLimit({ most, withinMs, now: () => clock.now }) }
}

test('so many attempts are taken, then one waits until the first is long enough ago', () => {
  const { clock, limit } = at(3, 60_000)
  for (let n = 0; n < 3; n++) {
    expect(limit.wait('ann')).toBeNull()
    limit.note('ann')
    clock.now += 10_000
  }
  expect(limit.wait('ann')).toBe(30)
  expect(limit.wait('bob')).toBeNull()
  clock.now += 29_999
  expect(limit.wait('ann')).toBe(1)
  clock.now += 1
  expect(limit.wait('ann')).toBeNull()
  limit.note('ann')
  expect(limit.wait('ann')).toBe(10)
})

test('what went well is forgotten', () => {
  const { limit } = at(1, 60_000)
  limit.note('ann')
  expect(limit.wait('ann')).toBe(60)
  limit.forget('ann')
  expect(limit.wait('ann')).toBeNull()
})

test('memory is bounded: of very many, the oldest goes', () => {
  const { limit } = at(1, 60_000)
  for (let n = 0; n <= 10_000; n++) limit.note(`somebody ${n}`)
  expect(limit.wait('somebody 0')).toBeNull()
  expect(limit.wait('somebody 1')).toBe(60)
  expect(limit.wait('somebody 10000')).toBe(60)
})
