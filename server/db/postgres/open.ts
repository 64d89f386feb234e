import { Socket } from 'node:net'
import { sql } from 'kysely'
import type { Log } from '../../log.ts'
import type { Engine } from '../engine.ts'
import type { Limits } from '../limits.ts'
import { createPool } from '../pool.ts'
import { checkServer } from './check.ts'
import { startListener } from './listener.ts'

/**
 * Opens a PostgreSQL server. A transaction is tried once: a deadlock ends it with `database_conflict`, a lost
 * connection with `database_away`, and what to do then only its caller knows.
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
  const config = {
    connectionString: url,
    application_name: 'gabee',
    keepAlive: true,
    statement_timeout: limits.statement,
    idle_in_transaction_session_timeout: limits.idleInTransaction,
  }
  const pool = createPool(
    { ...config, max: limits.connections, idleTimeoutMillis: 60_000 },
    () => new Socket(),
    { log, limits },
  )
  try {
    await checkServer(pool, url)
  } catch (error) {
    await pool.end()
    throw error
  }
  const listener = startListener({ ...config, connectionTimeoutMillis: limits.wait }, log)
  return {
    kind: 'postgres',
    pool,
    transaction: async (db, work) => db.transaction().execute(work),
    listen: listener.listen,
    notify: async (on, channel, payload) => {
      await sql`select pg_notify(${channel}, ${payload})`.execute(on)
    },
    stats: () => ({}),
    rest: async () => listener.close(),
    close: async () => {},
  }
}
