import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from '../db/index.ts'
import type { RunEvent } from './kind.ts'
import type { OwnedRun, QueuedEvent } from './owned-run.ts'
import { type LogAccess, lastEventOf, persist } from './persist.ts'
import { type Append, appendEvents } from './store.ts'

/** Limits of one commit; the rest is first in the next one. */
const maxEvents = 4096
const maxEventsPerRun = 512
const retryMs = 250

type BatchEntry = Append & { run: OwnedRun; queued: QueuedEvent[] }

/**
 * The only writer of events on this node: group commit.
 *
 *     a run has events ─→ due ─→ one statement for all due runs ─→ committed ─→ readers
 *                          ↑                                          │
 *                          └── events that arrived meanwhile ←────────┘
 *
 * A single event is committed at once; under load commits become larger instead of more frequent. Events reach the
 * tails only after their commit: no reader sees an event that a crash could undo.
 */
export function createWriter({
  database,
  tails,
  notifications,
  log,
  leaseMs,
  giveUp,
  onLost,
  onRejected,
}: LogAccess & {
  /** The database rejects the events of this run, so a retry would fail too. */
  onRejected: (run: OwnedRun, error: unknown) => void
}) {
  const due = new Set<OwnedRun>()
  let writing: Promise<void> | undefined
  let eventCount = 0
  let commitCount = 0

  function add(run: OwnedRun): void {
    if (run.isReleased) return
    due.add(run)
    writing ??= writeLoop()
  }

  async function writeLoop(): Promise<void> {
    // Events emitted in the same tick belong to the same commit.
    await Promise.resolve()
    while (due.size > 0 && !giveUp.aborted) {
      try {
        // With a dedicated connection, commits do not queue behind requests; the embedded database has only one.
        if (database.kind === 'embedded') await writeOnConnection(database.db)
        else await database.db.connection().execute(writeOnConnection)
      } catch (error) {
        logRetry(error)
        await pause(retryMs, undefined, { signal: giveUp }).catch(() => {})
      }
    }
    writing = undefined
  }

  /** Writes until nothing is due or the connection is lost. */
  async function writeOnConnection(on: Db): Promise<void> {
    let isLost = false
    const onConnectionLost = () => {
      isLost = true
    }
    while (due.size > 0 && !isLost && !giveUp.aborted) {
      const batch = nextBatch()
      if (batch.length > 0) await commitBatch(batch, on, onConnectionLost)
    }
  }

  const logRetry = (error: unknown) => log.warn({ err: error }, 'could not write events; retrying')

  function nextBatch(): BatchEntry[] {
    const batch: BatchEntry[] = []
    const unfinished: OwnedRun[] = []
    let capacity = maxEvents
    for (const run of due) {
      if (capacity === 0) break
      due.delete(run)
      if (run.isReleased || run.isExclusive || run.isCommitting) continue
      const queued = run.dequeue(Math.min(capacity, maxEventsPerRun))
      capacity -= queued.length
      if (run.hasQueued()) unfinished.push(run)
      run.isCommitting = true
      batch.push({
        id: run.id,
        attempt: run.record.attempt,
        expected: run.lastCommitted,
        events: run.toEvents(queued),
        run,
        queued,
      })
    }
    for (const run of unfinished) due.add(run)
    // All writers lock rows in the same order.
    return batch.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  }

  async function commitBatch(batch: BatchEntry[], on: Db, onConnectionLost: () => void): Promise<void> {
    try {
      await commit(batch, on, onConnectionLost)
    } catch (error) {
      if (giveUp.aborted) for (const { run, queued } of batch) run.requeue(queued)
      else if (batch.length > 1) for (const entry of batch) await commitBatch([entry], on, onConnectionLost)
      else for (const { run } of batch) onRejected(run, error)
    } finally {
      for (const { run } of batch) run.endCommit()
    }
  }

  async function commit(batch: BatchEntry[], on: Db, onConnectionLost: () => void): Promise<void> {
    const extended = batch.filter((entry) => entry.events.length > 0).map(({ id }) => id)
    const payloads = extended.length > 0 ? notifications.payloadsFor({ events: extended }) : []
    let connection = on
    const { written, ids } = await persist(
      database,
      batch,
      async () => appendEvents(connection, batch, { ms: leaseMs }, payloads),
      (state, append) => state.status === 'running' && state.last_event === lastEventOf(append),
      {
        giveUp,
        retry(error) {
          logRetry(error)
          connection = database.db
          onConnectionLost()
        },
      },
    )
    commitCount += 1
    for (const entry of batch) {
      if (ids.has(entry.id)) publish(entry.run, entry.queued, entry.events)
      else onLost(entry.run)
      if (written.get(entry.id)?.stopRequested) entry.run.abort('stopped')
    }
  }

  function publish(run: OwnedRun, queued: QueuedEvent[], events: RunEvent[]): void {
    eventCount += events.length
    run.markCommitted(queued, events)
    tails.get(run.id)?.publish(events)
  }

  return {
    /** Schedules a run whose queue has events, or whose lease is to be renewed. */
    add,
    /** Resolves when no commit is running or due. */
    async idle(): Promise<void> {
      while (writing) await writing
    },
    stats: () => ({ events: eventCount, commits: commitCount }),
  }
}
export type Writer = ReturnType<typeof createWriter>
