import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { LogTails } from './log-tail.ts'
import { listProgress } from './store.ts'

const maxRuns = 200
const maxEvents = 256
const retryMs = 250
/** Greater than every event number, to read only the state of a run. */
const stateOnly = 2 ** 31 - 1

/**
 * Updates the tails of runs that other nodes work on: one reader of the table for all readers on this node. Runs that
 * are requested while a statement is running are read together by the next one.
 */
export function createRemoteReader({
  database,
  tails,
  log,
}: {
  database: Database
  tails: LogTails
  log: Log
}) {
  const requested = new Set<string>()
  let isReading = false

  async function readLoop(): Promise<void> {
    isReading = true
    while (requested.size > 0 && !tails.isClosed) {
      const batch = [...requested].slice(0, maxRuns)
      for (const id of batch) requested.delete(id)
      try {
        await readBatch(batch)
      } catch (error) {
        log.warn({ err: error }, 'could not read the progress of runs on other nodes; retrying')
        for (const id of batch) requested.add(id)
        await pause(retryMs)
      }
    }
    isReading = false
  }

  async function readBatch(ids: string[]): Promise<void> {
    const cursors = ids.flatMap((id) => {
      const tail = tails.get(id)
      return tail ? [{ id, after: tail.isKnown ? tail.lastEvent : stateOnly }] : []
    })
    if (cursors.length === 0) return
    const progress = await listProgress(database.db, cursors, maxEvents)
    for (const { id } of cursors) {
      const tail = tails.get(id)
      const read = progress.get(id)
      if (read) {
        tail?.publish(read.events)
        tail?.advance(read.lastEvent, read.status !== 'running')
      } else tail?.advance(tail.lastEvent, true)
    }
  }

  return {
    /** Reads new events of these runs from the table; ignores runs without a reader on this node. */
    refresh(ids: Iterable<string>): void {
      for (const id of ids) if (tails.get(id)) requested.add(id)
      if (!isReading && requested.size > 0) void readLoop()
    },
  }
}
export type RemoteReader = ReturnType<typeof createRemoteReader>
