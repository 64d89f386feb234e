import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { AppError } from '../errors.ts'
import { type Append, type RunState, statesOf } from './store.ts'

const passing = new Set(['database_away', 'database_busy', 'database_conflict', 'database_timeout'])

/** Whether the same statement may well succeed later. */
export const isTransient = (error: unknown): boolean => error instanceof AppError && passing.has(error.code)

/** Thrown when the database did not come back before this node had to go. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp'
}

/**
 * Writes to the ends of logs until it is certain what became of each: returns the runs that are written, the others
 * are no longer their owner's to write. A lost connection leaves open whether its commit happened, so the same write
 * is sent again, and a run that it then does not fit is looked at: under the same attempt nobody but this owner writes,
 * so a log that already stands at the end of this write holds it.
 */
export async function persist<Written extends { has(id: string): boolean }>(
  database: Database,
  appends: Append[],
  write: () => Promise<Written>,
  done: (state: RunState, append: Append) => boolean,
  on: { giveUp: AbortSignal; retry: (error: unknown) => void },
): Promise<{ written: Written; ids: Set<string> }> {
  let unsure = false
  for (let failures = 0; ; ) {
    try {
      const written = await write()
      const ids = new Set(appends.flatMap(({ id }) => (written.has(id) ? [id] : [])))
      const missing = appends.filter(({ id }) => !ids.has(id))
      if (unsure && missing.length > 0) {
        const states = new Map(
          (
            await statesOf(
              database.db,
              missing.map(({ id }) => id),
            )
          ).map((state) => [state.id, state]),
        )
        for (const append of missing) {
          const state = states.get(append.id)
          if (state && state.attempt === append.attempt && done(state, append)) ids.add(append.id)
        }
      }
      return { written, ids }
    } catch (error) {
      if (!isTransient(error)) throw error
      unsure = true
      on.retry(error)
      failures += 1
      const longest = Math.min(1000, 25 * 2 ** failures)
      await pause(longest * (0.5 + Math.random() / 2), undefined, { signal: on.giveUp }).catch(() => {})
      if (on.giveUp.aborted) throw new GaveUp('the database did not come back in time', { cause: error })
    }
  }
}

export const lastOf = ({ expected, events }: Append): number => expected + events.length
