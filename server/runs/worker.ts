import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { toFailure } from '../errors.ts'
import type { Telemetry } from '../telemetry/index.ts'
import { type Outcome, toBatch } from './finisher.ts'
import type { Batch, RunContext } from './kind.ts'
import type { OwnedRun } from './owned-run.ts'
import type { LogAccess } from './persist.ts'
import { listEvents } from './store.ts'
import type { Writer } from './writer.ts'

/** Timeout for a worker to return after its signal was aborted; its run is then closed without it. */
const abortTimeoutMs = 1000

/** Runs the worker of a kind and ends the run with its result. */
export function createWorker({
  database,
  log,
  writer,
  finish,
  commit,
  telemetry,
}: Pick<LogAccess, 'database' | 'log'> & {
  writer: Writer
  telemetry: Telemetry
  finish: (run: OwnedRun, outcome: Outcome) => Promise<void>
  commit: <Item>(run: OwnedRun, batch: Batch<Item>, item: Item) => Promise<void>
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
    async function commitTogether<Item>(batch: Batch<Item>, item: Item): Promise<void> {
      await commit(run, batch, item)
      if (run.hasQueued()) writer.add(run)
    }
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
      commitTogether,
      commit: (events, store) =>
        commitTogether({ ends: false, events: async () => [[events].flat()], store }, undefined),
      complete: (completion) => commitTogether(toBatch(completion), undefined),
      events: async () => listEvents(database.db, run.id),
    }
  }

  return { work }
}

async function timeoutAfterAbort(signal: AbortSignal, timeoutMs: number): Promise<'timeout'> {
  if (!signal.aborted) await once(signal, 'abort')
  await pause(timeoutMs, undefined, { ref: false })
  return 'timeout'
}
