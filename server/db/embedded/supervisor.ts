import { Worker } from 'node:worker_threads'
import { storageFull } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { databaseTimeout, databaseUnavailable } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { gauge, newGauges } from './gauges.ts'
import { type FromWorker, type ToWorker, transferListOf, type WorkerStart } from './messages.ts'
import { isTerminate, terminateRequest } from './requests.ts'
import { type EngineConnection, Session } from './session.ts'

export type SupervisedEngine = ReturnType<typeof startEngine>

type Thread = { worker: Worker; exited: Promise<unknown> }

function startThread(start: WorkerStart): Thread {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start, execArgv: [] })
  let reason: unknown
  worker.on('error', (error) => {
    reason = error
  })
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'broken') reason = message.reason
  })
  /** Resolves with the reason of the exit; undefined when it was requested. */
  const exited = new Promise<unknown>((resolve) => worker.on('exit', () => resolve(reason)))
  return { worker, exited }
}

/** Creates a database in an empty directory, in about 3 s. */
export async function createDatabase(dir: string): Promise<void> {
  const { worker, exited } = startThread({ dir, gauges: newGauges(), statementTimeoutMs: 0, create: true })
  let isCreated = false
  worker.on('message', (message: FromWorker) => {
    if (message.type !== 'closed') return
    isCreated = true
    void worker.terminate()
  })
  const reason = await exited
  if (!isCreated) throw databaseUnavailable(reason)
}

/**
 * Runs the embedded PostgreSQL in a thread, and restarts it when it breaks or when a statement takes longer than the
 * session's `statement_timeout`, which the engine cannot enforce itself. Committed data survives a restart.
 *
 *     none ── a session connects ──▶ opening ── ready ──▶ current ── broken or stuck ──▶ none
 */
export function startEngine({ dir, log, limits }: { dir: string; log: Log; limits: Limits }) {
  const sessions = new Map<number, Session>()
  let gauges = newGauges()
  let current: Promise<Thread> | undefined
  /** Increases with each thread and each requested end, so that messages of earlier threads are ignored. */
  let generation = 0
  let sessionCount = 0
  let restarts = 0
  /** Requests without a response. */
  let pending = 0
  let timer: NodeJS.Timeout | undefined

  function open(): Promise<Thread> {
    gauges = newGauges()
    const own = ++generation
    const thread = startThread({ dir, gauges, statementTimeoutMs: limits.statementTimeoutMs, create: false })
    let isReady = false
    return new Promise<Thread>((resolve, reject) => {
      thread.worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          isReady = true
          resolve(thread)
        }
        if (message.type === 'response' && generation === own) onResponse(message.session, message.bytes)
      })
      void thread.exited.then((reason) => {
        const error = /No space left on device/.test(String(reason))
          ? storageFull(reason)
          : databaseUnavailable(reason)
        reject(error)
        if (generation !== own) return
        current = undefined
        destroyAll(error)
        if (!isReady) return
        restarts += 1
        log.error({ err: error }, 'the embedded database failed; it restarts for the next statement')
      })
    })
  }

  function destroyAll(error: Error): void {
    clearTimeout(timer)
    pending = 0
    for (const session of sessions.values()) session.destroy(error)
  }

  /** Terminates the thread and opens the next one once it has exited. */
  function restart(error: Error): void {
    const stuck = current
    generation += 1
    restarts += 1
    current = (async () => {
      const thread = await stuck?.catch(() => undefined)
      await thread?.worker.terminate()
      return open()
    })()
    current.catch(() => {})
    destroyAll(error)
  }

  /** Sets the timeout of the next message: a response, or the next statement of an open transaction. */
  function startTimer(): void {
    clearTimeout(timer)
    if (pending > 0) {
      const ms = Number(Atomics.load(gauges, gauge.statementTimeoutMs))
      if (ms > 0) timer = setTimeout(() => onStatementTimeout(ms), ms)
    } else if (Atomics.load(gauges, gauge.inTransaction) === 1n) {
      timer = setTimeout(onIdleTransaction, limits.idleInTransactionTimeoutMs)
    }
  }

  function onStatementTimeout(ms: number): void {
    log.error({ ms }, 'a statement exceeded its timeout; the embedded database restarts')
    restart(databaseTimeout(`no answer within ${ms} ms`))
  }

  function onIdleTransaction(): void {
    const ms = limits.idleInTransactionTimeoutMs
    log.error({ ms }, 'a transaction was idle for too long and was rolled back')
    for (const session of sessions.values()) session.destroy(databaseTimeout(`no statement within ${ms} ms`))
  }

  function onResponse(session: number, bytes: Uint8Array<ArrayBuffer>): void {
    pending -= 1
    startTimer()
    sessions.get(session)?.receive(bytes)
  }

  async function opened(): Promise<Thread> {
    current ??= open()
    const opening = current
    return opening.catch((error: unknown) => {
      if (current === opening) current = undefined
      throw error
    })
  }

  async function openConnection(session: Session): Promise<EngineConnection> {
    const { worker } = await opened()
    const number = ++sessionCount
    const post = (request: Buffer): void => {
      // A copy, because the driver owns the bytes.
      const own = new Uint8Array(request)
      worker.postMessage(
        { type: 'request', session: number, request: own } satisfies ToWorker,
        transferListOf(own),
      )
    }
    sessions.set(number, session)
    return {
      send(request) {
        if (isTerminate(request)) return
        post(request)
        pending += 1
        if (pending === 1) startTimer()
      },
      close() {
        sessions.delete(number)
        post(terminateRequest)
      },
    }
  }

  return {
    /** Resolves when statements can be executed: after a crash, when recovery has read the WAL. */
    async open(): Promise<void> {
      await opened()
    },
    /** Creates a connection, as the driver's `stream`. */
    connect: () => new Session(openConnection),
    /** `walBytes` and `syncs` count from the last start of the engine; `restarts` counts unrequested ones. */
    stats: () => ({
      walBytes: Number(Atomics.load(gauges, gauge.walBytes)),
      syncs: Number(Atomics.load(gauges, gauge.syncs)),
      restarts,
    }),
    /** Shuts the engine down and ends the thread. Call when no session is open. */
    async close(): Promise<void> {
      clearTimeout(timer)
      const thread = await current?.catch(() => undefined)
      generation += 1
      current = undefined
      if (thread === undefined) return
      const closed = new Promise<void>((resolve) => {
        thread.worker.on('message', (message: FromWorker) => message.type === 'closed' && resolve())
      })
      thread.worker.postMessage({ type: 'close' } satisfies ToWorker)
      await Promise.race([closed, thread.exited])
      await thread.worker.terminate()
    },
  }
}
