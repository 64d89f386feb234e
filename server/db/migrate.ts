import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Log } from '../log.ts'
import { migrationFailed, migrationUnknown } from './errors.ts'

/**
 * Brings the database to the last of `migrations`: all that are pending in one transaction, under a lock that
 * other openers wait for. Refuses a database that a newer release has migrated.
 */
export async function migrate<T>(
  db: Kysely<T>,
  migrations: Record<string, Migration>,
  log: Log,
): Promise<void> {
  const known = Object.keys(migrations).toSorted()
  const done = await executed(db)
  const unknown = done.find((name) => !known.includes(name))
  if (unknown !== undefined) throw migrationUnknown(unknown)
  if (done.length === known.length) return

  const { error, results } = await db.connection().execute(async (session) => {
    // Building an index may take long, and so may waiting for the lock.
    await sql`set statement_timeout = 0`.execute(session)
    const migrator = new Migrator({ db: session, provider: { getMigrations: async () => migrations } })
    const outcome = await migrator.migrateToLatest()
    await sql`reset statement_timeout`.execute(session)
    return outcome
  })
  for (const result of results ?? [])
    if (result.status === 'Success') log.debug({ migration: result.migrationName }, 'migration done')
  if (error === undefined) return
  // Another opener may have migrated further while this one waited for the lock.
  const newer = (await executed(db)).find((name) => !known.includes(name))
  if (newer !== undefined) throw migrationUnknown(newer)
  throw migrationFailed(results?.find((result) => result.status === 'Error')?.migrationName ?? 'start', error)
}

/** Names of the migrations done; the usual start is this one query. */
async function executed<T>(db: Kysely<T>): Promise<string[]> {
  const { rows: tables } = await sql<{ found: boolean }>`
    select to_regclass('kysely_migration') is not null as found`.execute(db)
  if (!tables[0]?.found) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}
