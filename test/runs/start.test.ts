import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../server/db/index.ts'
import { DATABASES } from '../databases.ts'
import { openCluster, type TestCluster } from './cluster.ts'
import { createFaultyDatabase } from './faulty-database.ts'
import { createResultsTable, createUser, openRuns, readAll, type TestRuns } from './runs.ts'

describe.each(DATABASES)('starting on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  let nodes: TestRuns[]
  let node: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    node = await openRuns(cluster.database)
    nodes = kind === 'postgres' ? [node, await openRuns(await cluster.another())] : [node]
  })
  afterAll(async () => {
    for (const each of nodes) await each[Symbol.asyncDispose]()
    await cluster.close()
  })
  const finish = async (id: string) => {
    ;(await Promise.race(nodes.map(async (each) => each.workers.next(id)))).complete()
    await readAll(node, id)
  }

  test('fifty requests with one idempotency key start one run and store once', async () => {
    let stored = 0
    const started = await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        (nodes[i % nodes.length] ?? node).start(
          { kind: 'test', userId: user, input: { i }, idempotencyKey: 'once' },
          async () => void (stored += 1),
        ),
      ),
    )
    expect(new Set(started.map(({ run }) => run.id)).size).toBe(1)
    expect(started.filter(({ outcome }) => outcome === 'created')).toHaveLength(1)
    expect(started.filter(({ outcome }) => outcome === 'repeated')).toHaveLength(49)
    expect(stored).toBe(1)
    await finish(started[0]?.run.id ?? '')
    const again = await node.start({ kind: 'test', userId: user, input: {}, idempotencyKey: 'once' })
    expect(again).toMatchObject({ outcome: 'repeated', run: { id: started[0]?.run.id, status: 'complete' } })
  })

  test('an idempotency key belongs to its user', async () => {
    const other = await createUser(cluster.database)
    const mine = await node.start({ kind: 'test', userId: user, input: {}, idempotencyKey: 'mine' })
    const theirs = await node.start({ kind: 'test', userId: other, input: {}, idempotencyKey: 'mine' })
    expect(theirs.outcome).toBe('created')
    await finish(mine.run.id)
    await finish(theirs.run.id)
  })

  test('a subject has one running run at a time', async () => {
    const started = await Promise.all(
      Array.from({ length: 20 }, async (_, i) =>
        (nodes[i % nodes.length] ?? node).start({ kind: 'test', userId: user, input: {}, subject: 'talk' }),
      ),
    )
    const [first] = started.filter(({ outcome }) => outcome === 'created')
    expect(started.filter(({ outcome }) => outcome === 'busy')).toHaveLength(19)
    expect(new Set(started.map(({ run }) => run.id))).toEqual(new Set([first?.run.id]))
    await finish(first?.run.id ?? '')
    const next = await node.start({ kind: 'test', userId: user, input: {}, subject: 'talk' })
    expect(next.outcome).toBe('created')
    await finish(next.run.id)
  })

  test('stores the first events with the run, before those of its worker, on every node', async () => {
    const events = [{ event: 'start' }, { token: 'Hello' }]
    const { run } = await node.start({ kind: 'test', userId: user, input: {}, events })
    expect(run.lastEvent).toBe(2)
    const worker = await node.workers.next(run.id)
    await worker.context.emit({ token: '!' })
    worker.complete()
    for (const each of nodes)
      expect((await readAll(each, run.id)).map(({ n, data }) => [n, JSON.parse(data)])).toEqual([
        [1, { event: 'start' }],
        [2, { token: 'Hello' }],
        [3, { token: '!' }],
        [4, { event: 'complete' }],
      ])
  })

  test('starts nothing when the rows that belong to it cannot be stored', async () => {
    const id = newId()
    const refuses = async () => {
      throw new Error('no')
    }
    const run = { id, kind: 'test', userId: user, input: {}, subject: 'none', idempotencyKey: 'none' }
    await expect(node.start(run, refuses)).rejects.toThrow('no')
    expect(await node.get(id)).toBeUndefined()
    expect(await node.start(run)).toMatchObject({ outcome: 'created', run: { id } })
    await finish(id)
  })

  test('finds the stored run when the response to its commit is lost', async () => {
    const broken = createFaultyDatabase(cluster.database)
    const own = await openRuns(broken.database, { leaseMs: 60_000 })
    let stored = 0
    const run = { kind: 'test', userId: user, input: {}, idempotencyKey: 'answer lost' }
    broken.loseNextResponse()
    const started = await own.start(run, async () => void (stored += 1))
    expect(started).toMatchObject({ outcome: 'created', run: { attempt: 1 } })
    const worker = await own.workers.next(started.run.id)
    expect(worker.context.run.attempt).toBe(1)
    worker.complete()
    await readAll(own, started.run.id)
    expect(stored).toBe(1)

    broken.loseNext()
    const other = { ...run, idempotencyKey: 'never arrived' }
    await expect(own.start(other)).rejects.toMatchObject({ code: 'database_away' })
    const again = await own.start(other)
    expect(again.outcome).toBe('created')
    ;(await own.workers.next(again.run.id)).complete()
    await readAll(own, again.run.id)
    await own[Symbol.asyncDispose]()
  })

  test('stores its input unchanged', async () => {
    const input = { text: 'NUL \u0000, half \ud83d', nested: [1, { z: 1, a: null }], order: 'kept' }
    const { run } = await node.start({ kind: 'test', userId: user, input })
    const { context, complete } = await node.workers.next(run.id)
    expect(JSON.stringify(context.run.input)).toBe(JSON.stringify(input))
    complete()
    await readAll(node, run.id)
  })

  test('lists the runs of a user, newest first', async () => {
    const person = await createUser(cluster.database)
    const ids = []
    for (const scope of ['a', 'b', 'a']) {
      const { run } = await node.start({ kind: 'test', userId: person, scope, input: {} })
      ids.unshift(run.id)
    }
    const list = async (filter: Partial<Parameters<typeof node.list>[1]>) =>
      (await node.list(person, { limit: 10, ...filter })).map(({ id }) => id)
    await finish(ids[2] ?? '')
    expect(await list({})).toEqual(ids)
    expect(await list({ limit: 1 })).toEqual(ids.slice(0, 1))
    expect(await list({ status: 'running' })).toEqual(ids.slice(0, 2))
    expect(await list({ scopes: ['a'] })).toEqual([ids[0], ids[2]])
    expect(await node.list(user, { limit: 10, status: 'running' })).toEqual([])
    for (const id of ids.slice(0, 2)) await finish(id)
  })
})
