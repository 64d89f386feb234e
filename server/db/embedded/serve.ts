import type { PGlite } from '@electric-sql/pglite'
import { type Gauges, gauge } from './gauges.ts'
import { isStartup, isTerminate, queryUnit, valueIn } from './units.ts'

/** How PostgreSQL's own code leaves an ERROR. Anything else thrown out of it means that it cannot go on. */
const ERROR_RAISED = 100
const SMALL = 1 << 16
const LARGE = 1 << 22

/** The engine's compiled code, not in its published types. */
type Compiled = { _PostgresMainLoopOnce(this: void): void; _IsTransactionBlock(this: void): number }

type Heard = {
  answer: (session: number, bytes: Uint8Array<ArrayBuffer>) => void
  /** Must end the thread. */
  broken: (thrown: unknown) => never
}

/**
 * Serves one connection after the other with the engine's single session; what one leaves behind (an open transaction,
 * settings, prepared statements) is cleared before the next begins.
 */
export function serveSessions(engine: PGlite, gauges: Gauges, heard: Heard) {
  const compiled = engine.Module as unknown as Compiled
  const once = compiled._PostgresMainLoopOnce
  // The engine's own loop swallows whatever is thrown inside; after a PANIC or a trap it must not go on.
  compiled._PostgresMainLoopOnce = () => {
    try {
      once()
    } catch (thrown) {
      if ((thrown as { status?: unknown }).status !== ERROR_RAISED) heard.broken(thrown)
      throw thrown
    }
  }
  const inTransaction = (): boolean => compiled._IsTransactionBlock() !== 0

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

  let timeoutTouched = true
  /** The engine has no timers, so `statement_timeout` is kept outside, which needs to know its present value. */
  async function tellTimeout(unit: Buffer): Promise<void> {
    const open = inTransaction()
    Atomics.store(gauges, gauge.inTransaction, open ? 1n : 0n)
    timeoutTouched ||= unit.length < SMALL && unit.includes('statement_timeout')
    if (!timeoutTouched) return
    const value = valueIn(
      await run(queryUnit(`select setting from pg_settings where name = 'statement_timeout'`)),
    )
    // A transaction that has failed answers nothing until it ends.
    if (value === undefined) return
    Atomics.store(gauges, gauge.statementTimeout, BigInt(value))
    // A value set for the transaction only ends with it.
    timeoutTouched = open
  }

  async function clear(): Promise<void> {
    if (inTransaction()) await run(queryUnit('rollback'))
    await run(queryUnit('discard all'))
    Atomics.store(gauges, gauge.inTransaction, 0n)
    timeoutTouched = true
  }

  async function serve(session: number, unit: Buffer): Promise<void> {
    if (isTerminate(unit)) return clear()
    if (isStartup(unit)) await clear()
    const bytes = await run(unit)
    await tellTimeout(unit)
    heard.answer(session, bytes)
  }

  let turn = Promise.resolve()
  const next = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work).catch((thrown: unknown) => heard.broken(thrown))
    return turn
  }
  return {
    /** Runs a unit after those before it, and hands its answer over. A connection that ends is not answered. */
    take(session: number, unit: Uint8Array): void {
      void next(() => serve(session, Buffer.from(unit.buffer, unit.byteOffset, unit.byteLength)))
    },
    /** Writes everything down. */
    close: () =>
      next(async () => {
        if (inTransaction()) await run(queryUnit('rollback'))
        await engine.close()
      }),
  }
}
