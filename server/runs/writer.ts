import { setTimeout as pause } from 'node:timers/promises'
import type { Database, Db } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Feeds } from './feed.ts'
import type { Hints } from './hints.ts'
import type { RunEvent } from './kind.ts'
import type { OwnedRun, Pending } from './owned-run.ts'
import { lastOf, persist } from './persist.ts'
import { type Append, appendEvents } from './store.ts'

/** One commit takes no more than this; what is left over comes first in the next. */
const maxEvents = 4096
const maxEventsOfOne = 512

type Part = Append & { run: OwnedRun; taken: Pending[] }

export type Writer = {
  /** The run has events for the log, or its lease is to be renewed. */
  add(run: OwnedRun): void
  /** Resolves when no commit is under way and none is due. */
  idle(): Promise<void>
  stats(): { events: number; commits: number }
}

export type WriterParts = {
  database: Database
  feeds: Feeds
  hints: Hints
  log: Log
  leaseMs: number
  giveUp: AbortSignal
  /** The run is not this node's any more. */
  lost: (run: OwnedRun) => void
  /** The database refuses what this run wants to write, and will refuse it again. */
  refused: (run: OwnedRun, error: unknown) => void
}

/**
 * The node's one writer of events: group commit.
 *
 *     a run has events ─→ due ─→ one statement for all that are due ─→ committed ─→ readers
 *                          ↑                                             │
 *                          └── what came meanwhile goes with the next ←──┘
 *
 * Alone, an event waits for nothing and costs one commit; under load the commits stay as many and grow. Events reach
 * the feeds only when their commit is certain: no reader ever sees what a crash could take back.
 */
export function writer(parts: WriterParts): Writer {
  const { database, feeds, hints, log, leaseMs } = parts
  const due = new Set<OwnedRun>()
  let busy: Promise<void> | undefined
  let events = 0
  let commits = 0

  function add(run: OwnedRun): void {
    if (run.gone) return
    due.add(run)
    busy ??= writeOn()
  }

  async function writeOn(): Promise<void> {
    // What the same tick still says goes into the same commit.
    await Promise.resolve()
    while (due.size > 0 && !parts.giveUp.aborted) {
      try {
        // With a connection of its own it does not queue behind requests at each commit; embedded there is only one.
        if (database.kind === 'embedded') await writeAll(database.db)
        else await database.db.connection().execute(writeAll)
      } catch (error) {
        retrying(error)
        await pause(250, undefined, { signal: parts.giveUp }).catch(() => {})
      }
    }
    busy = undefined
  }

  /** Writes until nothing is due, or the connection is lost. */
  async function writeAll(on: Db): Promise<void> {
    let isLost = false
    const lose = () => {
      isLost = true
    }
    while (due.size > 0 && !isLost && !parts.giveUp.aborted) {
      const batch = takeDue()
      if (batch.length > 0) await commitAll(batch, on, lose)
    }
  }

  const retrying = (error: unknown) => log.warn({ err: error }, 'events could not be written; trying again')

  function takeDue(): Part[] {
    const batch: Part[] = []
    const left: OwnedRun[] = []
    let room = maxEvents
    for (const run of due) {
      if (room === 0) break
      due.delete(run)
      if (run.gone || run.held || run.inCommit) continue
      const taken = run.take(Math.min(room, maxEventsOfOne))
      room -= taken.length
      if (run.hasQueue()) left.push(run)
      run.inCommit = true
      batch.push({
        id: run.id,
        attempt: run.record.attempt,
        expected: run.committed,
        events: run.number(taken),
        run,
        taken,
      })
    }
    for (const run of left) due.add(run)
    // Rows are locked in one order by everybody.
    return batch.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  }

  async function commitAll(batch: Part[], on: Db, lose: () => void): Promise<void> {
    try {
      await commit(batch, on, lose)
    } catch (error) {
      if (parts.giveUp.aborted) for (const { run, taken } of batch) run.giveBack(taken)
      else if (batch.length > 1) for (const part of batch) await commitAll([part], on, lose)
      else for (const { run } of batch) parts.refused(run, error)
    } finally {
      for (const { run } of batch) run.leftCommit()
    }
  }

  async function commit(batch: Part[], on: Db, lose: () => void): Promise<void> {
    const told = batch.filter((part) => part.events.length > 0).map(({ id }) => id)
    const payloads = told.length > 0 ? hints.about({ events: told }) : []
    let connection = on
    const { written, ids } = await persist(
      database,
      batch,
      async () => appendEvents(connection, batch, { ms: leaseMs }, payloads),
      (state, append) => state.status === 'running' && state.last_event === lastOf(append),
      {
        giveUp: parts.giveUp,
        retry(error) {
          retrying(error)
          connection = database.db
          lose()
        },
      },
    )
    commits += 1
    for (const part of batch) {
      if (ids.has(part.id)) wrote(part.run, part.taken, part.events)
      else parts.lost(part.run)
      if (written.get(part.id)?.stopRequested) part.run.abort('stopped')
    }
  }

  function wrote(run: OwnedRun, taken: Pending[], fresh: RunEvent[]): void {
    events += fresh.length
    run.wrote(taken, fresh)
    feeds.get(run.id)?.publish(fresh)
  }

  return {
    add,
    async idle() {
      while (busy) await busy
    },
    stats: () => ({ events, commits }),
  }
}
