import type { PGlite } from '@electric-sql/pglite'
import type { DurableNodeFS } from './durable-fs.ts'
import { type Gauges, gauge } from './gauges.ts'
import { isStartup, isTerminate, queryRequest, readSingleValue } from './requests.ts'

/** The exit status by which PostgreSQL's code raises an ERROR. After any other exception the engine cannot continue. */
const ERROR_RAISED = 100
const SMALL_BYTES = 1 << 16
const LARGE_BYTES = 1 << 22
/**
 * How long a response may wait for others that share its sync: one rotation of a hard disk at 7,200 rpm, the slowest
 * sync.
 */
const MAX_HOLD_MS = 8

/** The engine's compiled functions, which its published types do not include. */
type Compiled = { _PostgresMainLoopOnce(this: void): void; _IsTransactionBlock(this: void): number }

type Handlers = {
  onResponse: (session: number, bytes: Uint8Array<ArrayBuffer>) => void
  /** Must exit the thread. */
  onBroken: (thrown: unknown) => never
}

/**
 * Serves one connection at a time with the single session of the engine. The state of a connection (an open
 * transaction, settings, prepared statements) is reset before the next one starts.
 *
 * Requests that wait together share one sync of their commits; their responses are sent after it.
 */
export function createSessionServer(
  engine: PGlite,
  fs: Pick<DurableNodeFS, 'isSyncDue' | 'sync'>,
  gauges: Gauges,
  { onResponse, onBroken }: Handlers,
) {
  const compiled = engine.Module as unknown as Compiled
  const once = compiled._PostgresMainLoopOnce
  // The engine's loop catches all exceptions, but must not continue after a PANIC or a trap.
  compiled._PostgresMainLoopOnce = () => {
    try {
      once()
    } catch (thrown) {
      if ((thrown as { status?: unknown }).status !== ERROR_RAISED) onBroken(thrown)
      throw thrown
    }
  }
  const isInTransaction = (): boolean => compiled._IsTransactionBlock() !== 0

  let response = Buffer.allocUnsafeSlow(SMALL_BYTES)
  let length = 0
  /** The engine passes a response in chunks of 8 kB, which are valid during the call only. */
  function append(chunk: Uint8Array): void {
    if (length + chunk.length > response.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (length + chunk.length))
      response.copy(larger, 0, 0, length)
      response = larger
    }
    response.set(chunk, length)
    length += chunk.length
  }

  /** Executes a request; without `syncToFs` nothing in it is asynchronous. */
  async function run(request: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    length = 0
    await engine.execProtocolRawStream(request, { syncToFs: false, onRawData: append })
    const whole = new Uint8Array(response.subarray(0, length))
    if (response.length > LARGE_BYTES) response = Buffer.allocUnsafeSlow(SMALL_BYTES)
    return whole
  }

  let isTimeoutUnknown = true
  /** Publishes the current `statement_timeout`, which another thread enforces, as the engine has no timers. */
  async function publishTimeout(request: Buffer): Promise<void> {
    const open = isInTransaction()
    Atomics.store(gauges, gauge.inTransaction, open ? 1n : 0n)
    isTimeoutUnknown ||= request.length < SMALL_BYTES && request.includes('statement_timeout')
    if (!isTimeoutUnknown) return
    const value = readSingleValue(
      await run(queryRequest(`select setting from pg_settings where name = 'statement_timeout'`)),
    )
    // A failed transaction executes no statements until it ends.
    if (value === undefined) return
    Atomics.store(gauges, gauge.statementTimeoutMs, BigInt(value))
    // A value that is set for the transaction ends with it.
    isTimeoutUnknown = open
  }

  async function reset(): Promise<void> {
    if (isInTransaction()) await run(queryRequest('rollback'))
    await run(queryRequest('discard all'))
    Atomics.store(gauges, gauge.inTransaction, 0n)
    isTimeoutUnknown = true
  }

  async function serve(session: number, request: Buffer): Promise<void> {
    if (isTerminate(request)) return reset()
    if (isStartup(request)) await reset()
    const bytes = await run(request)
    await publishTimeout(request)
    if (!fs.isSyncDue && held.length === 0) return onResponse(session, bytes)
    if (held.length === 0) {
      heldSince = performance.now()
      setImmediate(sendHeld)
    }
    held.push({ session, bytes })
    if (performance.now() - heldSince >= MAX_HOLD_MS) sendHeld()
  }

  let held: { session: number; bytes: Uint8Array<ArrayBuffer> }[] = []
  let heldSince = 0
  /** Syncs, then sends the responses that waited for it. */
  function sendHeld(): void {
    try {
      fs.sync()
    } catch (thrown) {
      onBroken(thrown)
    }
    const responses = held
    held = []
    for (const { session, bytes } of responses) onResponse(session, bytes)
  }

  let last = Promise.resolve()
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work).catch((thrown: unknown) => onBroken(thrown))
    return last
  }
  return {
    /** Executes requests in order and returns their responses; the end of a connection has none. */
    handle(session: number, request: Uint8Array): void {
      void enqueue(() => serve(session, Buffer.from(request.buffer, request.byteOffset, request.byteLength)))
    },
    /** Shuts the engine down after the queued requests. */
    close: () =>
      enqueue(async () => {
        if (isInTransaction()) await run(queryRequest('rollback'))
        sendHeld()
        await engine.close()
      }),
  }
}
