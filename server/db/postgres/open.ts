import { Socket } from 'node:net'
import { sql } from 'kysely'
import type { Pool } from 'pg'
import type { Log } from '../../log.ts'
import type { Engine } from '../engine.ts'
import { defaultLimits, type Limits } from '../limits.ts'
import { createPool } from '../pool.ts'
import { readSnapshot } from '../snapshot.ts'
import { checkServer } from './check-server.ts'
import { startListener } from './listener.ts'

/**
 * Opens a PostgreSQL server. Transactions are not retried: a deadlock throws `database_conflict`, a lost connection
 * `database_away`, and the caller decides what to do.
 */
export async function openPostgres({
  url,
  log,
  limits,
}: {
  url: string
  log: Log
  limits: Limits
}): Promise<Engine> {
  const pool = await openPool({ url, log, limits })
  const listener = startListener(
    { ...configOf(url, limits), connectionTimeoutMillis: limits.connectTimeoutMs },
    log,
  )
  return {
    kind: 'postgres',
    pool,
    connections: pool,
    transaction: async (db, work) => db.transaction().execute(work),
    listen: listener.listen,
    notify: async (on, channel, payload) => {
      await sql`select pg_notify(${channel}, ${payload})`.execute(on)
    },
    purge: async () => {},
    readSnapshot: (work) => readSnapshot(pool, work),
    stats: () => ({}),
    stop: async () => listener.close(),
    close: async () => {},
  }
}

const configOf = (url: string, limits: Limits) => ({
  connectionString: url,
  application_name: 'gabee',
  keepAlive: true,
  statement_timeout: limits.statementTimeoutMs,
  idle_in_transaction_session_timeout: limits.idleInTransactionTimeoutMs,
})

/** Opens a pool to a server after checking that it meets the requirements. */
export async function openPool({
  url,
  log,
  limits = defaultLimits,
}: {
  url: string
  log: Log
  limits?: Limits
}): Promise<Pool> {
  const pool = createPool(
    { ...configOf(url, limits), max: limits.maxConnections, idleTimeoutMillis: 60_000 },
    () => new Socket(),
    { log, limits },
  )
  try {
    await checkServer(pool, url)
  } catch (error) {
    await pool.end()
    throw error
  }
  return pool
}
