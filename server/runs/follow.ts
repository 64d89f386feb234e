import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { runEventsExpired } from './errors.ts'
import type { RunEvent } from './kind.ts'
import type { LogTails } from './log-tail.ts'
import { isTransient } from './persist.ts'
import type { RemoteReader } from './remote-reader.ts'
import { listEventsAfter } from './store.ts'

const pageLimits = { events: 256, characters: 256 * 1024 }
const retryMs = 250

/**
 * One reader of one log, as a single loop:
 *
 *     committed events after the cursor? ── yes ─→ yield them, move the cursor ─┐
 *        ↑        │ no                                                          │
 *        │        ├─ the log has ended: return                                  │
 *        └────────┴─ wait for a change of the tail ←────────────────────────────┘
 *
 * Replay and live events come from the same loop, so no event is lost between them. A reader that is up to date reads
 * from the tail, any other from the table; a reader holds only its cursor and one batch.
 */
export async function* follow(
  { database, tails, remoteReader }: { database: Database; tails: LogTails; remoteReader: RemoteReader },
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent[], void, void> {
  const tail = tails.acquire(id)
  tails.readerCount += 1
  let cursor = after
  let wake = () => {}
  const listener = () => wake()
  tail.listeners.add(listener)
  signal.addEventListener('abort', listener)
  try {
    if (!tail.isKnown) remoteReader.refresh([id])
    while (!signal.aborted && !tails.isClosed) {
      if (tail.isKnown && tail.lastEvent > cursor) {
        const events = tail.eventsAfter(cursor) ?? (await readPage(database, id, cursor, signal))
        if (!events) continue
        if (events[0]?.n !== cursor + 1) throw runEventsExpired(id)
        cursor += events.length
        yield events
      } else if (tail.isFinished) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    tail.listeners.delete(listener)
    signal.removeEventListener('abort', listener)
    tails.release(id)
    tails.readerCount -= 1
  }
}

/** Returns undefined, after a pause, when the database is unavailable: the caller then retries. */
async function readPage(
  database: Database,
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<RunEvent[] | undefined> {
  try {
    return await listEventsAfter(database.db, id, after, pageLimits)
  } catch (error) {
    if (!isTransient(error)) throw error
    await pause(retryMs, undefined, { signal }).catch(() => {})
    return undefined
  }
}
