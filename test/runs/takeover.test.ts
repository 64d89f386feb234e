import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
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
  textOf,
  waitFor,
} from './runs.ts'

describe.each(DATABASES)('taking over the runs of a dead process on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
  })
  afterEach(async () => cluster.database.db.deleteFrom('runs').execute())
  afterAll(async () => cluster.close())

  /** Starts runs on a process that then dies. */
  async function crash(runs: number, nodeId: string) {
    const dying = createFaultyDatabase(cluster.database)
    const node = await openRuns(dying.database, { nodeId, leaseMs: 60_000 })
    const left = []
    for (let i = 0; i < runs; i++) {
      const started = await startRun(node, user)
      await started.worker.context.emit({ token: `token ${i}` })
      await started.worker.context.flush()
      left.push(started)
    }
    // Otherwise a claim of this node could still be executed after that of the next one.
    await dying.kill()
    return { node, left, ids: left.map(({ id }) => id) }
  }

  test('resumes at once where the log ends when the same node restarts', async () => {
    const before = await crash(3, 'same')
    await using node = await openRuns(cluster.database, { nodeId: 'same', leaseMs: 60_000 })
    for (const [index, id] of before.ids.entries()) {
      const { context, complete } = await node.workers.next(id)
      expect(context.run).toMatchObject({ attempt: 2, lastEvent: 2 })
      const so = await context.events()
      expect(parse(so)).toEqual([{ token: `token ${index}` }, { event: 'resumed', attempt: 2 }])
      await context.emit({ token: ', and more' })
      complete({ event: 'complete' }, `token ${index}, and more`)
      expect(parse(await readAll(node, id))).toEqual([
        ...parse(so),
        { token: ', and more' },
        { event: 'complete' },
      ])
      expect(await listResults(cluster.database, id)).toEqual([`token ${index}, and more`])
    }
    await before.node[Symbol.asyncDispose]()
  })

  test('takes over at once when the clock of the database has been set back since the last renewal', async () => {
    const before = await crash(1, 'dead')
    await sql`update runs set lease_until = now() + interval '1 hour'`.execute(cluster.database.db)
    await using node = await openRuns(cluster.database, { nodeId: 'other', leaseMs: 60_000 })
    const { context, complete } = await node.workers.next(before.ids[0] ?? '')
    expect(context.run.attempt).toBe(2)
    complete({ event: 'complete' })
    await readAll(node, before.ids[0] ?? '')
    await before.node[Symbol.asyncDispose]()
  })

  test('rejects every write of a worker that has lost its run', async () => {
    const { node: first, left } = await (async () => {
      const node = await openRuns(cluster.database, { nodeId: 'paused', leaseMs: 60_000 })
      return {
        node,
        left: [await startRun(node, user), await startRun(node, user), await startRun(node, user)],
      }
    })()
    for (const { worker } of left) {
      await worker.context.emit({ token: 'mine' })
      await worker.context.flush()
    }
    // Simulates a pause of the process longer than the lease.
    await sql`update runs set lease_until = now() - interval '1 second' where status = 'running'`.execute(
      cluster.database.db,
    )
    await using second = await openRuns(cluster.database, { nodeId: 'other', leaseMs: 60_000 })
    const successors = await Promise.all(left.map(async ({ id }) => second.workers.next(id)))

    const [emitting, ending, storing] = left
    await emitting?.worker.context.emit({ token: 'zombie' })
    await waitFor(() => emitting?.worker.context.signal.aborted)
    expect(emitting?.worker.context.signal.reason).toBe('handed-over')
    await expect(emitting?.worker.context.emit({ token: 'zombie' })).rejects.toThrow('handed-over')

    ending?.worker.complete({ event: 'complete', by: 'zombie' }, 'zombie')
    await expect(
      storing?.worker.context.commit({ step: 'zombie' }, async (trx) => {
        await sql`insert into stored (run_id, content) values (${storing.id}, 'zombie')`.execute(trx)
      }),
    ).rejects.toThrow('handed-over')
    await waitFor(() => first.stats().running === 0)

    for (const successor of successors) {
      await successor.context.emit({ token: ' and successor’s' })
      successor.complete({ event: 'complete' }, 'successor')
    }
    for (const { id } of left) {
      expect(parse(await readAll(second, id))).toEqual([
        { token: 'mine' },
        { event: 'resumed', attempt: 2 },
        { token: ' and successor’s' },
        { event: 'complete' },
      ])
      expect(await readAll(first, id)).toEqual(await readLog(cluster.database, id))
      expect(await listResults(cluster.database, id)).toEqual(['successor'])
    }
    await first[Symbol.asyncDispose]()
  })

  test('rejects every write of an outdated attempt, even when the log has not changed', async () => {
    const node = await openRuns(cluster.database, { leaseMs: 60_000 })
    const runs = [await startRun(node, user), await startRun(node, user), await startRun(node, user)]
    // Simulates a node that has claimed the runs to close them.
    await sql`update runs set attempt = attempt + 1, lease_until = now() + interval '1 minute'`.execute(
      cluster.database.db,
    )
    const [emitting, ending, storing] = runs
    await emitting?.worker.context.emit({ token: 'zombie' })
    await waitFor(() => emitting?.worker.context.signal.aborted)
    ending?.worker.complete({ event: 'complete' }, 'zombie')
    await expect(
      storing?.worker.context.commit({ step: 'zombie' }, async (trx) => {
        await sql`insert into stored (run_id, content) values (${storing.id}, 'zombie')`.execute(trx)
      }),
    ).rejects.toThrow('handed-over')
    await waitFor(() => node.stats().running === 0)
    for (const { id } of runs) {
      expect(await readLog(cluster.database, id)).toEqual([])
      expect(await listResults(cluster.database, id)).toEqual([])
      expect(await node.get(id)).toMatchObject({ status: 'running', lastEvent: 0 })
    }
    await node[Symbol.asyncDispose]()
  })

  if (kind === 'postgres')
    test('gives each attempt to one node while several claim it', async () => {
      const before = await crash(24, 'gone')
      await sql`update runs set lease_until = null where status = 'running'`.execute(cluster.database.db)
      const nodes = await Promise.all(
        Array.from({ length: 4 }, async (_, i) =>
          openRuns(await cluster.another(), { nodeId: `n${i}`, leaseMs: 60_000 }),
        ),
      )
      const workers = await Promise.all(
        before.ids.map(async (id) => Promise.race(nodes.map(async (node) => node.workers.next(id)))),
      )
      expect(workers.map(({ context }) => context.run.attempt)).toEqual(before.ids.map(() => 2))
      for (const worker of workers) worker.complete()
      for (const id of before.ids) {
        const events = parse(await readAll(nodes[0] ?? before.node, id))
        expect(events.filter(({ event }) => event === 'resumed')).toEqual([{ event: 'resumed', attempt: 2 }])
      }
      for (const node of [...nodes, before.node]) await node[Symbol.asyncDispose]()
    })

  test('closes a run that has no attempts left', async () => {
    const before = await crash(1, 'loop')
    const [id = ''] = before.ids
    const nodes = [before.node]
    for (let attempt = 2; attempt <= 3; attempt++) {
      const dying = createFaultyDatabase(cluster.database)
      const node = await openRuns(dying.database, {
        nodeId: 'loop',
        leaseMs: 60_000,
        kind: { maxAttempts: 2 },
      })
      nodes.push(node)
      expect((await node.workers.next(id)).context.run.attempt).toBe(attempt)
      await dying.kill()
    }
    await using node = await openRuns(cluster.database, { nodeId: 'loop', kind: { maxAttempts: 2 } })
    const events = parse(await readAll(node, id))
    expect(events).toMatchObject([
      { token: 'token 0' },
      { event: 'resumed', attempt: 2 },
      { event: 'resumed', attempt: 3 },
      { error: { code: 'too_many_attempts' } },
    ])
    expect(await node.get(id)).toMatchObject({ status: 'failed', error: { code: 'too_many_attempts' } })
    expect(await listResults(cluster.database, id)).toEqual(['token 0'])
    for (const each of nodes) await each[Symbol.asyncDispose]()
  })

  test('closes a run of an unregistered kind with an error', async () => {
    const before = await crash(1, 'old')
    const [id = ''] = before.ids
    await sql`update runs set kind = 'gone' where id = ${id}`.execute(cluster.database.db)
    await using node = await openRuns(cluster.database, { nodeId: 'old' })
    expect(parse(await readAll(node, id))).toMatchObject([
      { token: 'token 0' },
      { error: { code: 'unknown_run_kind', message: expect.stringContaining('"gone"') } },
    ])
    expect((await node.get(id))?.status).toBe('failed')
    await before.node[Symbol.asyncDispose]()
  })

  test('closes a run as stopped when a stop was requested before its owner died', async () => {
    const before = await crash(1, 'stopping')
    const [id = ''] = before.ids
    await sql`update runs set stop_requested = true where id = ${id}`.execute(cluster.database.db)
    await using node = await openRuns(cluster.database, { nodeId: 'stopping' })
    expect(parse(await readAll(node, id))).toEqual([{ token: 'token 0' }, { event: 'stopped' }])
    await before.node[Symbol.asyncDispose]()
  })

  test('takes over at most maxTakeovers runs at once, and all of them in the end', async () => {
    const before = await crash(7, 'many')
    await using node = await openRuns(cluster.database, { nodeId: 'many', maxTakeovers: 3, leaseMs: 60_000 })
    const started = new Set<string>()
    const workers = new Map(
      before.ids.map((id) => [
        id,
        node.workers.next(id).then((worker) => {
          started.add(id)
          return worker
        }),
      ]),
    )
    for (let left = 7; left > 0; left--) {
      await waitFor(() => started.size === Math.min(3, left))
      expect(node.stats().running).toBe(started.size)
      const [id = ''] = started
      ;(await workers.get(id))?.complete()
      await readAll(node, id)
      started.delete(id)
    }
    await before.node[Symbol.asyncDispose]()
  })

  test('hands over at shutdown: all events are kept, and another node resumes at once', async () => {
    const expected = Array.from({ length: 100 }, (_, i) => `${i} `).join('')
    const first = await openRuns(cluster.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(first, user)
    // The embedded database has one process: the next one starts when this one has ended.
    const waiting = kind === 'postgres' && (await openRuns(await cluster.another(), { leaseMs: 60_000 }))
    const following = waiting && readAll(waiting, id)
    for (let i = 0; i < 100; i++) await worker.context.emit({ token: `${i} ` })
    await first[Symbol.asyncDispose]()
    expect(worker.context.signal.reason).toBe('handed-over')

    await using second = waiting || (await openRuns(cluster.database))
    const { context, complete } = await second.workers.next(id)
    expect(textOf(await context.events())).toBe(expected)
    complete()
    const events = await readAll(second, id)
    expect(parse(events.slice(-2))).toEqual([{ event: 'resumed', attempt: 2 }, { event: 'complete' }])
    if (following) expect(await following).toEqual(events)
  })

  test('lets short runs end at shutdown and rejects new ones', async () => {
    const node = await openRuns(cluster.database, { graceMs: 20_000 })
    const { id, worker } = await startRun(node, user)
    const closed = node[Symbol.asyncDispose]()
    await expect(node.start({ kind: 'test', userId: user, input: {} })).rejects.toMatchObject({
      code: 'shutting_down',
      status: 503,
    })
    worker.complete({ event: 'complete' }, 'in time')
    await closed
    expect(worker.context.signal.aborted).toBe(false)
    expect(parse(await readLog(cluster.database, id))).toEqual([{ event: 'complete' }])
    expect(await listResults(cluster.database, id)).toEqual(['in time'])
  })
})
