import { describe, expect, test, vi } from 'vitest'
import { inAdaptiveBatches } from './adaptive-batches.ts'
import { gathering } from './gathering.ts'
import { throttledProgress } from './progress.ts'
import { assignSections } from './sections.ts'

const { signal } = new AbortController()

describe('adaptive batches', () => {
  test('contain every item once and in order, and grow or shrink with the speed of the work', async () => {
    const items = Array.from({ length: 400 }, (_, i) => i)
    let now = 0
    let perItem = 0.1
    const batches: number[][] = []
    await inAdaptiveBatches(
      items,
      async (batch) => {
        batches.push(batch)
        if (batches.flat().length > 200) perItem = 20
        now += batch.length * perItem
      },
      signal,
      () => now,
    )
    expect(batches.flat()).toEqual(items)
    const sizes = batches.map((batch) => batch.length)
    expect(Math.max(...sizes)).toBe(64)
    expect(sizes.at(-2)).toBe(2)
  })

  test('end when the signal aborts', async () => {
    const stop = new AbortController()
    const done: number[] = []
    const work = inAdaptiveBatches(
      Array.from({ length: 100 }, (_, i) => i),
      async (batch) => {
        done.push(...batch)
        stop.abort(new Error('stopped'))
      },
      stop.signal,
    )
    await expect(work).rejects.toThrow('stopped')
    expect(done).toHaveLength(5)
  })
})

describe('sections', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ')

  test('are the pages of a document', () => {
    const passages = [1, 1, 2, 3, 3].map((page) => ({ page, text: words(100) }))
    expect(assignSections(passages)).toEqual([1, 1, 2, 3, 3])
  })

  test('divide a long text without pages evenly', () => {
    const passages = Array.from({ length: 20 }, () => ({ page: null, text: words(100) }))
    expect(assignSections(passages)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4])
    expect(assignSections([])).toEqual([])
    expect(assignSections([{ page: null, text: '' }])).toEqual([1])
  })
})

describe('progress', () => {
  test('is reported at the end of a stage and at most every 250 ms before', async () => {
    const reported: unknown[] = []
    let now = 0
    const progress = throttledProgress(
      'a.pdf',
      async (event) => void reported.push(event['completed']),
      () => now,
    )
    for (let done = 0; done <= 1_000; done++) {
      now += 1
      progress.report('store', 'Stored', done, 1_000)
    }
    const held = await progress.take()
    expect(held.map((event) => event['completed'])).toEqual([undefined, 0, 250, 500, 750, 1_000])
    expect(reported).toEqual([])
  })

  test('rejects with the error of a failed report', async () => {
    vi.useFakeTimers()
    const progress = throttledProgress(
      'a.pdf',
      async () => Promise.reject(new Error('the log is unavailable')),
      () => 0,
    )
    vi.advanceTimersByTime(100)
    vi.useRealTimers()
    progress.report('parse', 'Read', 1, 1)
    await expect(progress.take()).rejects.toThrow('the log is unavailable')
  })
})

describe('a gathering', () => {
  test('proceeds when nobody is missing', async () => {
    const { join } = gathering(2 ** 31 - 1)
    const [one, other, failing] = [join(), join(), join()]
    const order: string[] = []
    const waiting = [one.wait().then(() => order.push('one')), other.wait().then(() => order.push('other'))]
    await Promise.resolve()
    expect(order).toEqual([])
    failing.leave()
    failing.leave()
    await Promise.all(waiting)
    expect(order).toEqual(['one', 'other'])
    await join().wait()
  })

  test('waits no longer than its time for a participant who does not come', async () => {
    vi.useFakeTimers()
    const { join } = gathering(25)
    join()
    const waiting = join().wait()
    vi.advanceTimersByTime(25)
    vi.useRealTimers()
    await waiting
  })
})
