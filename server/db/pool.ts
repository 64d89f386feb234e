import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import { databaseUnavailable } from './errors.ts'
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
      for (const open of streams) open.destroy(databaseUnavailable('the database is closing'))
    }
    const timeout = setTimeout(destroyAll, limits.closeTimeoutMs)
    await end()
    clearTimeout(timeout)
  }
  return pool
}

/** The source of Kysely's connections: a pool, or a wrapper of one. */
export type ConnectionSource = Pick<pg.Pool, 'options' | 'end'> & { connect(): Promise<Connection> }
type Connection = Pick<EventEmitter, 'on' | 'off'> & {
  query(statement: { name: string | undefined; text: string; values: unknown[] }): Promise<unknown>
  release(error?: Error): void
}

/** Creates a Kysely dialect that prepares frequent statements and throws translated errors. */
export function createDialect(
  source: ConnectionSource,
  translate = translateError,
  onStatement: (ms: number) => void = () => {},
  { preparesSearches } = { preparesSearches: false },
): PostgresDialect {
  const nameOf = createStatementNames({ preparesSearches })
  const translating: PostgresPool = {
    options: source.options,
    async connect() {
      try {
        return wrapClient(await source.connect(), { translate, nameOf, onStatement })
      } catch (error) {
        throw translate(error)
      }
    },
    end: () => source.end(),
  }
  return new PostgresDialect({ pool: translating })
}

/**
 * Wraps a connection that was checked out of the pool. If the connection is lost, or has prepared statements of an
 * older schema, it returns to the pool at once, even if its caller is idle; later queries throw the reason.
 */
function wrapClient(
  client: Connection,
  {
    translate,
    nameOf,
    onStatement,
  }: {
    translate: typeof translateError
    nameOf: (text: string) => string | undefined
    onStatement(ms: number): void
  },
): PostgresPoolClient {
  let isReleased = false
  let loss: Error | undefined
  /** Kysely passes whether it has discarded the connection. */
  const release = (reason?: Error | boolean): void => {
    if (isReleased) return
    isReleased = true
    client.off('error', onLost)
    client.release(reason === true ? new Error('the connection was discarded') : reason || undefined)
  }
  const onLost = (error: Error): void => {
    loss = error
    release(error)
  }
  client.on('error', onLost)
  return {
    async query(text: string, values: unknown[]) {
      const startedAt = performance.now()
      try {
        if (loss !== undefined) throw loss
        return await client.query({ name: nameOf(text), text, values })
      } catch (error) {
        if (isSchemaChange(error)) onLost(error)
        throw translate(error)
      } finally {
        onStatement(performance.now() - startedAt)
      }
    },
    release,
  } as PostgresPoolClient
}
