import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Trx } from '../db/index.ts'
import { toFailure } from '../errors.ts'
import type { Telemetry } from '../telemetry/index.ts'
import type { Outcome } from './finisher.ts'
import type { Completion, EventBody, RunContext } from './kind.ts'
import { encode, type OwnedRun, RunInterrupted } from './owned-run.ts'
import { type LogAccess, lastEventOf, persist } from './persist.ts'
import { appendEvents, listEvents } from './store.ts'
import type { Writer } from './writer.ts'

/** Timeout for a worker to return after its signal was aborted; its run is then closed without it. */
const abortTimeoutMs = 1000

/** Runs the worker of a kind and ends the run with its result. */
export function createWorker({
  database,
  transaction,
  tails,
  notifications,
  log,
  leaseMs,
  giveUp,
  writer,
  onLost,
  finish,
  complete,
  telemetry,
}: LogAccess & {
  writer: Writer
  telemetry: Telemetry
  finish: (run: OwnedRun, outcome: Outcome) => Promise<void>
  complete: (run: OwnedRun, completion: Completion) => Promise<void>
}) {
  async function work(run: OwnedRun): Promise<void> {
    const { kind } = run
    if (!kind) return
    const { record } = run
    const measured = telemetry.begin('run', { kind: record.kind, run: run.id, attempt: record.attempt })
    const returned = Promise.allSettled([measured.run(async () => kind.work(createContext(run)))])
    const result = await Promise.race([
      returned.then(([settled]) => settled),
      timeoutAfterAbort(run.signal, abortTimeoutMs),
    ])
    const { abortReason } = run
    if (abortReason !== undefined) measured.end({ outcome: abortReason })
    else if (result !== 'timeout' && result.status === 'rejected') measured.end({}, result.reason)
    else measured.end()
    if (abortReason === 'handed-over') return
    if (abortReason === 'stopped') {
      if (result === 'timeout')
        log.warn({ run: run.id, kind: run.record.kind }, 'a worker did not stop in time')
      return finish(run, { status: 'stopped' })
    }
    if (result === 'timeout') return
    if (result.status === 'fulfilled')
      return result.value && finish(run, { status: 'complete', completion: result.value })
    const error = toFailure(result.reason)
    log.warn({ err: result.reason, run: run.id, kind: run.record.kind, code: error.code }, 'a run failed')
    return finish(run, { status: 'failed', error })
  }

  function createContext(run: OwnedRun): RunContext<unknown> {
    return {
      run: run.record,
      signal: run.signal,
      preloaded: run.preloaded,
      async emit(event) {
        run.assertOpen()
        run.push(event)
        writer.add(run)
        await run.waitForCapacity()
      },
      async flush() {
        run.assertOpen()
        await run.waitForCommit()
      },
      async commit(events, store) {
        run.assertOpen()
        await run.runExclusively(async () => commitEvents(run, [events].flat(), store))
        if (run.hasQueued()) writer.add(run)
      },
      async complete(completion) {
        run.assertOpen()
        await complete(run, completion)
      },
      events: async () => listEvents(database.db, run.id),
    }
  }

  const commitEvents = async (run: OwnedRun, bodies: EventBody[], store: (trx: Trx) => Promise<void>) => {
    run.assertOpen()
    const last = bodies.map((body) => ({ body, data: encode(body) }))
    const queued = run.dequeue()
    const events = run.toEvents([...queued, ...last])
    const append = { id: run.id, attempt: run.record.attempt, expected: run.lastCommitted, events }
    try {
      const { ids } = await persist(
        database,
        [append],
        async () =>
          transaction(async (trx) => {
            const payloads = notifications.payloadsFor({ events: [run.id] })
            const owned = await appendEvents(trx, [append], { ms: leaseMs }, payloads)
            if (owned.has(run.id)) await store(trx)
            return owned
          }),
        (state, { id }) =>
          id === run.id && state.status === 'running' && state.last_event === lastEventOf(append),
        {
          giveUp,
          retry: (error) =>
            log.warn({ err: error, run: run.id }, 'could not commit an event with its rows; retrying'),
        },
      )
      if (!ids.has(run.id)) {
        onLost(run)
        throw new RunInterrupted('handed-over')
      }
    } catch (error) {
      run.requeue(queued)
      throw error
    }
    run.markCommitted(queued, events)
    tails.get(run.id)?.publish(events)
  }

  return { work }
}

async function timeoutAfterAbort(signal: AbortSignal, timeoutMs: number): Promise<'timeout'> {
  if (!signal.aborted) await once(signal, 'abort')
  await pause(timeoutMs, undefined, { ref: false })
  return 'timeout'
}
