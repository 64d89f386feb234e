import type { RunStatus } from '../../contract/runs.ts'
import type { Database, Trx } from '../db/index.ts'
import { toAppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { unknownKind } from './errors.ts'
import type { Feeds } from './feed.ts'
import type { Hints } from './hints.ts'
import type { Closing, Completion, EventBody, RunEvent } from './kind.ts'
import { encode, type OwnedRun } from './owned-run.ts'
import { GaveUp, persist } from './persist.ts'
import { type Append, allEvents, appendEvents, finishRun } from './store.ts'

export type Outcome = { status: 'complete'; completion: Completion } | Closing

type Failure = { code: string; message: string }

/** One way to end a run. `write` says what it wrote, in the transaction that ends the run, or undefined when the run is somebody else's. */
type Way = {
  status: RunStatus
  write: (trx: Trx, append: Append) => Promise<RunEvent[] | undefined>
}

export type EndingParts = {
  database: Database
  feeds: Feeds
  hints: Hints
  log: Log
  leaseMs: number
  giveUp: AbortSignal
  lost: (run: OwnedRun) => void
  ended: (run: OwnedRun) => void
}

/**
 * Ends a run: what is left of its events, its last event, its status and what its kind stores, all in one transaction
 * that only the run's present owner can commit. Whatever a kind does wrong here, the run ends:
 *
 *     complete ──store throws──→ failed, closed by its kind ──close throws──→ failed, with nothing but the error
 *     stopped ───close throws──────────────────────────────────────────────────↗
 */
export function ending({ database, feeds, hints, log, leaseMs, giveUp, lost, ended }: EndingParts) {
  async function end(run: OwnedRun, outcome: Outcome): Promise<void> {
    run.close()
    await run.alone(async () => {
      if (run.gone) return
      const taken = run.take()
      try {
        const told = await endSomehow(run, run.number(taken), outcome)
        if (!told) return lost(run)
        run.wrote(taken, told)
        const feed = feeds.get(run.id)
        feed?.publish(told)
        feed?.advance(run.committed, true)
        ended(run)
      } catch (error) {
        // Only a database that stayed away leads here; the run stays claimable.
        run.giveBack(taken)
        throw error
      }
    })
  }

  async function endSomehow(
    run: OwnedRun,
    rest: RunEvent[],
    outcome: Outcome,
  ): Promise<RunEvent[] | undefined> {
    if (!run.kind) return attempt(run, rest, bare(failureOf(unknownKind(run.record.kind))))
    let closing: Closing
    if (outcome.status === 'complete') {
      try {
        return await attempt(run, rest, completed(outcome.completion))
      } catch (error) {
        closing = { status: 'failed', error: failed(run, error, 'what a run made could not be stored') }
      }
    } else closing = outcome
    try {
      return await attempt(run, rest, closed(run, closing))
    } catch (error) {
      const failure = failed(run, error, 'a run could not be closed by its kind')
      const told = closing.status === 'failed' ? closing.error : failure
      try {
        return await attempt(run, rest, bare(told))
      } catch (again) {
        failed(run, again, 'the rest of a run could not be written')
        return attempt(run, [], bare(told))
      }
    }
  }

  function failed(run: OwnedRun, error: unknown, what: string): Failure {
    if (error instanceof GaveUp) throw error
    log.error({ err: error, run: run.id, kind: run.record.kind }, what)
    return failureOf(error)
  }

  /** The events this wrote; undefined when the run is somebody else's. Throws what the kind throws. */
  async function attempt(run: OwnedRun, rest: RunEvent[], way: Way): Promise<RunEvent[] | undefined> {
    const append: Append = { id: run.id, attempt: run.record.attempt, expected: run.committed, events: rest }
    let told: RunEvent[] | undefined
    const { ids } = await persist(
      database,
      [append],
      async () => {
        const written = await database.transaction(async (trx) => way.write(trx, append))
        told = written ?? told
        return new Set(written ? [run.id] : [])
      },
      (state) => state.status === way.status && state.last_event === append.expected + rest.length + 1,
      {
        giveUp,
        retry: (error) => log.warn({ err: error, run: run.id }, 'a run could not be ended; trying again'),
      },
    )
    return ids.has(run.id) ? told : undefined
  }

  const completed = ({ event, store }: Completion): Way => ({
    status: 'complete',
    async write(trx, append) {
      const events = [...append.events, lastEvent(append, event)]
      const end = { status: 'complete', error: null } as const
      if (!(await finishRun(trx, { ...append, events }, end, hints.about({ events: [append.id] }))))
        return undefined
      await store?.(trx)
      return events
    },
  })

  const closed = (run: OwnedRun, closing: Closing): Way => ({
    status: closing.status,
    write: async (trx, append) =>
      writeClosing(trx, append, closing, async () => {
        const events = await allEvents(trx, run.id)
        const record = { ...run.record, lastEvent: append.expected + append.events.length }
        return run.kind?.close(record, closing, events, trx) ?? {}
      }),
  })

  const bare = (error: Failure): Way => ({
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
    // Takes the row first: from here on the log does not change under the kind's eyes.
    const owned = await appendEvents(trx, [append], { ms: leaseMs }, [])
    if (!owned.has(append.id)) return undefined
    const event = lastEvent(append, await last())
    const end = { status: closing.status, error: closing.status === 'failed' ? closing.error : null }
    const rest = { ...append, expected: append.expected + append.events.length, events: [event] }
    await finishRun(trx, rest, end, hints.about({ events: [append.id] }))
    return [...append.events, event]
  }

  return { end }
}

const lastEvent = ({ expected, events }: Append, event: EventBody): RunEvent => ({
  n: expected + events.length + 1,
  data: encode(event),
})

export function failureOf(error: unknown): Failure {
  const { code, message } = toAppError(error)
  return { code, message }
}
