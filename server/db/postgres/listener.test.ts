import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { DATABASES, openTestDatabase, withAdminClient } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { openDatabase } from '../open.ts'
import { startListener } from './listener.ts'

type Store = Awaited<ReturnType<typeof openTestDatabase>>

/** Terminates connections on the server side, as a restart does; returns their number. */
const terminateConnections = (database: Store, which: 'listening' | 'all') =>
  withAdminClient(async (admin) => {
    const { rowCount } = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = $1 and ($2 = 'all' or query ilike 'listen %')`,
      [new URL(database.source.url ?? '').pathname.slice(1), which],
    )
    return rowCount
  })

test('closing aborts an attempt to connect to a server that does not respond', async () => {
  const connected = Promise.withResolvers<void>()
  const silent = createServer(() => connected.resolve()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const listener = startListener({ host: '127.0.0.1', port, user: 'gabee' }, createLog('silent'))
  const listening = listener.listen('news', () => {})
  await connected.promise
  listener.close()
  await expect(listening).rejects.toMatchObject({ code: 'database_away' })
  silent.close()
})

describe.runIf(DATABASES.includes('postgres'))('a PostgreSQL server', () => {
  test('that closes the connection for notifications is reconnected, and the listeners are informed', async () => {
    await using database = await openTestDatabase('postgres')
    const received: string[] = []
    const again = Promise.withResolvers<void>()
    await database.listen('news', (payload) => received.push(payload), again.resolve)
    await database.listen('more', (payload) => received.push(`more ${payload}`))
    await database.notify(database.db, 'news', 'before')
    await expect.poll(() => received).toEqual(['before'])

    expect(await terminateConnections(database, 'listening')).toBe(1)
    await again.promise
    await database.notify(database.db, 'news', 'after')
    await database.notify(database.db, 'more', 'after')
    await expect.poll(() => received).toEqual(['before', 'after', 'more after'])
  })

  test('delivers notifications between servers', async () => {
    await using one = await openTestDatabase('postgres')
    await using other = await openDatabase({ ...one.source, log: createLog('silent') })
    const received: string[] = []
    await other.listen('news', (payload) => received.push(payload))
    await one.transaction((trx) => one.notify(trx, 'news', 'from one'))
    await expect.poll(() => received).toEqual(['from one'])
  })

  test('that closes a connection causes one clear error, and the next statement succeeds', async () => {
    await using database = await openTestDatabase('postgres')
    const cutOff = database.transaction(async (trx) => {
      await sql`insert into settings (key, value) values ('a', '{}')`.execute(trx)
      await terminateConnections(database, 'all')
      await sql`insert into settings (key, value) values ('b', '{}')`.execute(trx)
    })
    await expect(cutOff).rejects.toMatchObject({ status: 503, code: 'database_away', retryAfter: 2 })
    const { rows } = await sql`select key from settings`.execute(database.db)
    expect(rows).toEqual([])
  })

  test('cancels one of two deadlocked transactions', async () => {
    await using database = await openTestDatabase('postgres')
    await sql`insert into settings (key, value) values ('a', '{}'), ('b', '{}')`.execute(database.db)
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    const change = (first: string, second: string, mine: 0 | 1) =>
      database.transaction(async (trx) => {
        await sql`update settings set value = '[1]' where key = ${first}`.execute(trx)
        both[mine].resolve()
        await both[1 - mine]?.promise
        await sql`update settings set value = '[2]' where key = ${second}`.execute(trx)
      })
    const outcomes = await Promise.allSettled([change('a', 'b', 0), change('b', 'a', 1)])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({
      status: 503,
      code: 'database_conflict',
    })
  })
})
