import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Feeds } from './feed.ts'
import { newsOf } from './store.ts'

const runsInOneLook = 200
const eventsInOneLook = 256
/** Asks only for a run's state, not for events. */
const beyondAll = 2 ** 31 - 1

export type Tailer = {
  /** Looks into the table what is new in these runs; those that nobody here reads are passed over. */
  look(ids: Iterable<string>): void
}

/**
 * Brings news of runs that other nodes work on: one reader of the table for all readers here, and one statement for
 * all runs that were hinted at while the last one was under way.
 */
export function tailer({ database, feeds, log }: { database: Database; feeds: Feeds; log: Log }): Tailer {
  const wanted = new Set<string>()
  let looking = false

  async function lookOn(): Promise<void> {
    looking = true
    while (wanted.size > 0 && !feeds.closed) {
      const batch = [...wanted].slice(0, runsInOneLook)
      for (const id of batch) wanted.delete(id)
      try {
        await lookAt(batch)
      } catch (error) {
        log.warn({ err: error }, 'news of runs could not be read; trying again')
        for (const id of batch) wanted.add(id)
        await pause(250)
      }
    }
    looking = false
  }

  async function lookAt(ids: string[]): Promise<void> {
    const known = ids.flatMap((id) => {
      const feed = feeds.get(id)
      return feed ? [{ id, after: feed.known ? feed.last : beyondAll }] : []
    })
    if (known.length === 0) return
    const news = await newsOf(database.db, known, eventsInOneLook)
    for (const { id } of known) {
      const feed = feeds.get(id)
      const fresh = news.get(id)
      if (fresh) {
        feed?.publish(fresh.events)
        feed?.advance(fresh.last, fresh.status !== 'running')
      } else feed?.advance(feed.last, true)
    }
  }

  return {
    look(ids) {
      for (const id of ids) if (feeds.get(id)) wanted.add(id)
      if (!looking && wanted.size > 0) void lookOn()
    },
  }
}
