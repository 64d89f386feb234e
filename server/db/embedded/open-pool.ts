import type pg from 'pg'
import type { Log } from '../../log.ts'
import { defaultLimits } from '../limits.ts'
import { createPool } from '../pool.ts'
import { type SupervisedEngine, startEngine } from './supervisor.ts'

/** The pool for the only session of the embedded engine. */
export const createEmbeddedPool = (
  engine: SupervisedEngine,
  parts: { log: Log; limits: typeof defaultLimits },
): pg.Pool =>
  createPool(
    { max: 1, idleTimeoutMillis: 0, user: 'postgres', database: 'postgres', ssl: false, pipeline: true },
    engine.connect,
    parts,
  )

/** The maximum delay of `setTimeout`, in place of no limit. */
const noLimitMs = 2 ** 31 - 1

/** Opens a database directory without maintenance or time limits, for a program that reads or fills all of it. */
export async function openDirectory(
  dir: string,
  log: Log,
): Promise<{ pool: pg.Pool; [Symbol.asyncDispose](): Promise<void> }> {
  const limits = { ...defaultLimits, statementTimeoutMs: 0, idleInTransactionTimeoutMs: noLimitMs }
  const engine = startEngine({ dir, log, limits })
  await engine.open()
  const pool = createEmbeddedPool(engine, { log, limits })
  return {
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end()
      await engine.close()
    },
  }
}
