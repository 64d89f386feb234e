import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { runEventsExpired } from './errors.ts'
import type { Feeds } from './feed.ts'
import type { RunEvent } from './kind.ts'
import { isTransient } from './persist.ts'
import { eventsAfter } from './store.ts'
import type { Tailer } from './tailer.ts'

const page = { events: 256, characters: 256 * 1024 }

/**
 * One reader of one log, as a single loop:
 *
 *     committed events after my cursor? ── yes ─→ hand them over, move the cursor ─┐
 *        ↑        │ no                                                             │
 *        │        ├─ the log has ended: done                                       │
 *        └────────┴─ wait for a change of the feed ←──────────────────────────────┘
 *
 * There is no replay that hands over to a live phase, so nothing can fall between the two. A reader that is up to date
 * is served from the feed's tail, any other from the table; what it holds is its cursor and the batch in its hands.
 */
export async function* follow(
  { database, feeds, tailer }: { database: Database; feeds: Feeds; tailer: Tailer },
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent[], void, void> {
  const feed = feeds.take(id)
  feeds.readers += 1
  let cursor = after
  let wake = () => {}
  const watcher = () => wake()
  feed.watchers.add(watcher)
  signal.addEventListener('abort', watcher)
  try {
    if (!feed.known) tailer.look([id])
    while (!signal.aborted && !feeds.closed) {
      if (feed.known && feed.last > cursor) {
        const events = feed.after(cursor) ?? (await read(database, id, cursor, signal))
        if (!events) continue
        if (events[0]?.n !== cursor + 1) throw runEventsExpired(id)
        cursor += events.length
        yield events
      } else if (feed.finished) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    feed.watchers.delete(watcher)
    signal.removeEventListener('abort', watcher)
    feeds.letGo(id)
    feeds.readers -= 1
  }
}

/** Undefined when the database was away: the reader stays, and looks again after a moment. */
async function read(
  database: Database,
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<RunEvent[] | undefined> {
  try {
    return await eventsAfter(database.db, id, after, page)
  } catch (error) {
    if (!isTransient(error)) throw error
    await pause(250, undefined, { signal }).catch(() => {})
    return undefined
  }
}
