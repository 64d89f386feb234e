import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { openCluster, type TestCluster } from './cluster.ts'
import { createFaultyDatabase } from './faulty-database.ts'
import {
  createResultsTable,
  createUser,
  listResults,
  openRuns,
  parse,
  readAll,
  readLog,
  startRun,
  type TestRuns,
} from './runs.ts'

describe.each(DATABASES)('stopping on %s', (kind) => {
  let store: TestCluster
  let user: string
  let room: TestRuns
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
    room = await openRuns(store.database, { nodeId: 'here', leaseMs: 60_000 })
  })
  afterAll(async () => {
    await room[Symbol.asyncDispose]()
    await store.close()
  })

  test('reaches the worker, keeps what was said, and closes the log', async () => {
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'kept' })
    const stopped = await room.stop(id)
    expect(worker.context.signal.reason).toBe('stopped')
    expect(stopped).toMatchObject({ status: 'stopped', lastEvent: 2, error: null })
    expect(parse(await readAll(room, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    expect(await listResults(store.database, id)).toEqual(['kept'])
    await expect(worker.context.emit({ token: 'more' })).rejects.toThrow('stopped')
  })

  test('changes nothing of a run that has ended, and knows no others', async () => {
    const { id, worker } = await startRun(room, user)
    worker.complete()
    await readAll(room, id)
    const before = await room.get(id)
    expect(before?.status).toBe('complete')
    expect(await room.stop(id)).toEqual(before)
    expect(await room.stop(user)).toBeUndefined()
    expect(await room.stop('not an id')).toBeUndefined()
  })

  test('asked for many times, it happens once', async () => {
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'kept' })
    const answers = await Promise.all(Array.from({ length: 10 }, async () => room.stop(id)))
    expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: 10 }, () => 'stopped'))
    expect(parse(await readAll(room, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    expect(await listResults(store.database, id)).toEqual(['kept'])
  })

  test('closes the run of a worker that does not heed its signal', async () => {
    room.register('deaf', {
      async work({ emit }) {
        await emit({ token: 'on and on' })
        return new Promise(() => {})
      },
      close: async (_run, closing) => ({ event: closing.status }),
    })
    const { run } = await room.start({ kind: 'deaf', userId: user, input: {} })
    expect(await room.stop(run.id)).toMatchObject({ status: 'stopped' })
    expect(parse(await readAll(room, run.id)).at(-1)).toEqual({ event: 'stopped' })
  })

  test('racing the end, one of the two happens, whole', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const { id, worker } = await startRun(room, user)
        await worker.context.emit({ token: 'all' })
        if (i % 4 === 0) await worker.context.flush()
        worker.complete({ event: 'complete' }, 'all')
        for (let turn = 0; turn < i % 5; turn++) await new Promise((resolve) => setImmediate(resolve))
        const stopped = await room.stop(id)
        const events = parse(await readAll(room, id))
        expect(events).toEqual([{ token: 'all' }, { event: stopped?.status }])
        expect(await listResults(store.database, id)).toEqual(['all'])
        expect(await room.get(id)).toEqual(stopped)
        return stopped?.status
      }),
    )
    expect(new Set(outcomes)).toEqual(new Set(['complete', 'stopped']))
  })

  test('closes the run of a dead node when its lease is over', async () => {
    const dying = createFaultyDatabase(store.database)
    const dead = await openRuns(dying.database, { nodeId: 'dead', leaseMs: 60_000 })
    const { id, worker } = await startRun(dead, user)
    await worker.context.emit({ token: 'left' })
    await worker.context.flush()
    dying.kill()
    await sql`update runs set lease_until = now() + interval '300 milliseconds' where id = ${id}`.execute(
      store.database.db,
    )
    expect(await room.stop(id)).toMatchObject({ status: 'stopped', attempt: 2 })
    expect(parse(await readAll(room, id))).toEqual([{ token: 'left' }, { event: 'stopped' }])
    expect(await listResults(store.database, id)).toEqual(['left'])
    await dead[Symbol.asyncDispose]()
  })

  if (kind === 'postgres')
    test('reaches a worker on another node', async () => {
      await using other = await openRuns(await store.another(), { leaseMs: 60_000 })
      const { id, worker } = await startRun(other, user)
      await worker.context.emit({ token: 'kept' })
      expect(await room.stop(id)).toMatchObject({ status: 'stopped', attempt: 1 })
      expect(worker.context.signal.reason).toBe('stopped')
      expect(parse(await readLog(store.database, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    })

  if (kind === 'postgres')
    test('reaches a worker on another node that missed the hint', async () => {
      const deaf = await store.another()
      await using other = await openRuns({ ...deaf, listen: async () => async () => {} }, { leaseMs: 900 })
      const { id, worker } = await startRun(other, user)
      await worker.context.emit({ token: 'kept' })
      expect(await room.stop(id)).toMatchObject({ status: 'stopped', attempt: 1 })
      expect(worker.context.signal.reason).toBe('stopped')
    })
})
