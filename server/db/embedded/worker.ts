import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { DurableNodeFS } from './durable-fs.ts'
import { gauge } from './gauges.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { isStartup, isTerminate, queryUnit, settingIn } from './units.ts'

/**
 * The embedded PostgreSQL, alone in its thread: it blocks while a statement runs. Its single session serves one
 * connection after the other; what one leaves behind is cleared before the next begins.
 */

if (parentPort === null) throw new Error('This file runs as a worker thread.')
const port = parentPort
const { dir, gauges, statementTimeout } = workerData as WorkerStart
const say = (message: FromWorker): void => port.postMessage(message)

/** How PostgreSQL's own code leaves an ERROR. Anything else thrown out of it means that it cannot go on. */
const ERROR_RAISED = 100
const SMALL = 1 << 16
const LARGE = 1 << 22

/** The engine's last words, for the log. */
const said: string[] = []
const hear = (line: string): false => {
  said.push(line)
  if (said.length > 20) said.shift()
  return false
}

const options = {
  fs: new DurableNodeFS(dir, gauges),
  extensions: { vector },
  startParams: [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
    ...['-c', 'wal_sync_method=fsync'],
    ...['-c', `statement_timeout=${statementTimeout}`],
  ],
  // Read by the engine, though not in its published types.
  onStdout: hear,
  onStderr: hear,
}
const engine = await PGlite.create(options).catch((cause: unknown) => {
  throw new Error(`The embedded database did not open: ${[String(cause), ...said].join('\n')}`, { cause })
})

// The engine's own loop swallows whatever is thrown inside; after a PANIC or a trap it must not go on.
const inside = engine.Module as unknown as { _PostgresMainLoopOnce(): void; _IsTransactionBlock(): number }
const once = inside._PostgresMainLoopOnce
inside._PostgresMainLoopOnce = () => {
  try {
    once()
  } catch (thrown) {
    if ((thrown as { status?: unknown }).status === ERROR_RAISED) throw thrown
    say({ type: 'broken', reason: [String(thrown), ...said].join('\n') })
    process.exit(1)
  }
}

let answer = Buffer.allocUnsafeSlow(SMALL)
let length = 0
/** The engine hands an answer over in pieces of 8 kB, each gone after the call. */
function keep(piece: Uint8Array): void {
  if (length + piece.length > answer.length) {
    const larger = Buffer.allocUnsafeSlow(2 * (length + piece.length))
    answer.copy(larger, 0, 0, length)
    answer = larger
  }
  answer.set(piece, length)
  length += piece.length
}

/** Runs one unit to its end; with `syncToFs` off nothing in it waits. */
async function run(unit: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  length = 0
  await engine.execProtocolRawStream(unit, { syncToFs: false, onRawData: keep })
  const whole = new Uint8Array(answer.subarray(0, length))
  if (answer.length > LARGE) answer = Buffer.allocUnsafeSlow(SMALL)
  return whole
}

const inTransaction = (): boolean => inside._IsTransactionBlock() !== 0

async function clearSession(): Promise<void> {
  if (inTransaction()) await run(queryUnit('rollback'))
  await run(queryUnit('discard all'))
  timeoutTouched = true
}

/** The engine has no timers of its own, so the thread outside keeps `statement_timeout`; this tells it the present value. */
let timeoutTouched = true
async function tellTimeout(unit: Buffer): Promise<void> {
  const open = inTransaction()
  Atomics.store(gauges, gauge.inTransaction, open ? 1n : 0n)
  timeoutTouched ||= unit.length < SMALL && unit.includes('statement_timeout')
  if (!timeoutTouched) return
  const setting = settingIn(
    await run(queryUnit(`select setting from pg_settings where name = 'statement_timeout'`)),
  )
  if (setting === undefined) return
  Atomics.store(gauges, gauge.statementTimeout, BigInt(setting))
  // A value set for the transaction only ends with it.
  timeoutTouched = open
}

async function serve(message: ToWorker): Promise<void> {
  if (message.type === 'close') {
    if (inTransaction()) await run(queryUnit('rollback'))
    await engine.close()
    say({ type: 'closed' })
    return
  }
  const unit = Buffer.from(message.unit.buffer, message.unit.byteOffset, message.unit.byteLength)
  if (isTerminate(unit)) return clearSession()
  if (isStartup(unit)) await clearSession()
  const bytes = await run(unit)
  await tellTimeout(unit)
  say({ type: 'answer', session: message.session, bytes })
}

let turn = Promise.resolve()
port.on('message', (message: ToWorker) => {
  turn = turn.then(() => serve(message))
})
say({ type: 'ready' })
