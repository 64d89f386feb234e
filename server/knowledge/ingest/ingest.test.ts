import { describe, expect, test } from 'vitest'
import { inAdaptiveBatches } from './adaptive-batches.ts'
import { throttledProgress } from './progress.ts'
import { assignSections } from './sections.ts'

const { signal } = new AbortController()

describe('small steps', () => {
  test('take every item once and in order, and grow or shrink with the store', async () => {
    const items = Array.from({ length: 400 }, (_, i) => i)
    let now = 0
    let perItem = 0.1
    const steps: number[][] = []
    await inAdaptiveBatches(
      items,
      async (step) => {
        steps.push(step)
        if (steps.flat().length > 200) perItem = 20
        now += step.length * perItem
      },
      signal,
      () => now,
    )
    expect(steps.flat()).toEqual(items)
    const sizes = steps.map((step) => step.length)
    expect(Math.max(...sizes)).toBe(64)
    expect(sizes.at(-2)).toBe(2)
  })

  test('end with the signal', async () => {
    const stop = new AbortController()
    const done: number[] = []
    const work = inAdaptiveBatches(
      Array.from({ length: 100 }, (_, i) => i),
      async (step) => {
        done.push(...step)
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

  test('are pages', () => {
    const passages = [1, 1, 2, 3, 3].map((page) => ({ page, text: words(100) }))
    expect(assignSections(passages)).toEqual([1, 1, 2, 3, 3])
  })

  test('share a long text without pages evenly', () => {
    const passages = Array.from({ length: 20 }, () => ({ page: null, text: words(100) }))
    expect(assignSections(passages)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4])
    expect(assignSections([])).toEqual([])
    expect(assignSections([{ page: null, text: '' }])).toEqual([1])
  })
})

describe('progress', () => {
  test('tells the end of a stage and, between, no more than a person can read', async () => {
    const told: unknown[] = []
    let now = 0
    const progress = throttledProgress(
      'a.pdf',
      async (event) => void told.push(event['completed']),
      () => now,
    )
    for (let done = 0; done <= 1_000; done++) {
      now += 1
      progress.report('store', 'Stored', done, 1_000)
    }
    await progress.flush()
    expect(told).toEqual([0, 250, 500, 750, 1_000])
  })

  test('lets out what went wrong while telling', async () => {
    const progress = throttledProgress(
      'a.pdf',
      async () => Promise.reject(new Error('the log is gone')),
      () => 0,
    )
    progress.report('parse', 'Read', 1, 1)
    await expect(progress.flush()).rejects.toThrow('the log is gone')
  })
})
