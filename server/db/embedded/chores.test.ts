import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { LIMITS } from '../limits.ts'
import { CHORE_TIMES, type ChoreTimes } from './chores.ts'
import { openEmbedded } from './open.ts'

type Opened = Awaited<ReturnType<typeof openEmbedded>>

const LAST_CHECKPOINT = 'select checkpoint_lsn::text as value from pg_control_checkpoint()'

const patient = { timeout: 10_000 }
/** Asking is not being idle. */
const unhurried = { interval: 200, timeout: 10_000 }

/** Nothing is ever due, but for what a test changes. */
const never: ChoreTimes = {
  ...CHORE_TIMES,
  tick: 5,
  pause: 0,
  idle: Number.POSITIVE_INFINITY,
  tidyEvery: Number.POSITIVE_INFINITY,
  checkpointInPause: Number.POSITIVE_INFINITY,
  checkpointAt: Number.POSITIVE_INFINITY,
  checkpointEvery: Number.POSITIVE_INFINITY,
}

describe('the embedded database’s chores', () => {
  let place: TestDatabase
  let engine: Opened
  const open = async (times: Partial<ChoreTimes>): Promise<void> => {
    engine = await openEmbedded({
      ...place,
      log: createLog('silent'),
      limits: LIMITS,
      choreTimes: { ...never, ...times },
    })
  }
  beforeEach(async () => {
    place = await createTestDatabase('embedded')
  })
  afterEach(async () => {
    await engine.rest()
    await engine.pool.end()
    await engine.close()
    await place[Symbol.asyncDispose]()
  })

  const one = async <T>(sql: string): Promise<T> => {
    const { rows } = await engine.pool.query<{ value: T }>(sql)
    return rows[0]!.value
  }
  const checkpoints = () => one<string>(LAST_CHECKPOINT)
  const writing = (megabytes: number): string =>
    `insert into settings (key, value) select gen_random_uuid(), jsonb_build_object('x', repeat(md5(i::text), 32))
     from generate_series(1, ${megabytes * 1000}) as i`
  const write = (megabytes: number) => engine.pool.query(writing(megabytes))
  const walBytes = () => engine.stats()['walBytesSinceCheckpoint'] ?? 0

  test.each<[string, Partial<ChoreTimes>]>([
    ['when much was written', { checkpointAt: 2 << 20 }],
    ['when something was written and nobody asks anything', { checkpointInPause: 1 << 20 }],
    ['when something was written a while ago', { checkpointEvery: 50 }],
  ])('make a checkpoint %s', async (_, times) => {
    await open(times)
    const before = await checkpoints()
    await write(4)
    await expect.poll(checkpoints, patient).not.toBe(before)
    await expect.poll(walBytes, patient).toBeLessThan(1 << 20)
  })

  test('count what was written since the last checkpoint, not each page as often as it was written', async () => {
    await open({})
    for (let i = 0; i < 100; i++)
      await engine.pool.query(`insert into settings (key, value) values ($1, '{}')`, [i])
    expect(walBytes()).toBeGreaterThan(0)
    expect(walBytes()).toBeLessThan(400_000)
    const before = walBytes()
    await write(4)
    expect(walBytes() - before).toBeGreaterThan(1 << 20)
  })

  test('tidy up after a large deletion when nobody asks anything', async () => {
    await open({ idle: 10 })
    await write(4)
    await engine.pool.query('delete from settings')
    const files = () => one<string>(`select pg_relation_size('settings')::text as value`)
    await expect.poll(files, unhurried).toBe('0')
  })

  test('tell the planner what is in a table', async () => {
    await open({ idle: 10 })
    await write(1)
    const rows = () => one<number>(`select reltuples::int as value from pg_class where relname = 'settings'`)
    await expect.poll(rows, unhurried).toBe(1000)
  })

  test('wait for their turn: a transaction has the session for itself until its end', async () => {
    await open({ checkpointAt: 1 << 20 })
    const before = await checkpoints()
    const session = await engine.pool.connect()
    await session.query('begin')
    await session.query(writing(16))
    await expect.poll(() => engine.pool.waitingCount, patient).toBe(1)
    const { rows } = await session.query<{ value: string }>(LAST_CHECKPOINT)
    expect(rows[0]?.value).toBe(before)
    await session.query('commit')
    session.release()
    await expect.poll(checkpoints, patient).not.toBe(before)
  })
})
