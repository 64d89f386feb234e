import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { defaultLimits } from '../limits.ts'
import { openEmbedded } from './open.ts'

let source: TestDatabase
let engine: Awaited<ReturnType<typeof openEmbedded>>
beforeAll(async () => {
  source = await createTestDatabase('embedded')
  engine = await openEmbedded({ ...source, log: createLog('silent'), limits: defaultLimits })
})
afterAll(async () => {
  await engine.stop()
  await engine.pool.end()
  await engine.close()
  await source[Symbol.asyncDispose]()
})

const named = { name: 'add', text: `insert into settings (key, value) values ($1, '{}')` }

test('a connection starts without the transaction, settings, statements and tables of the previous one', async () => {
  for (let i = 0; i < 5; i++) {
    const client = await engine.pool.connect()
    await client.query(`set search_path = nowhere, public`)
    await client.query('create temp table leftover (id int)')
    await client.query('begin')
    await client.query({ ...named, values: [`left ${i}`] })
    client.release(true)
  }
  const { rows } = await engine.pool.query(`
    select (select count(*)::int from settings) as settings, current_setting('search_path') as path,
      (select count(*)::int from pg_prepared_statements) as prepared, to_regclass('leftover') as leftover`)
  expect(rows).toEqual([{ settings: 0, path: 'public', prepared: 0, leftover: null }])
})

test('a connection that is closed before its response does not affect others', async () => {
  const client = await engine.pool.connect()
  const last = client.query('select repeat($1, 1000) from generate_series(1, 20000)', ['x'])
  client.release(true)
  const { rows } = await engine.pool.query('select 1 as one')
  expect(rows).toEqual([{ one: 1 }])
  expect((await last).rowCount).toBe(20_000)
})

test('a connection stays usable after a failed statement', async () => {
  await expect(engine.pool.query('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
  await expect(engine.pool.query('this is not SQL')).rejects.toMatchObject({ code: '42601' })
  await expect(engine.pool.query('select 1; select 1 / 0; select 2')).rejects.toMatchObject({ code: '22012' })
  const { rows } = await engine.pool.query('select 2 as two')
  expect(rows).toEqual([{ two: 2 }])
})
