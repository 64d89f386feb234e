import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createProgressThrottle } from './pulls.ts'

type Progress = { status: string; digest?: string; total?: number; completed?: number }

const through = (events: (Progress & { at: number })[]) => {
  const thinned = createProgressThrottle()
  return events.flatMap(({ at, ...event }) => thinned.take(event, at))
}

describe('a download’s progress', () => {
  test('is limited to about ten events per second and file', () => {
    const events = Array.from({ length: 1_000 }, (_, i) => ({
      status: 'pulling a',
      digest: 'a',
      total: 1_000,
      completed: i + 1,
      at: i,
    }))
    const passed = through(events)
    expect(passed).toHaveLength(11)
    expect(passed[0]).toMatchObject({ completed: 1 })
    expect(passed.at(-1)).toMatchObject({ completed: 1_000 })
  })

  test('keeps the first and the last object of each file and everything that is not progress', () => {
    const file = fc.record({
      digest: fc.constantFrom('a', 'b', 'c'),
      steps: fc.array(fc.nat(100), { maxLength: 20 }),
    })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(file, fc.constantFrom('pulling manifest', 'writing manifest')), { maxLength: 8 }),
        (parts) => {
          const events = parts.flatMap((part): Progress[] =>
            typeof part === 'string'
              ? [{ status: part }]
              : part.steps.map((completed) => ({
                  status: 'pulling',
                  digest: part.digest,
                  total: 200,
                  completed,
                })),
          )
          const timed = [...events, { status: 'success' }].map((event, at) => ({ ...event, at }))
          const passed = through(timed)
          const all = timed.map(({ at: _, ...event }) => event)
          // The result is a subsequence of the input.
          let from = 0
          for (const event of passed) {
            const at = all.findIndex((its, i) => i >= from && JSON.stringify(its) === JSON.stringify(event))
            expect(at).toBeGreaterThanOrEqual(from)
            from = at + 1
          }
          expect(passed.filter(({ digest }) => !digest)).toEqual(all.filter(({ digest }) => !digest))
          const borders = all.filter(
            (event, i) => event.digest !== all[i - 1]?.digest || event.digest !== all[i + 1]?.digest,
          )
          expect(passed).toEqual(expect.arrayContaining(borders))
        },
      ),
    )
  })
})
