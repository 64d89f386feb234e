import { Kysely } from 'kysely'
import type { Log } from '../log.ts'
import type { Database } from './database.ts'
import { openEmbedded } from './embedded/open.ts'
import { explain } from './explain.ts'
import { LIMITS, type Limits } from './limits.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { dialect } from './pool.ts'
import { openPostgres } from './postgres/open.ts'
import type { Tables } from './tables.ts'

/**
 * Opens the store and brings its schema up to date: the PostgreSQL server at `url`, or else the PostgreSQL embedded in
 * the data directory `dir`, which nobody else may have open. Throws an AppError that says what is wrong and what to do.
 */
export async function openDatabase(options: {
  url?: string | undefined
  dir: string
  log: Log
  limits?: Partial<Limits>
}): Promise<Database> {
  const { url, dir, log } = options
  const limits = { ...LIMITS, ...options.limits }
  const engine = await (url === undefined
    ? openEmbedded({ dir, log, limits })
    : openPostgres({ url, log, limits }))
  const { kind, pool, listen, notify, transaction } = engine
  const db = new Kysely<Tables>({ dialect: dialect(pool) })

  async function close(): Promise<void> {
    await engine.rest()
    await db.destroy()
    await engine.close()
  }
  try {
    await migrate(db, migrations, log)
  } catch (error) {
    await close()
    throw error
  }
  return {
    kind,
    db,
    transaction: (work) => transaction(db, work),
    listen,
    notify,
    async ping() {
      try {
        await pool.query('select 1')
      } catch (error) {
        throw explain(error)
      }
    },
    stats: () => ({
      connections: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      ...engine.stats(),
    }),
    [Symbol.asyncDispose]: close,
  }
}
