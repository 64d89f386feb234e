import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import { failureOf, type Outcome } from './ending.ts'
import type { Feeds } from './feed.ts'
import type { Hints } from './hints.ts'
import type { Completion, RunContext } from './kind.ts'
import { encode, type OwnedRun, RunInterrupted } from './owned-run.ts'
import { lastOf, persist } from './persist.ts'
import { allEvents, appendEvents } from './store.ts'
import type { Writer } from './writer.ts'

/** How long a worker may take to come back after its signal; then its run is closed without it. */
const patienceMs = 1000

export type WorkerParts = {
  database: Database
  feeds: Feeds
  hints: Hints
  log: Log
  leaseMs: number
  giveUp: AbortSignal
  writer: Writer
  lost: (run: OwnedRun) => void
  end: (run: OwnedRun, outcome: Outcome) => Promise<void>
}

/** Runs a kind's worker and sees to its end. */
export function worker(parts: WorkerParts) {
  const { database, feeds, hints, log, writer } = parts

  async function work(run: OwnedRun): Promise<void> {
    const { kind } = run
    if (!kind) return
    const returned = call(async () => kind.work(context(run)))
    const result = await Promise.race([returned, aborted(run.signal, patienceMs)])
    const { reason } = run
    if (reason === 'handed-over') return
    if (reason === 'stopped') {
      if (result === 'late')
        log.warn({ run: run.id, kind: run.record.kind }, 'a worker did not stop when told to')
      return parts.end(run, { status: 'stopped' })
    }
    if (result === 'late') return
    if ('completion' in result) return parts.end(run, { status: 'complete', completion: result.completion })
    const error = failureOf(result.error)
    log.warn({ err: result.error, run: run.id, kind: run.record.kind, code: error.code }, 'a run failed')
    return parts.end(run, { status: 'failed', error })
  }

  function context(run: OwnedRun): RunContext<unknown> {
    return {
      run: run.record,
      signal: run.signal,
      async emit(event) {
        run.refuseUnlessOpen()
        run.push(event)
        writer.add(run)
        await run.roomForMore()
      },
      async flush() {
        run.refuseUnlessOpen()
        await run.flushed()
      },
      async commit(event, store) {
        run.refuseUnlessOpen()
        await run.alone(async () => commitWith(run, event, store))
        writer.add(run)
      },
      events: async () => allEvents(database.db, run.id),
    }
  }

  const commitWith = async (run: OwnedRun, ...[event, store]: Parameters<RunContext<unknown>['commit']>) => {
    run.refuseUnlessOpen()
    const last = { body: event, data: encode(event) }
    const taken = run.take()
    const events = run.number([...taken, last])
    const append = { id: run.id, attempt: run.record.attempt, expected: run.committed, events }
    try {
      const { ids } = await persist(
        database,
        [append],
        async () =>
          database.transaction(async (trx) => {
            const payloads = hints.about({ events: [run.id] })
            const owned = await appendEvents(trx, [append], { ms: parts.leaseMs }, payloads)
            if (owned.has(run.id)) await store(trx)
            return owned
          }),
        (state, { id }) => id === run.id && state.status === 'running' && state.last_event === lastOf(append),
        {
          giveUp: parts.giveUp,
          retry: (error) => log.warn({ err: error, run: run.id }, 'a step could not be stored; trying again'),
        },
      )
      if (!ids.has(run.id)) {
        parts.lost(run)
        throw new RunInterrupted('handed-over')
      }
    } catch (error) {
      run.giveBack(taken)
      throw error
    }
    run.wrote(taken, events)
    feeds.get(run.id)?.publish(events)
  }

  return { work }
}

type Result = { completion: Completion } | { error: unknown }

async function call(work: () => Promise<Completion>): Promise<Result> {
  try {
    return { completion: await work() }
  } catch (error) {
    return { error }
  }
}

async function aborted(signal: AbortSignal, patience: number): Promise<'late'> {
  if (!signal.aborted)
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  await pause(patience, undefined, { ref: false })
  return 'late'
}
