import { Worker } from 'node:worker_threads'
import type { Log } from '../database.ts'
import { databaseAway, databaseTimeout } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { type Gauges, gauge, newGauges } from './gauges.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { type Served, Session } from './session.ts'
import { isTerminate } from './units.ts'

export type Engine = ReturnType<typeof startEngine>

/**
 * Runs the embedded PostgreSQL in a thread, and a new one when that breaks or a statement takes longer than the
 * session's `statement_timeout`, which it cannot keep itself. What was committed is there again after it.
 *
 *   none ── a session connects ──▶ opening ── ready ──▶ serving ── broken, stuck ──▶ none
 */
export function startEngine({ dir, log, limits }: { dir: string; log: Log; limits: Limits }) {
  let gauges = newGauges()
  let thread: Promise<Worker> | undefined
  const sessions = new Map<number, Session>()
  let last = 0
  let unanswered = 0
  let alarm: NodeJS.Timeout | undefined

  function open(): Promise<Worker> {
    gauges = newGauges()
    const workerData: WorkerStart = { dir, gauges, statementTimeout: limits.statement }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, execArgv: [] })
    let reason: unknown
    worker.on('error', (error) => {
      reason = error
    })
    const opening = new Promise<Worker>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(worker)
        if (message.type === 'answer') answered(message.session, message.bytes)
        if (message.type === 'broken') reason = message.reason
      })
      worker.on('exit', () => {
        if (thread === opening) {
          thread = undefined
          if (reason !== undefined) log.error({ reason }, 'the embedded database broke and starts again')
          cutAll(databaseAway(reason))
        }
        reject(reason instanceof Error ? reason : new Error('The embedded database did not open.'))
      })
    })
    return opening
  }

  function cutAll(error: Error): void {
    clearTimeout(alarm)
    unanswered = 0
    for (const session of sessions.values()) session.destroy(error)
  }

  /** Ends the thread, whatever it does, and with it every statement. */
  async function restart(error: Error): Promise<void> {
    const stuck = thread
    thread = undefined
    // The next thread must not open the directory before this one is gone.
    const gone = (async () => (await stuck)?.terminate())()
    thread = gone.then(open)
    thread.catch(() => {})
    cutAll(error)
    await gone
  }

  function watch(): void {
    clearTimeout(alarm)
    const open = Atomics.load(gauges, gauge.inTransaction) === 1n
    const statement = Number(Atomics.load(gauges, gauge.statementTimeout))
    if (unanswered > 0 && statement > 0)
      alarm = setTimeout(() => {
        log.error({ ms: statement }, 'a statement ran too long; the embedded database starts again')
        void restart(databaseTimeout(`no answer within ${statement} ms`))
      }, statement)
    else if (unanswered === 0 && open)
      alarm = setTimeout(() => {
        log.error({ ms: limits.idleInTransaction }, 'a transaction was left open; it is rolled back')
        for (const session of sessions.values()) session.destroy(databaseTimeout('idle in transaction'))
      }, limits.idleInTransaction)
  }

  function answered(session: number, bytes: Uint8Array<ArrayBuffer>): void {
    unanswered -= 1
    watch()
    sessions.get(session)?.answer(bytes)
  }

  async function serve(session: Session): Promise<Served> {
    thread ??= open()
    const opening = thread
    let worker: Worker
    try {
      worker = await opening
    } catch (error) {
      if (thread === opening) thread = undefined
      throw databaseAway(error)
    }
    const number = ++last
    sessions.set(number, session)
    const post = (message: ToWorker): void => worker.postMessage(message)
    return {
      send(unit) {
        // A copy: the driver's buffer is its own and may be large.
        post({ type: 'unit', session: number, unit: new Uint8Array(unit) })
        if (isTerminate(unit)) return
        unanswered += 1
        watch()
      },
      left() {
        sessions.delete(number)
      },
    }
  }

  return {
    /** A new connection, for the driver's `stream` setting. */
    connect: () => new Session(serve),
    /** Bytes written to the WAL and syncs made since the engine's thread began. */
    figures: (): { walBytes: number; syncs: number } => ({
      walBytes: Number(Atomics.load(gauges, gauge.walBytes)),
      syncs: Number(Atomics.load(gauges, gauge.syncs)),
    }),
    /** Writes everything down and ends. */
    async close(): Promise<void> {
      clearTimeout(alarm)
      const worker = await thread?.catch(() => undefined)
      thread = undefined
      if (worker === undefined) return
      const closed = new Promise<void>((resolve) => {
        worker.on('message', (message: FromWorker) => message.type === 'closed' && resolve())
        worker.on('exit', () => resolve())
      })
      worker.postMessage({ type: 'close' } satisfies ToWorker)
      await closed
      await worker.terminate()
    },
  }
}
