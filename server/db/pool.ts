import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { explain } from './explain.ts'

/**
 * The driver's pool under Kysely: what it throws is explained, and a connection that is lost while someone holds it
 * goes back at once, so that a transaction that never ends does not keep its place in the pool.
 */
export function dialect(pool: Pool): PostgresDialect {
  return new PostgresDialect({ pool: explained(pool) })
}

function explained(pool: Pool): PostgresPool {
  // A lost connection tells its pool and its statement; without a listener of its own it would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    options: pool.options,
    async connect() {
      try {
        return held(await pool.connect())
      } catch (error) {
        throw explain(error)
      }
    },
    end: () => pool.end(),
  }
}

function held(client: PoolClient): PostgresPoolClient {
  let released = false
  const release = (lost?: Error | boolean): void => {
    if (released) return
    released = true
    client.off('error', release)
    client.release(lost)
  }
  client.on('error', release)
  return {
    async query(...statement: unknown[]) {
      try {
        return await (client.query as (...statement: unknown[]) => Promise<unknown>)(...statement)
      } catch (error) {
        throw explain(error)
      }
    },
    release,
  } as PostgresPoolClient
}
