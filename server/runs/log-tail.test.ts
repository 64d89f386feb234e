import { expect, test } from 'vitest'
import type { RunEvent } from './kind.ts'
import { LogTail, LogTails } from './log-tail.ts'

const events = (from: number, to: number, length = 2): RunEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, data: 'x'.repeat(length) }))
const numbers = (some: RunEvent[] | undefined) => some?.map(({ n }) => n)

test('returns the events of the tail, and undefined for earlier cursors', () => {
  const tail = new LogTail('run')
  tail.publish(events(1, 3))
  expect(numbers(tail.eventsAfter(0))).toEqual([1, 2, 3])
  expect(numbers(tail.eventsAfter(2))).toEqual([3])
  tail.publish(events(4, 600))
  expect(tail.lastEvent).toBe(600)
  expect(tail.eventsAfter(0)).toBeUndefined()
  expect(tail.eventsAfter(87)).toBeUndefined()
  expect(numbers(tail.eventsAfter(88))?.[0]).toBe(89)
  expect(tail.eventsAfter(88)).toHaveLength(512)
})

test('contains no more than a bounded number of characters', () => {
  const tail = new LogTail('run')
  tail.publish(events(1, 4, 100_000))
  expect(numbers(tail.eventsAfter(2))).toEqual([3, 4])
  expect(tail.eventsAfter(1)).toBeUndefined()
  tail.publish(events(5, 5, 300_000))
  expect(tail.lastEvent).toBe(5)
  expect(tail.eventsAfter(4)).toBeUndefined()
})

test('ignores repeated and outdated reports', () => {
  const tail = new LogTail('run')
  tail.publish(events(1, 5))
  tail.publish(events(3, 7))
  tail.publish(events(1, 2))
  tail.advance(4, false)
  expect(tail.lastEvent).toBe(7)
  expect(numbers(tail.eventsAfter(0))).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('never returns events with a gap', () => {
  const tail = new LogTail('run')
  tail.publish(events(1, 3))
  tail.advance(10, false)
  expect(tail.eventsAfter(2)).toBeUndefined()
  tail.publish(events(11, 12))
  expect(tail.eventsAfter(9)).toBeUndefined()
  expect(numbers(tail.eventsAfter(10))).toEqual([11, 12])
  tail.publish(events(20, 21))
  expect(tail.eventsAfter(12)).toBeUndefined()
  expect(numbers(tail.eventsAfter(19))).toEqual([20, 21])
})

test('calls its listeners at each change, and stays finished', () => {
  const tail = new LogTail('run')
  let calls = 0
  tail.listeners.add(() => void (calls += 1))
  tail.advance(0, false)
  tail.publish(events(1, 1))
  tail.publish(events(1, 1))
  tail.advance(1, true)
  tail.advance(1, false)
  expect(calls).toBe(4)
  expect(tail).toMatchObject({ isKnown: true, lastEvent: 1, isFinished: true })
})

test('is kept until it has been released as often as it was acquired', () => {
  const tails = new LogTails()
  const tail = tails.acquire('run')
  expect(tails.acquire('run')).toBe(tail)
  tails.release('run')
  expect(tails.get('run')).toBe(tail)
  tails.release('run')
  expect(tails.get('run')).toBeUndefined()
  expect(tails.ids()).toEqual([])
})
