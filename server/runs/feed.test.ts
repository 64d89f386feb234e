import { expect, test } from 'vitest'
import { Feed, Feeds } from './feed.ts'
import type { RunEvent } from './kind.ts'

const events = (from: number, to: number, length = 2): RunEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, data: 'x'.repeat(length) }))
const numbers = (some: RunEvent[] | undefined) => some?.map(({ n }) => n)

test('serves readers from its tail, and sends those further back to the table', () => {
  const feed = new Feed('run')
  feed.publish(events(1, 3))
  expect(numbers(feed.after(0))).toEqual([1, 2, 3])
  expect(numbers(feed.after(2))).toEqual([3])
  feed.publish(events(4, 600))
  expect(feed.last).toBe(600)
  expect(feed.after(0)).toBeUndefined()
  expect(feed.after(87)).toBeUndefined()
  expect(numbers(feed.after(88))?.[0]).toBe(89)
  expect(feed.after(88)).toHaveLength(512)
})

test('holds no more than a bounded number of characters', () => {
  const feed = new Feed('run')
  feed.publish(events(1, 4, 100_000))
  expect(numbers(feed.after(2))).toEqual([3, 4])
  expect(feed.after(1)).toBeUndefined()
  feed.publish(events(5, 5, 300_000))
  expect(feed.last).toBe(5)
  expect(feed.after(4)).toBeUndefined()
})

test('hears the same twice, or late, as if once', () => {
  const feed = new Feed('run')
  feed.publish(events(1, 5))
  feed.publish(events(3, 7))
  feed.publish(events(1, 2))
  feed.advance(4, false)
  expect(feed.last).toBe(7)
  expect(numbers(feed.after(0))).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('never shows a tail with a hole in it', () => {
  const feed = new Feed('run')
  feed.publish(events(1, 3))
  feed.advance(10, false)
  expect(feed.after(2)).toBeUndefined()
  feed.publish(events(11, 12))
  expect(feed.after(9)).toBeUndefined()
  expect(numbers(feed.after(10))).toEqual([11, 12])
  feed.publish(events(20, 21))
  expect(feed.after(12)).toBeUndefined()
  expect(numbers(feed.after(19))).toEqual([20, 21])
})

test('wakes its watchers at each change, and stays finished', () => {
  const feed = new Feed('run')
  let woken = 0
  feed.watchers.add(() => void (woken += 1))
  feed.advance(0, false)
  feed.publish(events(1, 1))
  feed.publish(events(1, 1))
  feed.advance(1, true)
  feed.advance(1, false)
  expect(woken).toBe(4)
  expect(feed).toMatchObject({ known: true, last: 1, finished: true })
})

test('is there as long as somebody needs it', () => {
  const feeds = new Feeds()
  const feed = feeds.take('run')
  expect(feeds.take('run')).toBe(feed)
  feeds.letGo('run')
  expect(feeds.get('run')).toBe(feed)
  feeds.letGo('run')
  expect(feeds.get('run')).toBeUndefined()
  expect(feeds.ids()).toEqual([])
})
