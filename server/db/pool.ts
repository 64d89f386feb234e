import type { Duplex } from 'node:stream'
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import { databaseAway } from './errors.ts'
import type { Limits } from './limits.ts'
import { createStatementNames } from './statement-names.ts'
import { isSchemaChange, translateError } from './translate-error.ts'

/** Creates a pool whose connections use the streams that `connect` returns. */
export function createPool(
  config: pg.PoolConfig,
  connect: () => Duplex,
  { log, limits }: { log: Log; limits: Limits },
): pg.Pool {
  const streams = new Set<Duplex>()
  const stream = (): Duplex => {
    const created = connect()
    streams.add(created)
    return created.once('close', () => streams.delete(created))
  }
  const pool = new pg.Pool({ connectionTimeoutMillis: limits.connectTimeoutMs, ...config, stream })
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'))
  // A statement reports a lost connection itself; without a listener the event would terminate the process.
  pool.on('connect', (client) => client.on('error', () => {}))

  const end = pool.end.bind(pool)
  pool.end = async () => {
    const destroyAll = (): void => {
      for (const open of streams) open.destroy(databaseAway('the database is closing'))
    }
    const timeout = setTimeout(destroyAll, limits.closeTimeoutMs)
    await end()
    clearTimeout(timeout)
  }
  return pool
}

/** Creates a Kysely dialect on the pool that prepares frequent statements and throws translated errors. */
export function createDialect(pool: pg.Pool, translate = translateError): PostgresDialect {
  const nameOf = createStatementNames()
  const translating: PostgresPool = {
    options: pool.options,
    async connect() {
      try {
        return wrapClient(await pool.connect(), translate, nameOf)
      } catch (error) {
        throw translate(error)
      }
    },
    end: () => pool.end(),
  }
  return new PostgresDialect({ pool: translating })
}

/**
 * Wraps a connection that was checked out of the pool. When it is lost, or has prepared statements of an older schema,
 * it returns to the pool at once, as its user may be waiting for something else; later queries throw the reason.
 */
function wrapClient(
  client: pg.PoolClient,
  translate: typeof translateError,
  nameOf: (text: string) => string | undefined,
): PostgresPoolClient {
  let isReleased = false
  let loss: Error | undefined
  const release = (error?: Error | boolean): void => {
    if (isReleased) return
    isReleased = true
    client.off('error', onLost)
    client.release(error)
  }
  const onLost = (error: Error): void => {
    loss = error
    release(error)
  }
  client.on('error', onLost)
  const query = client.query.bind(client) as (...statement: unknown[]) => Promise<unknown>
  return {
    async query(...statement: unknown[]) {
      const [text, values] = statement
      const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined
      try {
        if (loss !== undefined) throw loss
        return await (name === undefined ? query(...statement) : query({ name, text, values }))
      } catch (error) {
        if (isSchemaChange(error)) onLost(error)
        throw translate(error)
      }
    },
    release,
  } as PostgresPoolClient
}
