import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import { expireEvents } from './store.ts'

const everyMs = 10 * 60 * 1000
/** Small, so that other work gets its turn between two batches. */
const runsInOneBatch = 20

/** Deletes the events of runs that ended longer ago than `keepMs`, now and every ten minutes. Returns how to end that. */
export function retention({
  database,
  log,
  keepMs,
}: {
  database: Database
  log: Log
  keepMs: number
}): () => Promise<void> {
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let busy = Promise.resolve()

  async function tidy(): Promise<void> {
    try {
      while (!closed && (await expireEvents(database.db, keepMs, runsInOneBatch)) === runsInOneBatch);
    } catch (error) {
      log.warn({ err: error }, 'events of old runs could not be deleted; trying again later')
    }
    if (!closed) timer = setTimeout(begin, everyMs)
  }
  const begin = () => {
    busy = tidy()
  }
  begin()

  return async () => {
    closed = true
    clearTimeout(timer)
    await busy
  }
}
