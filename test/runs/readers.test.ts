import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunEvent } from '../../server/runs/index.ts'
import { DATABASES } from '../databases.ts'
import { openCluster, type TestCluster } from './cluster.ts'
import { createFaultyDatabase } from './faulty-database.ts'
import {
  createResultsTable,
  createUser,
  openRuns,
  parse,
  readAll,
  readLog,
  startRun,
  type TestRuns,
  waitFor,
} from './runs.ts'

describe.each(DATABASES)('readers on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  /** One node, or two on the same database. */
  let nodes: TestRuns[]
  let node: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    node = await openRuns(cluster.database, { leaseMs: 60_000 })
    nodes =
      kind === 'postgres' ? [node, await openRuns(await cluster.another(), { leaseMs: 60_000 })] : [node]
  })
  afterAll(async () => {
    for (const each of nodes) await each[Symbol.asyncDispose]()
    await cluster.close()
  })

  test('get the same events from every offset, at any time, on every node', async () => {
    const { id, worker } = await startRun(node, user)
    const readings: Promise<{ after: number; events: RunEvent[] }>[] = []
    const join = (after: number) => {
      for (const each of nodes) readings.push(readAll(each, id, after).then((events) => ({ after, events })))
    }
    for (let step = 0; step < 400; step++) {
      await worker.context.emit({ step })
      if (step % 3 === 0) await worker.context.flush()
      if (step % 9 === 0) join(step % 2 === 0 ? 0 : Math.floor(step / 2))
    }
    worker.complete()
    const log = await readAll(node, id)
    join(log.length - 1)
    for (const { after, events } of await Promise.all(readings)) expect(events).toEqual(log.slice(after))
    expect(await readLog(cluster.database, id)).toEqual(log)
  })

  test('that are far behind read from the table and catch up', async () => {
    const { id, worker } = await startRun(node, user)
    const slow = nodes.map((each) => each.follow(id, 0, new AbortController().signal))
    const seen: RunEvent[][] = nodes.map(() => [])
    await worker.context.emit({ step: -1 })
    for (const [index, events] of slow.entries()) seen[index]?.push(...((await events.next()).value ?? []))
    for (let step = 0; step < 1500; step++) await worker.context.emit({ step, filling: 'x'.repeat(500) })
    await worker.context.flush()
    worker.complete()
    for (const [index, events] of slow.entries())
      for await (const batch of events) {
        expect(batch.length).toBeLessThanOrEqual(512)
        seen[index]?.push(...batch)
      }
    const log = await readLog(cluster.database, id)
    expect(log).toHaveLength(1502)
    for (const events of seen) expect(events).toEqual(log)
  })

  test('get very large events one by one', async () => {
    const { id, worker } = await startRun(node, user)
    for (let step = 0; step < 4; step++) await worker.context.emit({ step, filling: 'x'.repeat(300_000) })
    await worker.context.flush()
    worker.complete()
    const sizes: number[] = []
    for await (const batch of node.follow(id, 0, new AbortController().signal)) sizes.push(batch.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
  })

  test('that disconnect affect neither the run nor other readers', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'a' })
    await worker.context.flush()
    const before = nodes.map((each) => each.stats().readers)
    for (let round = 0; round < 50; round++)
      for (const each of nodes) {
        const leave = new AbortController()
        for await (const batch of each.follow(id, 0, leave.signal)) {
          expect(batch).toHaveLength(1)
          if (round % 2 === 0) break
          leave.abort()
        }
      }
    expect(nodes.map((each) => each.stats().readers)).toEqual(before)
    await worker.context.emit({ token: 'b' })
    worker.complete()
    expect(parse(await readAll(node, id)).at(-1)).toEqual({ event: 'complete' })
  })

  test('that wait for events return at once when they are aborted', async () => {
    const { id, worker } = await startRun(node, user)
    const leave = new AbortController()
    const reading = (async () => {
      for await (const events of node.follow(id, 0, leave.signal)) expect(events).toEqual([])
    })()
    await waitFor(() => node.stats().readers === 1)
    leave.abort()
    await reading
    expect(node.stats().readers).toBe(0)
    worker.complete()
    await readAll(node, id)
  })

  test('continue after the database was unavailable', async () => {
    const broken = createFaultyDatabase(cluster.database)
    const nodeId = 'breaking'
    await using own = await openRuns(broken.database, { nodeId, leaseMs: 60_000 })
    const { id, worker } = await startRun(own, user)
    for (let step = 0; step < 600; step++) await worker.context.emit({ step })
    await worker.context.flush()
    broken.loseNext()
    const reading = readAll(own, id)
    worker.complete()
    expect(await reading).toEqual(await readLog(cluster.database, id))
  })

  test('of a missing or finished run end at once', async () => {
    expect(await readAll(node, user)).toEqual([])
    const { id, worker } = await startRun(node, user)
    worker.complete()
    expect(await readAll(node, id, 0)).toHaveLength(1)
    for (const each of nodes) expect(await readAll(each, id, 1)).toEqual([])
  })

  if (kind === 'postgres')
    test('on another node lose no event when their connection for notifications breaks', async () => {
      const { id, worker } = await startRun(node, user)
      const [, other = node] = nodes
      const seen: RunEvent[] = []
      const reading = (async () => {
        for await (const events of other.follow(id, 0, new AbortController().signal)) seen.push(...events)
      })()
      for (let step = 0; step < 6; step++) {
        if (step % 2 === 1)
          await waitFor(async () => {
            const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and query ilike 'listen%'`.execute(cluster.database.db)
            return rows.length > 0
          })
        await worker.context.emit({ step })
        await worker.context.flush()
        await waitFor(() => seen.length === step + 1)
      }
      worker.complete()
      await reading
      expect(seen).toEqual(await readLog(cluster.database, id))
    })
})
