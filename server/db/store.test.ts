import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES, openTestDatabase, truncateTables } from '../../test/databases.ts'
import { type Database, newId, violatedUnique } from './index.ts'

type Fresh = Awaited<ReturnType<typeof openTestDatabase>>

const addUser = async (on: Database['db'], name: string): Promise<string> => {
  const id = newId()
  await on.insertInto('users').values({ id, display_name: name }).execute()
  return id
}
const names = async ({ db }: Database): Promise<string[]> =>
  (await db.selectFrom('users').select('display_name').orderBy('display_name').execute()).map(
    (user) => user.display_name,
  )

/** Takes far longer than any test waits. */
const endless = sql`select count(*) from generate_series(1, 100000000000)`

for (const kind of DATABASES) {
  describe(`the store (${kind})`, () => {
    let store: Fresh
    beforeAll(async () => {
      store = await openTestDatabase(kind)
    })
    afterEach(() => truncateTables(store))
    afterAll(() => store[Symbol.asyncDispose]())

    test('keeps what a transaction did, or nothing of it', async () => {
      await store.transaction(async (trx) => {
        await addUser(trx, 'ada')
        await addUser(trx, 'bob')
      })
      const failed = store.transaction(async (trx) => {
        await addUser(trx, 'eve')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      expect(await names(store)).toEqual(['ada', 'bob'])
    })

    test('runs transactions that meet at one row one after the other', async () => {
      const id = await addUser(store.db, '0')
      const addOne = () =>
        store.transaction(async (trx) => {
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
      expect(await names(store)).toEqual(['50'])
    })

    test('answers many questions at once, each with its own answer', async () => {
      const asked = Array.from({ length: 300 }, (_, i) => i)
      const answered = await Promise.all(
        asked.map(
          async (i) => (await sql<{ n: number }>`select ${i}::int as n`.execute(store.db)).rows[0]?.n,
        ),
      )
      expect(answered).toEqual(asked)
    })

    test('takes and gives back 20 MB in one value', async () => {
      const text = 'größer'.repeat(3_000_000)
      const { rows } = await sql<{ text: string; length: number }>`
        select ${text}::text as text, length(${text}) as length`.execute(store.db)
      expect(rows[0]?.length).toBe(text.length)
      expect(rows[0]?.text === text).toBe(true)
    })

    test('says which unique index refused a row', async () => {
      await store.db.insertInto('users').values({ id: newId(), display_name: 'ada', handle: 'ada' }).execute()
      const again = store.db.insertInto('users').values({ id: newId(), display_name: 'ada', handle: 'ada' })
      const error = await again.execute().catch((thrown: unknown) => thrown)
      expect(violatedUnique(error)).toBe('users_handle_key')
    })

    test('refuses to copy from the client and goes on', async () => {
      await expect(sql`copy users from stdin`.execute(store.db)).rejects.toThrow(/COPY from stdin failed/)
      await expect(sql.raw('copy users from stdin').execute(store.db)).rejects.toThrow(
        /COPY from stdin failed/,
      )
      const { rows } = await sql<{ text: string }>`select 'copy users from stdin' as text`.execute(store.db)
      expect(rows).toEqual([{ text: 'copy users from stdin' }])
    })

    test('delivers what a transaction sent when that has committed, and never if it has not', async () => {
      const heard: string[] = []
      const last = Promise.withResolvers<void>()
      const stop = await store.listen('news', (payload) => {
        heard.push(payload)
        if (payload === 'last') last.resolve()
      })
      const elsewhere = await store.listen('other', (payload) => heard.push(`other ${payload}`))
      await store.transaction(async (trx) => {
        await store.notify(trx, 'news', 'sent in a transaction')
        await addUser(trx, 'ada')
        await store.notify(trx, 'other', 'too')
        expect(heard).toEqual([])
      })
      const failed = store.transaction(async (trx) => {
        await store.notify(trx, 'news', 'never')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await store.notify(store.db, 'news', 'last')
      await last.promise
      expect(heard).toEqual(['sent in a transaction', 'other too', 'last'])

      await stop()
      await store.notify(store.db, 'news', 'nobody listens')
      await store.notify(store.db, 'other', 'end')
      await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe('other end')
      expect(heard).not.toContain('nobody listens')
      await elsewhere()
    })

    test('orders ids by the time they were made', () => {
      const ids = Array.from({ length: 100 }, newId)
      expect(ids.toSorted()).toEqual(ids)
    })

    test('tells its numbers', async () => {
      await store.ping()
      expect(store.stats()).toMatchObject({ waiting: 0 })
      expect(store.stats().connections).toBeGreaterThan(0)
      expect(store.stats().idle).toBe(store.stats().connections)
    })
  })

  describe(`the store at its limits (${kind})`, () => {
    test('ends a question within a transaction for which no connection is left', async () => {
      await using store = await openTestDatabase(kind, { connections: 1, wait: 200 })
      const nested = store.transaction(async () => addUser(store.db, 'ada'))
      await expect(nested).rejects.toMatchObject({ status: 503, code: 'database_busy' })
      await addUser(store.db, 'bob')
      expect(await names(store)).toEqual(['bob'])
    })

    test('ends a statement that takes too long, and goes on with all that was committed', async () => {
      await using store = await openTestDatabase(kind, { connections: 1, statement: 500 })
      await addUser(store.db, 'ada')
      const stuck = store.transaction(async (trx) => {
        await addUser(trx, 'eve')
        await endless.execute(trx)
      })
      const later = addUser(store.db, 'bob')
      await expect(stuck).rejects.toMatchObject({ status: 503, code: 'database_timeout' })
      await later
      expect(await names(store)).toEqual(['ada', 'bob'])
    })

    test('gives a transaction the time that it asks for, and only that one', async () => {
      await using store = await openTestDatabase(kind, { connections: 1, statement: 300 })
      const slow = sql<{ n: number }>`
        with recursive slow (n, at) as (
          select 1, clock_timestamp() union all select n + 1, clock_timestamp() from slow
          where clock_timestamp() < now() + interval '900 milliseconds'
        ) select max(n) as n from slow`
      await store.transaction(async (trx) => {
        await sql`set local statement_timeout = '20s'`.execute(trx)
        expect((await slow.execute(trx)).rows[0]?.n).toBeGreaterThan(1)
      })
      await expect(slow.execute(store.db)).rejects.toMatchObject({ code: 'database_timeout' })
    })

    test('rolls back a transaction that does nothing, and gives its connection to the next', async () => {
      await using store = await openTestDatabase(kind, { connections: 1, idleInTransaction: 200 })
      const idle = store.transaction(async (trx) => {
        await addUser(trx, 'eve')
        await addUser(store.db, 'bob')
        await addUser(trx, 'eve again')
      })
      await expect(idle).rejects.toMatchObject({ status: 503 })
      expect(await names(store)).toEqual(['bob'])
    })

    test('closes though a transaction never ends', async () => {
      const store = await openTestDatabase(kind, { close: 100 })
      const started = Promise.withResolvers<void>()
      const never = store.transaction(async (trx) => {
        await addUser(trx, 'eve')
        started.resolve()
        await new Promise(() => {})
      })
      void never.catch(() => {})
      await started.promise
      await store[Symbol.asyncDispose]()
    })
  })
}
