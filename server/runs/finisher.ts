import type { Failure, RunStatus } from '../../contract/runs.ts'
import type { Trx } from '../db/index.ts'
import { toFailure } from '../errors.ts'
import { unknownKind } from './errors.ts'
import type { Closing, Completion, EventBody, RunEvent, RunRecord } from './kind.ts'
import { encode, type OwnedRun, RunInterrupted } from './owned-run.ts'
import { DatabaseUnavailableError, type LogAccess, persist } from './persist.ts'
import { type Append, appendEvents, finishRun, listEvents } from './store.ts'

export type Outcome = { status: 'complete'; completion: Completion } | Closing

/**
 * One way to end a run. `write` returns the events it wrote, in the transaction that ends the run; undefined if another
 * process owns the run.
 */
type Ending = {
  status: RunStatus
  write: (trx: Trx, append: Append) => Promise<RunEvent[] | undefined>
}

/** Called in the transaction that ends a run. */
export type FinishListener = (trx: Trx, run: RunRecord, status: RunStatus) => Promise<void>

/**
 * Ends a run: its remaining events, its last event, its status and the rows of its kind, in one transaction that only
 * the current owner of the run can commit. The run ends even if its kind throws:
 *
 *     complete ──store throws──→ failed, closed by its kind ──close throws──→ failed, with the error alone
 *     stopped ───close throws──────────────────────────────────────────────────↗
 */
export function createFinisher({
  database,
  transaction,
  tails,
  notifications,
  log,
  leaseMs,
  giveUp,
  onLost,
  onFinished,
  listeners,
}: LogAccess & { onFinished: (run: OwnedRun) => void; listeners: FinishListener[] }) {
  async function finish(run: OwnedRun, outcome: Outcome): Promise<void> {
    run.close()
    await end(run, (rest) => finishWithFallbacks(run, rest, outcome))
  }

  /** Ends a run. Throws the errors of the completion, after which the run continues. */
  async function complete(run: OwnedRun, completion: Completion): Promise<void> {
    await end(run, (rest) => tryFinish(run, rest, completing(completion)))
    if (run.abortReason === 'handed-over') throw new RunInterrupted('handed-over')
  }

  async function end(
    run: OwnedRun,
    write: (rest: RunEvent[]) => Promise<RunEvent[] | undefined>,
  ): Promise<void> {
    await run.runExclusively(async () => {
      if (run.isReleased) return
      const queued = run.dequeue()
      try {
        const written = await write(run.toEvents(queued))
        if (!written) return onLost(run)
        run.markCommitted(queued, written)
        const tail = tails.get(run.id)
        tail?.publish(written)
        tail?.advance(run.lastCommitted, true)
        onFinished(run)
      } catch (error) {
        // The run continues, or the database stays unavailable and another process can claim the run.
        run.requeue(queued)
        throw error
      }
    })
  }

  async function finishWithFallbacks(
    run: OwnedRun,
    rest: RunEvent[],
    outcome: Outcome,
  ): Promise<RunEvent[] | undefined> {
    if (!run.kind) return tryFinish(run, rest, failing(toFailure(unknownKind(run.record.kind))))
    let closing: Closing
    if (outcome.status === 'complete') {
      try {
        return await tryFinish(run, rest, completing(outcome.completion))
      } catch (error) {
        closing = { status: 'failed', error: logFailure(run, error, 'could not store the result of a run') }
      }
    } else closing = outcome
    try {
      return await tryFinish(run, rest, closedBy(run, closing))
    } catch (error) {
      const failure = logFailure(run, error, 'the kind of a run could not close it')
      const reported = closing.status === 'failed' ? closing.error : failure
      try {
        return await tryFinish(run, rest, failing(reported))
      } catch (again) {
        logFailure(run, again, 'could not write the remaining events of a run')
        return tryFinish(run, [], failing(reported))
      }
    }
  }

  function logFailure(run: OwnedRun, error: unknown, message: string): Failure {
    if (error instanceof DatabaseUnavailableError) throw error
    log.error({ err: error, run: run.id, kind: run.record.kind }, message)
    return toFailure(error)
  }

  /** Returns the events it wrote; undefined when another process owns the run. Throws the errors of the kind. */
  async function tryFinish(run: OwnedRun, rest: RunEvent[], ending: Ending): Promise<RunEvent[] | undefined> {
    const append: Append = {
      id: run.id,
      attempt: run.record.attempt,
      expected: run.lastCommitted,
      events: rest,
    }
    let written: RunEvent[] | undefined
    const { ids } = await persist(
      database,
      [append],
      async () => {
        const events = await transaction(async (trx) => {
          const all = await ending.write(trx, append)
          if (all) for (const listener of listeners) await listener(trx, run.record, ending.status)
          return all
        })
        written = events ?? written
        return new Set(events ? [run.id] : [])
      },
      (state) => state.status === ending.status,
      {
        giveUp,
        retry: (error) => log.warn({ err: error, run: run.id }, 'could not end a run; retrying'),
      },
    )
    return ids.has(run.id) ? written : undefined
  }

  const completing = ({ event, store }: Completion): Ending => ({
    status: 'complete',
    async write(trx, append) {
      const last = typeof event === 'function' ? await event(trx) : [event]
      const events = [...append.events, ...last.map((body, i) => lastEvent(append, body, i))]
      const end = { status: 'complete', error: null } as const
      const payloads = notifications.payloadsFor({ events: [append.id] })
      if (!(await finishRun(trx, { ...append, events }, end, payloads))) return undefined
      await store?.(trx)
      return events
    },
  })

  const closedBy = (run: OwnedRun, closing: Closing): Ending => ({
    status: closing.status,
    write: async (trx, append) =>
      writeClosing(trx, append, closing, async () => {
        const events = await listEvents(trx, run.id)
        const record = { ...run.record, lastEvent: append.expected + append.events.length }
        return run.kind?.close(record, closing, events, trx) ?? {}
      }),
  })

  const failing = (error: Failure): Ending => ({
    status: 'failed',
    write: async (trx, append) =>
      writeClosing(trx, append, { status: 'failed', error }, async () => ({ error })),
  })

  async function writeClosing(
    trx: Trx,
    append: Append,
    closing: Closing,
    last: () => Promise<EventBody>,
  ): Promise<RunEvent[] | undefined> {
    // Locks the row first, so that the log does not change while the kind reads it.
    const owned = await appendEvents(trx, [append], { ms: leaseMs }, [])
    if (!owned.has(append.id)) return undefined
    const event = lastEvent(append, await last())
    const end = { status: closing.status, error: closing.status === 'failed' ? closing.error : null }
    const rest = { ...append, expected: append.expected + append.events.length, events: [event] }
    await finishRun(trx, rest, end, notifications.payloadsFor({ events: [append.id] }))
    return [...append.events, event]
  }

  return { finish, complete }
}

const lastEvent = ({ expected, events }: Append, event: EventBody, index = 0): RunEvent => ({
  n: expected + events.length + 1 + index,
  data: encode(event),
})
