import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { describe, expect, test } from 'vitest'
import { createEmptyDatabase, DATABASES, openTestDatabase } from '../../test/databases.ts'
import { createLog } from '../log.ts'
import { type Database, openDatabase } from './index.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'

const log = createLog('silent')

const makes = (table: string): Migration => ({
  up: async (db: Kysely<unknown>) => {
    await sql.raw(`create table ${table} (id int)`).execute(db)
  },
})

const exists = async ({ db }: Database, table: string): Promise<boolean> =>
  (await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(db)).rows[0]
    ?.found ?? false

describe.each(DATABASES)('migrations (%s)', (kind) => {
  test('are done in the order of their numbers, once', async () => {
    await using store = await openTestDatabase(kind)
    const order: string[] = []
    const noting = (name: string): Migration => ({ up: async () => void order.push(name) })
    const more = { ...migrations, '902-last': noting('902'), '901-first': noting('901') }
    await migrate(store.db, more, log)
    await migrate(store.db, more, log)
    expect(order).toEqual(['901', '902'])
  })

  test('that fail leave nothing behind, not even of those before, and name the culprit', async () => {
    await using store = await openTestDatabase(kind)
    const bad: Migration = {
      up: async (db) => {
        await sql`create table half (id int)`.execute(db)
        await sql`select 1 / 0`.execute(db)
      },
    }
    const failed = migrate(store.db, { ...migrations, '901-good': makes('good'), '902-bad': bad }, log)
    await expect(failed).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching(/"902-bad".*division by zero/),
    })
    expect([await exists(store, 'good'), await exists(store, 'half')]).toEqual([false, false])

    await migrate(store.db, { ...migrations, '901-good': makes('good') }, log)
    expect(await exists(store, 'good')).toBe(true)
  })

  test('of a newer release are refused with one sentence', async () => {
    await using store = await openTestDatabase(kind)
    await migrate(store.db, { ...migrations, '901-newer': makes('newer') }, log)
    await expect(migrate(store.db, migrations, log)).rejects.toMatchObject({
      code: 'database_newer',
      message: expect.stringContaining('"901-newer"'),
    })
  })

  test('may take longer than any statement of the server may', async () => {
    await using store = await openTestDatabase(kind, { statement: 300 })
    const slow: Migration = {
      up: async (db) => {
        await sql`
          with recursive slow (n, at) as (
            select 1, clock_timestamp() union all select n + 1, clock_timestamp() from slow
            where clock_timestamp() < now() + interval '800 milliseconds'
          ) select max(n) from slow`.execute(db)
      },
    }
    await migrate(store.db, { ...migrations, '901-slow': slow }, log)
    const { rows } = await sql<{ ms: string }>`
      select setting as ms from pg_settings where name = 'statement_timeout'`.execute(store.db)
    expect(rows).toEqual([{ ms: '300' }])
  })
})

describe.runIf(DATABASES.includes('postgres'))('migrations of several servers that start at once', () => {
  test('are done by one while the others wait', async () => {
    await using place = await createEmptyDatabase('postgres')
    const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase({ ...place, log })))
    const done = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      opened[0]!.db,
    )
    expect(done.rows.map(({ name }) => name)).toEqual(Object.keys(migrations))
    for (const store of opened) await store[Symbol.asyncDispose]()
  })
})
