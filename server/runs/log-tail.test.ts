import { expect, test } from 'vitest'
import type { RunEvent } from './kind.ts'
import { LogTail, LogTails } from './log-tail.ts'

const events = (from: number, to: number, length = 2): RunEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, data: 'x'.repeat(length) }))
const numbers = (some: RunEvent[] | undefined) => some?.map(({ n }) => n)

test('serves readers from its tail, and sends those further back to the table', () => {
  const feed = new LogTail('run')
  feed.publish(events(1, 3))
  expect(numbers(feed.eventsAfter(0))).toEqual([1, 2, 3])
  expect(numbers(feed.eventsAfter(2))).toEqual([3])
  feed.publish(events(4, 600))
  expect(feed.lastEvent).toBe(600)
  expect(feed.eventsAfter(0)).toBeUndefined()
  expect(feed.eventsAfter(87)).toBeUndefined()
  expect(numbers(feed.eventsAfter(88))?.[0]).toBe(89)
  expect(feed.eventsAfter(88)).toHaveLength(512)
})

test('holds no more than a bounded number of characters', () => {
  const feed = new LogTail('run')
  feed.publish(events(1, 4, 100_000))
  expect(numbers(feed.eventsAfter(2))).toEqual([3, 4])
  expect(feed.eventsAfter(1)).toBeUndefined()
  feed.publish(events(5, 5, 300_000))
  expect(feed.lastEvent).toBe(5)
  expect(feed.eventsAfter(4)).toBeUndefined()
})

test('hears the same twice, or late, as if once', () => {
  const feed = new LogTail('run')
  feed.publish(events(1, 5))
  feed.publish(events(3, 7))
  feed.publish(events(1, 2))
  feed.advance(4, false)
  expect(feed.lastEvent).toBe(7)
  expect(numbers(feed.eventsAfter(0))).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('never shows a tail with a hole in it', () => {
  const feed = new LogTail('run')
  feed.publish(events(1, 3))
  feed.advance(10, false)
  expect(feed.eventsAfter(2)).toBeUndefined()
  feed.publish(events(11, 12))
  expect(feed.eventsAfter(9)).toBeUndefined()
  expect(numbers(feed.eventsAfter(10))).toEqual([11, 12])
  feed.publish(events(20, 21))
  expect(feed.eventsAfter(12)).toBeUndefined()
  expect(numbers(feed.eventsAfter(19))).toEqual([20, 21])
})

test('wakes its watchers at each change, and stays finished', () => {
  const feed = new LogTail('run')
  let woken = 0
  feed.listeners.add(() => void (woken += 1))
  feed.advance(0, false)
  feed.publish(events(1, 1))
  feed.publish(events(1, 1))
  feed.advance(1, true)
  feed.advance(1, false)
  expect(woken).toBe(4)
  expect(feed).toMatchObject({ known: true, last: 1, finished: true })
})

test('is there as long as somebody needs it', () => {
  const feeds = new LogTails()
  const feed = feeds.acquire('run')
  expect(feeds.acquire('run')).toBe(feed)
  feeds.release('run')
  expect(feeds.get('run')).toBe(feed)
  feeds.release('run')
  expect(feeds.get('run')).toBeUndefined()
  expect(feeds.ids()).toEqual([])
})
