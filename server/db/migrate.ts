import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Log } from '../log.ts'
import { migrationFailed, migrationUnknown } from './errors.ts'

/**
 * Executes the pending migrations in one transaction, under a lock that other processes wait for. Calls `keepCopy`
 * before it changes a database that has been migrated before. Throws if a newer release has migrated the database.
 */
export async function migrate<T>(
  db: Kysely<T>,
  migrations: Record<string, Migration>,
  log: Log,
  keepCopy: () => Promise<void> = async () => {},
): Promise<void> {
  const known = Object.keys(migrations).toSorted()
  const executed = await listExecuted(db)
  const unknown = executed.find((name) => !known.includes(name))
  if (unknown !== undefined) throw migrationUnknown(unknown)
  if (executed.length === known.length) return
  if (executed.length > 0) await keepCopy()

  const { error, results } = await db.connection().execute(async (session) => {
    // Building an index or waiting for the lock may take longer than the timeout of a statement.
    await sql`set statement_timeout = 0`.execute(session)
    const migrator = new Migrator({ db: session, provider: { getMigrations: async () => migrations } })
    const outcome = await migrator.migrateToLatest()
    await sql`reset statement_timeout`.execute(session)
    return outcome
  })
  for (const result of results ?? [])
    if (result.status === 'Success') log.debug({ migration: result.migrationName }, 'migration executed')
  if (error === undefined) return
  // Another process may have executed newer migrations while this one waited for the lock.
  const newer = (await listExecuted(db)).find((name) => !known.includes(name))
  if (newer !== undefined) throw migrationUnknown(newer)
  throw migrationFailed(results?.find((result) => result.status === 'Error')?.migrationName ?? 'start', error)
}

/** Returns the names of the executed migrations. */
async function listExecuted<T>(db: Kysely<T>): Promise<string[]> {
  const { rows: tables } = await sql<{ found: boolean }>`
    select to_regclass('kysely_migration') is not null as found`.execute(db)
  if (!tables[0]?.found) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}
