import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES, openTestDatabase, truncateTables } from '../../test/databases.ts'
import { type Database, newId, violatedUnique } from './index.ts'

type OpenDatabase = Awaited<ReturnType<typeof openTestDatabase>>

const addUser = async (on: Database['db'], name: string): Promise<string> => {
  const id = newId()
  await on.insertInto('users').values({ id, display_name: name }).execute()
  return id
}
const names = async ({ db }: Database): Promise<string[]> =>
  (await db.selectFrom('users').select('display_name').orderBy('display_name').execute()).map(
    (user) => user.display_name,
  )

/** Takes longer than every timeout of these tests. */
const endless = sql`select count(*) from generate_series(1, 100000000000)`

for (const kind of DATABASES) {
  describe(`the database (${kind})`, () => {
    let database: OpenDatabase
    beforeAll(async () => {
      database = await openTestDatabase(kind)
    })
    afterEach(() => truncateTables(database))
    afterAll(() => database[Symbol.asyncDispose]())

    test('stores all changes of a transaction or none', async () => {
      await database.transaction(async (trx) => {
        await addUser(trx, 'ada')
        await addUser(trx, 'bob')
      })
      const failed = database.transaction(async (trx) => {
        await addUser(trx, 'eve')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      expect(await names(database)).toEqual(['ada', 'bob'])
    })

    test('prepares frequent statements, and continues after another server has changed their table', async () => {
      const read = async () => database.db.selectFrom('settings').selectAll().where('key', '=', 'x').execute()
      const prepared = async () => {
        const { rows } = await sql<{ count: number }>`
          select count(*)::int as count from pg_prepared_statements where statement like '%"settings"%'`.execute(
          database.db,
        )
        return rows[0]?.count
      }
      for (let i = 0; i < 10; i++) await read()
      expect(await prepared()).toBe(1)
      await sql`alter table settings add column added int`.execute(database.db)
      await expect(read()).rejects.toMatchObject({ code: 'database_conflict' })
      expect(await read()).toEqual([])
      await sql`alter table settings drop column added`.execute(database.db)
    })

    test('serializes transactions that lock the same row', async () => {
      const id = await addUser(database.db, '0')
      const addOne = () =>
        database.transaction(async (trx) => {
          const user = await trx
            .selectFrom('users')
            .select('display_name')
            .where('id', '=', id)
            .forUpdate()
            .executeTakeFirstOrThrow()
          await trx
            .updateTable('users')
            .set({ display_name: String(Number(user.display_name) + 1) })
            .where('id', '=', id)
            .execute()
        })
      await Promise.all(Array.from({ length: 50 }, addOne))
      expect(await names(database)).toEqual(['50'])
    })

    test('returns the right result to each of many concurrent queries', async () => {
      const asked = Array.from({ length: 300 }, (_, i) => i)
      const answered = await Promise.all(
        asked.map(
          async (i) => (await sql<{ n: number }>`select ${i}::int as n`.execute(database.db)).rows[0]?.n,
        ),
      )
      expect(answered).toEqual(asked)
    })

    test('sends a statement while an earlier one is running, also after another one has ended', async () => {
      const first = sql`select 1`.execute(database.db)
      const slow = sql`select count(*) from generate_series(1, 1000000)`.execute(database.db)
      await first
      const next = sql`select 2`.execute(database.db)
      await setImmediate()
      expect(database.stats().waiting).toBe(0)
      await Promise.all([slow, next])
    })

    test('stores and returns a value of 20 MB', async () => {
      const text = 'größer'.repeat(3_000_000)
      const { rows } = await sql<{ text: string; length: number }>`
        select ${text}::text as text, length(${text}) as length`.execute(database.db)
      expect(rows[0]?.length).toBe(text.length)
      expect(rows[0]?.text === text).toBe(true)
    })

    test('reports the unique index that a row violates', async () => {
      await database.db
        .insertInto('users')
        .values({ id: newId(), display_name: 'ada', handle: 'ada' })
        .execute()
      const again = database.db
        .insertInto('users')
        .values({ id: newId(), display_name: 'ada', handle: 'ada' })
      const error = await again.execute().catch((thrown: unknown) => thrown)
      expect(violatedUnique(error)).toBe('users_handle_key')
    })

    test('rejects COPY FROM STDIN and stays usable', async () => {
      await expect(sql`copy users from stdin`.execute(database.db)).rejects.toThrow(/COPY from stdin failed/)
      await expect(sql.raw('copy users from stdin').execute(database.db)).rejects.toThrow(
        /COPY from stdin failed/,
      )
      const { rows } = await sql<{ text: string }>`select 'copy users from stdin' as text`.execute(
        database.db,
      )
      expect(rows).toEqual([{ text: 'copy users from stdin' }])
    })

    test('delivers notifications of a transaction after its commit, and never after a rollback', async () => {
      const received: string[] = []
      const last = Promise.withResolvers<void>()
      const stop = await database.listen('news', (payload) => {
        received.push(payload)
        if (payload === 'last') last.resolve()
      })
      const elsewhere = await database.listen('other', (payload) => received.push(`other ${payload}`))
      await database.transaction(async (trx) => {
        await database.notify(trx, 'news', 'sent in a transaction')
        await addUser(trx, 'ada')
        await database.notify(trx, 'other', 'too')
        expect(received).toEqual([])
      })
      const failed = database.transaction(async (trx) => {
        await database.notify(trx, 'news', 'never')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await database.notify(database.db, 'news', 'last')
      await last.promise
      expect(received).toEqual(['sent in a transaction', 'other too', 'last'])

      await stop()
      await database.notify(database.db, 'news', 'nobody listens')
      await database.notify(database.db, 'other', 'end')
      await expect.poll(() => received.at(-1)).toBe('other end')
      expect(received).not.toContain('nobody listens')
      await elsewhere()
    })

    test('creates ids that sort by creation time', () => {
      const ids = Array.from({ length: 100 }, newId)
      expect(ids.toSorted()).toEqual(ids)
    })

    test('reports its connections', async () => {
      await database.ping()
      expect(database.stats()).toMatchObject({ waiting: 0 })
      expect(database.stats().connections).toBeGreaterThan(0)
      expect(database.stats().idle).toBe(database.stats().connections)
    })
  })

  describe(`the limits of the database (${kind})`, () => {
    test('throws database_busy for a query outside of a transaction that holds the last connection', async () => {
      await using database = await openTestDatabase(kind, { maxConnections: 1, connectTimeoutMs: 1_000 })
      const nested = database.transaction(async () => {
        const waiting = addUser(database.db, 'ada')
        await expect.poll(() => database.stats().waiting).toBe(1)
        await waiting
      })
      await expect(nested).rejects.toMatchObject({ status: 503, code: 'database_busy' })
      await addUser(database.db, 'bob')
      expect(await names(database)).toEqual(['bob'])
    })

    test('cancels a statement after its timeout and keeps all committed data', async () => {
      await using database = await openTestDatabase(kind, { maxConnections: 1, statementTimeoutMs: 500 })
      await addUser(database.db, 'ada')
      const stuck = database.transaction(async (trx) => {
        await addUser(trx, 'eve')
        await endless.execute(trx)
      })
      const later = addUser(database.db, 'bob')
      await expect(stuck).rejects.toMatchObject({ status: 503, code: 'database_timeout' })
      await later
      expect(await names(database)).toEqual(['ada', 'bob'])
    })

    test('applies a local statement timeout to its transaction only', async () => {
      await using database = await openTestDatabase(kind, { maxConnections: 1, statementTimeoutMs: 300 })
      const slow = sql<{ n: number }>`
        with recursive slow (n, at) as (
          select 1, clock_timestamp() union all select n + 1, clock_timestamp() from slow
          where clock_timestamp() < now() + interval '900 milliseconds'
        ) select max(n) as n from slow`
      await database.transaction(async (trx) => {
        await sql`set local statement_timeout = '20s'`.execute(trx)
        expect((await slow.execute(trx)).rows[0]?.n).toBeGreaterThan(1)
      })
      await expect(slow.execute(database.db)).rejects.toMatchObject({ code: 'database_timeout' })
    })

    test('rolls back an idle transaction and frees its connection', async () => {
      await using database = await openTestDatabase(kind, {
        maxConnections: 1,
        idleInTransactionTimeoutMs: 200,
      })
      const idle = database.transaction(async (trx) => {
        await addUser(trx, 'eve')
        await addUser(database.db, 'bob')
        await addUser(trx, 'eve again')
      })
      await expect(idle).rejects.toMatchObject({ status: 503 })
      expect(await names(database)).toEqual(['bob'])
    })

    test('closes although a transaction never ends', async () => {
      const database = await openTestDatabase(kind, { closeTimeoutMs: 100 })
      const started = Promise.withResolvers<void>()
      const never = database.transaction(async (trx) => {
        await addUser(trx, 'eve')
        started.resolve()
        await new Promise(() => {})
      })
      void never.catch(() => {})
      await started.promise
      await database[Symbol.asyncDispose]()
    })
  })
}
