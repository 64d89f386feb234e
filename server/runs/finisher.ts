import type { Failure, RunStatus } from '../../contract/runs.ts'
import type { Trx } from '../db/index.ts'
import { toFailure } from '../errors.ts'
import { unknownKind } from './errors.ts'
import type { GroupTransactions } from './group-transactions.ts'
import type { Batch, Closing, Completion, EventBody, RunEvent, RunRecord } from './kind.ts'
import { encode, type OwnedRun, RunInterrupted } from './owned-run.ts'
import { DatabaseUnavailableError, type LogAccess, lastEventOf, persist } from './persist.ts'
import { type Append, appendEvents, finishRuns, listEvents } from './store.ts'

export type Outcome = { status: 'complete'; completion: Completion } | Closing

/** What one run writes in a transaction. `written` are its events in the last attempt. */
type Part = { record: RunRecord; append: Append; item: unknown; written?: RunEvent[] | undefined }

/**
 * One way to write runs, after which they have this status. `write` returns the events of each part; undefined when
 * another process owns its run. Parts with the same key can be written together.
 */
type Writing = {
  status: RunStatus
  key: unknown
  write: (trx: Trx, parts: Part[]) => Promise<(RunEvent[] | undefined)[]>
}

/** Called in the transaction that ends runs. */
export type FinishListener = (trx: Trx, runs: RunRecord[], status: RunStatus) => Promise<void>

/**
 * Commits the events of runs together with rows, in one transaction that only the current owner of a run can commit, and
 * ends runs in the same way. A run ends even if its kind throws:
 *
 *     complete ──store throws──→ failed, closed by its kind ──close throws──→ failed, with the error alone
 *     stopped ───close throws──────────────────────────────────────────────────↗
 */
