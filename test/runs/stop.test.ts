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
  let cluster: TestCluster
  let user: string
  let node: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    node = await openRuns(cluster.database, { nodeId: 'here', leaseMs: 60_000 })
  })
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await cluster.close()
  })

  test('aborts the worker, keeps its events, and closes the log', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'kept' })
    const stopped = await node.stop(id)
    expect(worker.context.signal.reason).toBe('stopped')
    expect(stopped).toMatchObject({ status: 'stopped', lastEvent: 2, error: null })
    expect(parse(await readAll(node, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    expect(await listResults(cluster.database, id)).toEqual(['kept'])
    await expect(worker.context.emit({ token: 'more' })).rejects.toThrow('stopped')
  })

  test('does not change a finished run, and returns undefined for a missing one', async () => {
    const { id, worker } = await startRun(node, user)
    worker.complete()
    await readAll(node, id)
    const before = await node.get(id)
    expect(before?.status).toBe('complete')
    expect(await node.stop(id)).toEqual(before)
    expect(await node.stop(user)).toBeUndefined()
    expect(await node.stop('not an id')).toBeUndefined()
  })

  test('happens once when requested many times', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'kept' })
    const answers = await Promise.all(Array.from({ length: 10 }, async () => node.stop(id)))
    expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: 10 }, () => 'stopped'))
    expect(parse(await readAll(node, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    expect(await listResults(cluster.database, id)).toEqual(['kept'])
  })

  test('closes the run of a worker that ignores its signal', async () => {
    node.register('withoutNotifications', {
      async work({ emit }) {
        await emit({ token: 'on and on' })
        return new Promise(() => {})
      },
      close: async (_run, closing) => ({ event: closing.status }),
    })
    const { run } = await node.start({ kind: 'withoutNotifications', userId: user, input: {} })
    expect(await node.stop(run.id)).toMatchObject({ status: 'stopped' })
    expect(parse(await readAll(node, run.id)).at(-1)).toEqual({ event: 'stopped' })
  })

  test('either stops or completes a run that ends at the same time, never both', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const { id, worker } = await startRun(node, user)
        await worker.context.emit({ token: 'all' })
        if (i % 4 === 0) await worker.context.flush()
        worker.complete({ event: 'complete' }, 'all')
        for (let turn = 0; turn < i % 5; turn++) await new Promise((resolve) => setImmediate(resolve))
        const stopped = await node.stop(id)
        const events = parse(await readAll(node, id))
        expect(events).toEqual([{ token: 'all' }, { event: stopped?.status }])
        expect(await listResults(cluster.database, id)).toEqual(['all'])
        expect(await node.get(id)).toEqual(stopped)
        return stopped?.status
      }),
    )
    expect(new Set(outcomes)).toEqual(new Set(['complete', 'stopped']))
  })

  test('closes the run of a dead node when its lease has expired', async () => {
    const dying = createFaultyDatabase(cluster.database)
    const dead = await openRuns(dying.database, { nodeId: 'dead', leaseMs: 60_000 })
    const { id, worker } = await startRun(dead, user)
    await worker.context.emit({ token: 'left' })
    await worker.context.flush()
    await dying.kill()
    await sql`update runs set lease_until = now() + interval '300 milliseconds' where id = ${id}`.execute(
      cluster.database.db,
    )
    expect(await node.stop(id)).toMatchObject({ status: 'stopped', attempt: 2 })
    expect(parse(await readAll(node, id))).toEqual([{ token: 'left' }, { event: 'stopped' }])
    expect(await listResults(cluster.database, id)).toEqual(['left'])
    await dead[Symbol.asyncDispose]()
  })

  if (kind === 'postgres')
    test('reaches a worker on another node', async () => {
      await using other = await openRuns(await cluster.another(), { leaseMs: 60_000 })
      const { id, worker } = await startRun(other, user)
      await worker.context.emit({ token: 'kept' })
      expect(await node.stop(id)).toMatchObject({ status: 'stopped', attempt: 1 })
      expect(worker.context.signal.reason).toBe('stopped')
      expect(parse(await readLog(cluster.database, id))).toEqual([{ token: 'kept' }, { event: 'stopped' }])
    })

  if (kind === 'postgres')
    test('reaches a worker on another node that missed the notification', async () => {
      const withoutNotifications = await cluster.another()
      await using other = await openRuns(
        { ...withoutNotifications, listen: async () => async () => {} },
        { leaseMs: 900 },
      )
      const { id, worker } = await startRun(other, user)
      await worker.context.emit({ token: 'kept' })
      expect(await node.stop(id)).toMatchObject({ status: 'stopped', attempt: 1 })
      expect(worker.context.signal.reason).toBe('stopped')
    })
})
