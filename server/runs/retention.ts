import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { deleteEvents, deleteExpiredRuns, listRunsToExpire, markExpired } from './store.ts'

/** The maximum number of events per step, so that other statements wait for only a few milliseconds. */
const maxRuns = 20
const maxEvents = 500
/** The pause after a step, as a multiple of its duration: retention takes a fifth of the database's time at most. */
const pauseFactor = 4
const minPauseMs = 10

export type Retention = {
  /** How long the events of a finished run are kept. */
  eventsMs: number
  /** How long a finished run is kept, and with it its idempotency key; never shorter than its events. */
  runsMs: number
}

/** Deletes expired events and runs, in small steps. */
export async function prune(database: Database, retention: Retention, signal: AbortSignal): Promise<void> {
  const { db } = database
  const expireEvents = async () => {
    const runs = await listRunsToExpire(db, retention.eventsMs, maxRuns)
    if (runs.length === 0) return false
    // Events are deleted in order: a reader that starts at event 1 then gets 410 instead of a part of the log.
    if ((await deleteEvents(db, runs, maxEvents)) < maxEvents) await markExpired(db, runs)
    return true
  }
  const deleteRuns = async () =>
    (await deleteExpiredRuns(db, Math.max(retention.runsMs, retention.eventsMs), maxRuns)) > 0

  for (const step of [expireEvents, deleteRuns])
    for (let isMore = true; isMore; ) {
      const started = performance.now()
      isMore = await step()
      await pause(Math.max(pauseFactor * (performance.now() - started), minPauseMs), undefined, { signal })
    }
}
