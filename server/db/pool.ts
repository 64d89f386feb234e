import type { Duplex } from 'node:stream'
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import { databaseAway } from './errors.ts'
import { explain } from './explain.ts'
import type { Limits } from './limits.ts'

/** A pool whose connections run over the streams that `connect` makes. */
export function createPool(
  config: pg.PoolConfig,
  connect: () => Duplex,
  { log, limits }: { log: Log; limits: Limits },
): pg.Pool {
  const streams = new Set<Duplex>()
  const stream = (): Duplex => {
    const made = connect()
    streams.add(made)
    return made.once('close', () => streams.delete(made))
  }
  const pool = new pg.Pool({ connectionTimeoutMillis: limits.wait, ...config, stream })
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'))
  // A statement tells of its lost connection by itself; without a listener the event would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))

  const end = pool.end.bind(pool)
  pool.end = async () => {
    const cut = (): void => {
      for (const open of streams) open.destroy(databaseAway('the store is closing'))
    }
    const late = setTimeout(cut, limits.close)
    await end()
    clearTimeout(late)
  }
  return pool
}

/** The pool under Kysely: what it throws is explained. */
export function dialect(pool: pg.Pool): PostgresDialect {
  const explained: PostgresPool = {
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
  return new PostgresDialect({ pool: explained })
}

/**
 * A connection in somebody's hands. One that is lost goes back at once, as its holder may be waiting for something
 * else, and says from then on why it was lost.
 */
function held(client: pg.PoolClient): PostgresPoolClient {
  let isHeld = true
  let loss: Error | undefined
  const release = (error?: Error | boolean): void => {
    if (!isHeld) return
    isHeld = false
    client.off('error', lose)
    client.release(error)
  }
  const lose = (error: Error): void => {
    loss = error
    release(error)
  }
  client.on('error', lose)
  const query = client.query.bind(client) as (...statement: unknown[]) => Promise<unknown>
  return {
    async query(...statement: unknown[]) {
      try {
        if (loss !== undefined) throw loss
        return await query(...statement)
      } catch (error) {
        throw explain(error)
      }
    },
    release,
  } as PostgresPoolClient
}
