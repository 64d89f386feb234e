import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { LogTails } from './log-tail.ts'
import type { Notifications } from './notifications.ts'
import type { OwnedRun } from './owned-run.ts'
import { type Append, listStates, type RunState } from './store.ts'

const transientCodes = new Set([
  'database_away',
  'database_busy',
  'database_conflict',
  'database_timeout',
  'insufficient_storage',
])
const firstRetryMs = 50
const maxRetryMs = 1_000

/** Whether the same statement may succeed later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof AppError && transientCodes.has(error.code)

/** Dependencies shared by the parts of a node that write logs. */
export type LogAccess = {
  database: Database
  tails: LogTails
  notifications: Notifications
  log: Log
  leaseMs: number
  /** Aborts when nothing can be stored any longer. */
  giveUp: AbortSignal
  /** This node no longer owns the run. */
  onLost: (run: OwnedRun) => void
}

/** The database did not become available before this node shut down. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
}

/**
 * Appends to logs until the result is certain: returns the runs that were written; this node no longer owns the others.
 * After a lost connection it is unknown whether the commit happened, so the same write is sent again, and the state of
 * each run that then refuses it is read: only the owner writes under its attempt, so a log that ends exactly where this
 * write would end contains it.
 */
export async function persist<Written extends { has(id: string): boolean }>(
  database: Database,
  appends: Append[],
  write: () => Promise<Written>,
  isWritten: (state: RunState, append: Append) => boolean,
  on: { giveUp: AbortSignal; retry: (error: unknown) => void },
): Promise<{ written: Written; ids: Set<string> }> {
  let isUncertain = false
  for (let failures = 0; ; ) {
    try {
      const written = await write()
      const ids = new Set(appends.flatMap(({ id }) => (written.has(id) ? [id] : [])))
      const missing = appends.filter(({ id }) => !ids.has(id))
      if (isUncertain && missing.length > 0) {
        const found = await listStates(
          database.db,
          missing.map(({ id }) => id),
        )
        const states = new Map(found.map((state) => [state.id, state]))
        for (const append of missing) {
          const state = states.get(append.id)
          if (state && state.attempt === append.attempt && isWritten(state, append)) ids.add(append.id)
        }
      }
      return { written, ids }
    } catch (error) {
      if (!isTransient(error)) throw error
      isUncertain = true
      on.retry(error)
      const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** failures)
      failures += 1
      await pause(delayMs * (0.5 + Math.random() / 2), undefined, { signal: on.giveUp }).catch(() => {})
      if (on.giveUp.aborted)
        throw new DatabaseUnavailableError('The database did not become available in time.', { cause: error })
    }
  }
}

/** The number of the last event of a log after an append. */
export const lastEventOf = ({ expected, events }: Append): number => expected + events.length
