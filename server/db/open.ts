import { Kysely } from 'kysely'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Database } from './database.ts'
import { openEmbedded } from './embedded/open.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { createDialect } from './pool.ts'
import { openPostgres } from './postgres/open.ts'
import type { Tables } from './tables.ts'
import { translateError } from './translate-error.ts'

/** How long a full disk is reported after the last write that failed. */
const diskFullMs = 60_000

/**
 * Opens the PostgreSQL server at `url`, or by default the PostgreSQL embedded in the data directory `dir`, which no
 * other process may have open, and migrates its schema. Throws an AppError that says what to do.
 */
export async function openDatabase(options: {
  url?: string | undefined
  dir: string
  log: Log
  limits?: Partial<Limits>
  /** Called with the duration of each statement, in milliseconds. */
  onStatement?: (ms: number) => void
}): Promise<Database> {
  const { url, dir, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const engine = await (url === undefined
    ? openEmbedded({ dir, log, limits })
    : openPostgres({ url, log, limits }))
  const { kind, pool, listen, notify, transaction } = engine
  let diskFullAt = Number.NEGATIVE_INFINITY
  const translate = (error: unknown): unknown => {
    const translated = translateError(error)
    if (translated instanceof AppError && translated.status === 507) diskFullAt = performance.now()
    return translated
  }
  const db = new Kysely<Tables>({
    dialect: createDialect(engine.connections, translate, options.onStatement, {
      preparesSearches: kind === 'embedded',
    }),
  })

  async function close(): Promise<void> {
    await engine.stop()
    await db.destroy()
    await engine.close()
  }
  try {
    await migrate(db, migrations, log, engine.copy?.keep)
    await engine.copy?.delete()
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
    purge: engine.purge,
    readSnapshot: engine.readSnapshot,
    async ping() {
      try {
        await pool.query('select 1')
      } catch (error) {
        throw translateError(error)
      }
    },
    isDiskFull: () => performance.now() - diskFullAt < diskFullMs,
    stats: () => ({
      connections: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      ...engine.stats(),
    }),
    [Symbol.asyncDispose]: close,
  }
}
