import { Worker } from 'node:worker_threads'
import type { Log } from '../../log.ts'
import { databaseAway, databaseTimeout } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { gauge, newGauges } from './gauges.ts'
import { type FromWorker, moved, type ToWorker, type WorkerStart } from './messages.ts'
import { type Served, Session } from './session.ts'
import { isTerminate, terminateUnit } from './units.ts'

export type Supervised = ReturnType<typeof startSupervised>

type Thread = { worker: Worker; gone: Promise<unknown> }

function startThread(start: WorkerStart): Thread {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start, execArgv: [] })
  let reason: unknown
  worker.on('error', (error) => {
    reason = error
  })
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'broken') reason = message.reason
  })
  /** Why the thread ended; undefined when it was asked to. */
  const gone = new Promise<unknown>((resolve) => worker.on('exit', () => resolve(reason)))
  return { worker, gone }
}

/** Makes a database in an empty directory, in about 3 s. */
export async function createDatabase(dir: string): Promise<void> {
  const { worker, gone } = startThread({ dir, gauges: newGauges(), statementTimeout: 0, create: true })
  let made = false
  worker.on('message', (message: FromWorker) => {
    if (message.type !== 'closed') return
    made = true
    void worker.terminate()
  })
  const reason = await gone
  if (!made) throw databaseAway(reason)
}

/**
 * Runs the embedded PostgreSQL in a thread; a new one when that breaks, or when a statement takes longer than the
 * session's `statement_timeout`, which the engine cannot keep itself. What was committed is there again after it.
 *
 *     none ── a session connects ──▶ opening ── ready ──▶ serving ── broken or stuck ──▶ none
 */
export function startSupervised({ dir, log, limits }: { dir: string; log: Log; limits: Limits }) {
  const sessions = new Map<number, Session>()
  let gauges = newGauges()
  let serving: Promise<Thread> | undefined
  /** Counts threads, and endings that were asked for: what an earlier one still says is not heard. */
  let generation = 0
  let sessionsMade = 0
  let restarts = 0
  /** Units that the thread has and has not answered. */
  let unanswered = 0
  let alarm: NodeJS.Timeout | undefined

  function open(): Promise<Thread> {
    gauges = newGauges()
    const mine = ++generation
    const thread = startThread({ dir, gauges, statementTimeout: limits.statement, create: false })
    let isReady = false
    return new Promise<Thread>((resolve, reject) => {
      thread.worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          isReady = true
          resolve(thread)
        }
        if (message.type === 'answer' && generation === mine) answered(message.session, message.bytes)
      })
      void thread.gone.then((reason) => {
        const error = databaseAway(reason)
        reject(error)
        if (generation !== mine) return
        serving = undefined
        cutAll(error)
        if (!isReady) return
        restarts += 1
        log.error({ err: error }, 'the embedded database broke; it opens again for the next statement')
      })
    })
  }

  function cutAll(error: Error): void {
    clearTimeout(alarm)
    unanswered = 0
    for (const session of sessions.values()) session.destroy(error)
  }

  /** Ends the thread, whatever it is doing, and opens the next once it is gone. */
  function restart(error: Error): void {
    const stuck = serving
    generation += 1
    restarts += 1
    serving = (async () => {
      const thread = await stuck?.catch(() => undefined)
      await thread?.worker.terminate()
      return open()
    })()
    serving.catch(() => {})
    cutAll(error)
  }

  /** Sets the alarm for what is to happen next: an answer, or the next statement of an open transaction. */
  function watch(): void {
    clearTimeout(alarm)
    if (unanswered > 0) {
      const ms = Number(Atomics.load(gauges, gauge.statementTimeout))
      if (ms > 0) alarm = setTimeout(() => tooLong(ms), ms)
    } else if (Atomics.load(gauges, gauge.inTransaction) === 1n) {
      alarm = setTimeout(leftOpen, limits.idleInTransaction)
    }
  }

  function tooLong(ms: number): void {
    log.error({ ms }, 'a statement ran too long; the embedded database opens again without it')
    restart(databaseTimeout(`no answer within ${ms} ms`))
  }

  function leftOpen(): void {
    const ms = limits.idleInTransaction
    log.error({ ms }, 'a transaction was left open too long; it was rolled back')
    for (const session of sessions.values()) session.destroy(databaseTimeout(`no statement within ${ms} ms`))
  }

  function answered(session: number, bytes: Uint8Array<ArrayBuffer>): void {
    unanswered -= 1
    watch()
    sessions.get(session)?.answer(bytes)
  }

  async function opened(): Promise<Thread> {
    serving ??= open()
    const opening = serving
    return opening.catch((error: unknown) => {
      if (serving === opening) serving = undefined
      throw error
    })
  }

  async function serve(session: Session): Promise<Served> {
    const { worker } = await opened()
    const number = ++sessionsMade
    const post = (unit: Buffer): void => {
      // A copy, as what the driver wrote is its own.
      const own = new Uint8Array(unit)
      worker.postMessage({ type: 'unit', session: number, unit: own } satisfies ToWorker, moved(own))
    }
    sessions.set(number, session)
    return {
      send(unit) {
        if (isTerminate(unit)) return
        post(unit)
        unanswered += 1
        watch()
      },
      left() {
        sessions.delete(number)
        post(terminateUnit)
      },
    }
  }

  return {
    /** Resolves when statements can be run: after a crash that takes as long as it takes to read the WAL again. */
    async open(): Promise<void> {
      await opened()
    },
    /** A new connection, as the driver's `stream`. */
    connect: () => new Session(serve),
    /** `walBytes` and `syncs` are counted from the last start of the engine; `restarts` are those that nobody asked for. */
    stats: () => ({
      walBytes: Number(Atomics.load(gauges, gauge.walBytes)),
      syncs: Number(Atomics.load(gauges, gauge.syncs)),
      restarts,
    }),
    /** Writes everything down and ends the thread. Call when no session is open. */
    async close(): Promise<void> {
      clearTimeout(alarm)
      const thread = await serving?.catch(() => undefined)
      generation += 1
      serving = undefined
      if (thread === undefined) return
      const closed = new Promise<void>((resolve) => {
        thread.worker.on('message', (message: FromWorker) => message.type === 'closed' && resolve())
      })
      thread.worker.postMessage({ type: 'close' } satisfies ToWorker)
      await Promise.race([closed, thread.gone])
      await thread.worker.terminate()
    },
  }
}
