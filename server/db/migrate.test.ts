import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { describe, expect, test } from 'vitest'
import { createEmptyDatabase, DATABASES, openTestDatabase } from '../../test/databases.ts'
import { createLog } from '../log.ts'
import { type Database, openDatabase } from './index.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'

const log = createLog('silent')

const createsTable = (table: string): Migration => ({
  up: async (db: Kysely<unknown>) => {
    await sql.raw(`create table ${table} (id int)`).execute(db)
  },
})

const exists = async ({ db }: Database, table: string): Promise<boolean> =>
  (await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(db)).rows[0]
    ?.found ?? false

describe.each(DATABASES)('migrations (%s)', (kind) => {
  test('are executed once, in the order of their numbers', async () => {
    await using database = await openTestDatabase(kind)
    const order: string[] = []
    const recordOrder = (name: string): Migration => ({ up: async () => void order.push(name) })
    const more = { ...migrations, '902-last': recordOrder('902'), '901-first': recordOrder('901') }
    await migrate(database.db, more, log)
    await migrate(database.db, more, log)
    expect(order).toEqual(['901', '902'])
  })

  test('are rolled back together when one fails, and the error names it', async () => {
    await using database = await openTestDatabase(kind)
    const bad: Migration = {
      up: async (db) => {
        await sql`create table half (id int)`.execute(db)
        await sql`select 1 / 0`.execute(db)
      },
    }
    const failed = migrate(
      database.db,
      { ...migrations, '901-good': createsTable('good'), '902-bad': bad },
      log,
    )
    await expect(failed).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching(/"902-bad".*division by zero/),
    })
    expect([await exists(database, 'good'), await exists(database, 'half')]).toEqual([false, false])

    await migrate(database.db, { ...migrations, '901-good': createsTable('good') }, log)
    expect(await exists(database, 'good')).toBe(true)
  })

  test('of a newer release are rejected with a clear error', async () => {
    await using database = await openTestDatabase(kind)
    await migrate(database.db, { ...migrations, '901-newer': createsTable('newer') }, log)
    await expect(migrate(database.db, migrations, log)).rejects.toMatchObject({
      code: 'database_newer',
      message: expect.stringContaining('"901-newer"'),
    })
  })

  test('can take longer than the statement timeout', async () => {
    await using database = await openTestDatabase(kind, { statementTimeoutMs: 300 })
    const slow: Migration = {
      up: async (db) => {
        await sql`
          with recursive slow (n, at) as (
            select 1, clock_timestamp() union all select n + 1, clock_timestamp() from slow
            where clock_timestamp() < now() + interval '800 milliseconds'
          ) select max(n) from slow`.execute(db)
      },
    }
    await migrate(database.db, { ...migrations, '901-slow': slow }, log)
    const { rows } = await sql<{ ms: string }>`
      select setting as ms from pg_settings where name = 'statement_timeout'`.execute(database.db)
    expect(rows).toEqual([{ ms: '300' }])
  })
})

describe.runIf(DATABASES.includes('postgres'))('migrations of several servers that start at once', () => {
  test('are executed by one process while the others wait', async () => {
    await using place = await createEmptyDatabase('postgres')
    const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase({ ...place, log })))
    const done = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      opened[0]!.db,
    )
    expect(done.rows.map(({ name }) => name)).toEqual(Object.keys(migrations))
    for (const database of opened) await database[Symbol.asyncDispose]()
  })
})