export function createFinisher({
  database,
  groups,
  tails,
  notifications,
  log,
  leaseMs,
  giveUp,
  onLost,
  onFinished,
  listeners,
}: LogAccess & {
  groups: GroupTransactions
  onFinished: (run: OwnedRun) => void
  listeners: FinishListener[]
}) {
  async function finish(run: OwnedRun, outcome: Outcome): Promise<void> {
    run.close()
    await writeExclusively(run, (rest) => finishWithFallbacks(run, rest, outcome))
  }

  /** Commits an item of a batch for a run. Throws the errors of the batch, after which the run continues. */
  async function commit<Item>(run: OwnedRun, batch: Batch<Item>, item: Item): Promise<void> {
    run.assertOpen()
    const isWritten = await writeExclusively(run, (rest) => {
      run.assertOpen()
      return tryWrite(run, rest, writing(batch), item)
    })
    if (!isWritten) throw new RunInterrupted(run.abortReason ?? 'handed-over')
  }

  /**
   * Writes the queued events and others with exclusive access to the run; `write` returns all that were written. False if
   * this process no longer owns the run.
   */
  async function writeExclusively(
    run: OwnedRun,
    write: (rest: RunEvent[]) => Promise<{ events: RunEvent[]; status: RunStatus } | undefined>,
  ): Promise<boolean> {
    return await run.runExclusively(async () => {
      if (run.isReleased) return false
      const queued = run.dequeue()
      try {
        const written = await write(run.toEvents(queued))
        if (!written) {
          onLost(run)
          return false
        }
        run.markCommitted(queued, written.events)
        const tail = tails.get(run.id)
        tail?.publish(written.events)
        if (written.status === 'running') return true
        tail?.advance(run.lastCommitted, true)
        onFinished(run)
        return true
      } catch (error) {
        // The run continues, or the database stays unavailable and another process can claim the run.
        run.requeue(queued)
        throw error
      }
    })
  }

  async function finishWithFallbacks(run: OwnedRun, rest: RunEvent[], outcome: Outcome) {
    if (!run.kind) return tryWrite(run, rest, failing(toFailure(unknownKind(run.record.kind))))
    let closing: Closing
    if (outcome.status === 'complete') {
      try {
        return await tryWrite(run, rest, writing(toBatch(outcome.completion)))
      } catch (error) {
        closing = { status: 'failed', error: logFailure(run, error, 'could not store the result of a run') }
      }
    } else closing = outcome
    try {
      return await tryWrite(run, rest, closedBy(run, closing))
    } catch (error) {
      const failure = logFailure(run, error, 'the kind of a run could not close it')
      const reported = closing.status === 'failed' ? closing.error : failure
      try {
        return await tryWrite(run, rest, failing(reported))
      } catch (again) {
        logFailure(run, again, 'could not write the remaining events of a run')
        return tryWrite(run, [], failing(reported))
      }
    }
  }

  function logFailure(run: OwnedRun, error: unknown, message: string): Failure {
    if (error instanceof DatabaseUnavailableError) throw error
    log.error({ err: error, run: run.id, kind: run.record.kind }, message)
    return toFailure(error)
  }

  /** Returns the events it wrote; undefined when another process owns the run. Throws the errors of the kind. */
  async function tryWrite(
    run: OwnedRun,
    rest: RunEvent[],
    { status, key, write }: Writing,
    item?: unknown,
  ): Promise<{ events: RunEvent[]; status: RunStatus } | undefined> {
    const { id, record, lastCommitted: expected } = run
    const part: Part = { record, append: { id, attempt: record.attempt, expected, events: rest }, item }
    const writeParts = async (trx: Trx, parts: Part[]) => {
      const written = await write(trx, parts)
      for (const [i, each] of parts.entries()) each.written = written[i] ?? each.written
      const ended = parts.filter((_, i) => written[i]).map((each) => each.record)
      if (status !== 'running') for (const listener of listeners) await listener(trx, ended, status)
      return written
    }
    const { ids } = await persist(
      database,
      [part.append],
      async () => new Set((await groups.together(key, writeParts, part)) ? [id] : []),
      (state) =>
        state.status === status &&
        (status !== 'running' || state.last_event === expected + (part.written?.length ?? 0)),
      {
        giveUp,
        retry: (error) => log.warn({ err: error, run: id }, 'could not write a run; retrying'),
      },
    )
    return ids.has(id) && part.written ? { events: part.written, status } : undefined
  }

  const writing = <Item>(batch: Batch<Item>): Writing => ({
    status: batch.ends ? 'complete' : 'running',
    key: batch,
    async write(trx, parts) {
      const last = await batch.events(
        trx,
        parts.map(({ item }) => item as Item),
      )
      const appends = parts.map(({ append }, i) => {
        const added = (last[i] ?? []).map((event, index) => lastEvent(append, event, index))
        return { ...append, events: [...append.events, ...added] }
      })
      const payloads = notifications.payloadsFor({ events: appends.map(({ id }) => id) })
      const owned = batch.ends
        ? await finishRuns(trx, appends, { status: 'complete', error: null }, payloads)
        : await appendEvents(trx, appends, { ms: leaseMs }, payloads)
      const items = parts.flatMap(({ append, item }) => (owned.has(append.id) ? [item as Item] : []))
      if (items.length > 0) await batch.store(trx, items)
      return appends.map(({ id, events }) => (owned.has(id) ? events : undefined))
    },
  })

  const closedBy = (run: OwnedRun, closing: Closing): Writing =>
    ending(closing, async (trx, append) => {
      const events = await listEvents(trx, run.id)
      const record = { ...run.record, lastEvent: lastEventOf(append) }
      return run.kind?.close(record, closing, events, trx) ?? {}
    })

  const failing = (error: Failure): Writing => ending({ status: 'failed', error }, async () => ({ error }))

  /** Ends a run with its remaining events and a last one, which may depend on them. */
  const ending = (closing: Closing, last: (trx: Trx, append: Append) => Promise<EventBody>): Writing => ({
    status: closing.status,
    key: closing,
    write: async (trx, parts) =>
      Promise.all(
        parts.map(async ({ append }) => {
          // Locks the row first, so that the log does not change while the kind reads it.
          const owned = await appendEvents(trx, [append], { ms: leaseMs }, [])
          if (!owned.has(append.id)) return undefined
          const event = lastEvent(append, await last(trx, append))
          const end = { status: closing.status, error: closing.status === 'failed' ? closing.error : null }
          const rest = { ...append, expected: lastEventOf(append), events: [event] }
          await finishRuns(trx, [rest], end, notifications.payloadsFor({ events: [append.id] }))
          return [...append.events, event]
        }),
      ),
  })

  return { finish, commit }
}

/** The batch of one run that ends. */
export const toBatch = ({ event, store }: Completion): Batch<unknown> => ({
  ends: true,
  events: async (trx) => [typeof event === 'function' ? await event(trx) : [event]],
  store: async (trx) => store?.(trx),
})

const lastEvent = ({ expected, events }: Append, event: EventBody, index = 0): RunEvent => ({
  n: expected + events.length + 1 + index,
  data: encode(event),
})
