import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/databases.ts'
import { filesWith } from '../../../test/files-with.ts'
import { createLog } from '../../log.ts'
import { defaultLimits } from '../limits.ts'
import { defaultSchedule, type MaintenanceSchedule } from './maintenance.ts'
import { openEmbedded } from './open.ts'

type Opened = Awaited<ReturnType<typeof openEmbedded>>

const lastCheckpoint = 'select checkpoint_lsn::text as value from pg_control_checkpoint()'

/** Polls rarely, because each query resets the idle time. */
const rarePollOptions = { interval: 200 }

/** A schedule without any maintenance; each test overrides a part. */
const noMaintenance: MaintenanceSchedule = {
  ...defaultSchedule,
  tickMs: 5,
  pauseMs: 0,
  idleMs: Number.POSITIVE_INFINITY,
  maxVacuumIntervalMs: Number.POSITIVE_INFINITY,
  pauseCheckpointBytes: Number.POSITIVE_INFINITY,
  maxWalBytes: Number.POSITIVE_INFINITY,
  maxCheckpointIntervalMs: Number.POSITIVE_INFINITY,
}

describe('maintenance of the embedded database', () => {
  let source: TestDatabase
  let engine: Opened
  const open = async (schedule: Partial<MaintenanceSchedule>): Promise<void> => {
    engine = await openEmbedded({
      ...source,
      log: createLog('silent'),
      limits: defaultLimits,
      schedule: { ...noMaintenance, ...schedule },
    })
  }
  beforeEach(async () => {
    source = await createTestDatabase('embedded')
  })
  afterEach(async () => {
    await engine.stop()
    await engine.pool.end()
    await engine.close()
    await source[Symbol.asyncDispose]()
  })

  const one = async <T>(sql: string): Promise<T> => {
    const { rows } = await engine.pool.query<{ value: T }>(sql)
    return rows[0]!.value
  }
  const checkpoints = () => one<string>(lastCheckpoint)
  const writing = (megabytes: number): string =>
    `insert into settings (key, value) select gen_random_uuid(), jsonb_build_object('x', repeat(md5(i::text), 32))
     from generate_series(1, ${megabytes * 1000}) as i`
  const write = (megabytes: number) => engine.pool.query(writing(megabytes))
  const walBytes = () => engine.stats()['walBytesSinceCheckpoint'] ?? 0

  test.each<[string, Partial<MaintenanceSchedule>]>([
    ['when maxWalBytes were written', { maxWalBytes: 2 << 20 }],
    ['when the database is idle after writes', { pauseCheckpointBytes: 1 << 20 }],
    ['when maxCheckpointIntervalMs has passed after writes', { maxCheckpointIntervalMs: 50 }],
  ])('makes a checkpoint %s', async (_, schedule) => {
    await open(schedule)
    const before = await checkpoints()
    await write(4)
    await expect.poll(checkpoints).not.toBe(before)
    await expect.poll(walBytes).toBeLessThan(1 << 20)
  })

  test('counts the growth of the WAL since the last checkpoint, not repeated writes of a page', async () => {
    await open({})
    for (let i = 0; i < 100; i++)
      await engine.pool.query(`insert into settings (key, value) values ($1, '{}')`, [i])
    expect(walBytes()).toBeGreaterThan(0)
    expect(walBytes()).toBeLessThan(400_000)
    const before = walBytes()
    await write(4)
    expect(walBytes() - before).toBeGreaterThan(1 << 20)
  })

  test('vacuums after a large deletion when the database is idle', async () => {
    await open({ idleMs: 10 })
    await write(4)
    await engine.pool.query('delete from settings')
    const files = () => one<string>(`select pg_relation_size('settings')::text as value`)
    await expect.poll(files, rarePollOptions).toBe('0')
  })

  test('analyzes tables for the planner', async () => {
    await open({ idleMs: 10 })
    await write(1)
    const rows = () => one<number>(`select reltuples::int as value from pg_class where relname = 'settings'`)
    await expect.poll(rows, rarePollOptions).toBe(1000)
  })

  test('a purge removes the words of deleted rows from all files', async () => {
    await open({})
    const words = ['zebrafinch', 'kingfisher']
    await engine.pool.query(
      `insert into settings (key, value) select 'zebrafinch' || i, jsonb_build_object('x', 'kingfisher')
       from generate_series(1, 50) as i`,
    )
    await engine.pool.query('analyze settings')
    await engine.pool.query('checkpoint')
    expect(filesWith(source.dir, words)).not.toEqual([])
    await engine.pool.query(`delete from settings where key like 'zebrafinch%'`)
    await engine.purge()
    expect(filesWith(source.dir, words)).toEqual([])
    await engine.pool.query(`insert into settings (key, value) values ('kingfisher', '{}')`)
    await engine.pool.query(`delete from settings where key = 'kingfisher'`)
    await engine.purge()
    expect(filesWith(source.dir, words)).toEqual([])
  })

  test('waits until a running transaction has ended', async () => {
    await open({ maxWalBytes: 1 << 20 })
    const before = await checkpoints()
    const session = await engine.pool.connect()
    await session.query('begin')
    await session.query(writing(16))
    await expect.poll(() => engine.pool.waitingCount).toBe(1)
    const { rows } = await session.query<{ value: string }>(lastCheckpoint)
    expect(rows[0]?.value).toBe(before)
    await session.query('commit')
    session.release()
    await expect.poll(checkpoints).not.toBe(before)
  })
})
