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
  let store: TestCluster
  let user: string
  /** One node, or two that see the same runs. */
  let rooms: TestRuns[]
  let room: TestRuns
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
    room = await openRuns(store.database, { leaseMs: 60_000 })
    rooms = kind === 'postgres' ? [room, await openRuns(await store.another(), { leaseMs: 60_000 })] : [room]
  })
  afterAll(async () => {
    for (const each of rooms) await each[Symbol.asyncDispose]()
    await store.close()
  })

  test('see the same from every offset, whenever they come, on every node', async () => {
    const { id, worker } = await startRun(room, user)
    const readings: Promise<{ after: number; events: RunEvent[] }>[] = []
    const join = (after: number) => {
      for (const each of rooms) readings.push(readAll(each, id, after).then((events) => ({ after, events })))
    }
    for (let step = 0; step < 400; step++) {
      await worker.context.emit({ step })
      if (step % 3 === 0) await worker.context.flush()
      if (step % 9 === 0) join(step % 2 === 0 ? 0 : Math.floor(step / 2))
    }
    worker.complete()
    const log = await readAll(room, id)
    join(log.length - 1)
    for (const { after, events } of await Promise.all(readings)) expect(events).toEqual(log.slice(after))
    expect(await readLog(store.database, id)).toEqual(log)
  })

  test('far behind are served from the log, and catch up', async () => {
    const { id, worker } = await startRun(room, user)
    const slow = rooms.map((each) => each.follow(id, 0, new AbortController().signal))
    const seen: RunEvent[][] = rooms.map(() => [])
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
    const log = await readLog(store.database, id)
    expect(log).toHaveLength(1502)
    for (const events of seen) expect(events).toEqual(log)
  })

  test('of very large events get them one by one', async () => {
    const { id, worker } = await startRun(room, user)
    for (let step = 0; step < 4; step++) await worker.context.emit({ step, filling: 'x'.repeat(300_000) })
    await worker.context.flush()
    worker.complete()
    const sizes: number[] = []
    for await (const batch of room.follow(id, 0, new AbortController().signal)) sizes.push(batch.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
  })

  test('that leave end nothing but their own reading', async () => {
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'a' })
    await worker.context.flush()
    const before = rooms.map((each) => each.stats().readers)
    for (let round = 0; round < 50; round++)
      for (const each of rooms) {
        const leave = new AbortController()
        for await (const batch of each.follow(id, 0, leave.signal)) {
          expect(batch).toHaveLength(1)
          if (round % 2 === 0) break
          leave.abort()
        }
      }
    expect(rooms.map((each) => each.stats().readers)).toEqual(before)
    await worker.context.emit({ token: 'b' })
    worker.complete()
    expect(parse(await readAll(room, id)).at(-1)).toEqual({ event: 'complete' })
  })

  test('waiting for news leave at once', async () => {
    const { id, worker } = await startRun(room, user)
    const leave = new AbortController()
    const reading = (async () => {
      for await (const events of room.follow(id, 0, leave.signal)) expect(events).toEqual([])
    })()
    await waitFor(() => room.stats().readers === 1)
    leave.abort()
    await reading
    expect(room.stats().readers).toBe(0)
    worker.complete()
    await readAll(room, id)
  })

  test('stay while the database is away, and go on when it is back', async () => {
    const broken = createFaultyDatabase(store.database)
    const nodeId = 'breaking'
    await using own = await openRuns(broken.database, { nodeId, leaseMs: 60_000 })
    const { id, worker } = await startRun(own, user)
    for (let step = 0; step < 600; step++) await worker.context.emit({ step })
    await worker.context.flush()
    broken.loseNext()
    const reading = readAll(own, id)
    worker.complete()
    expect(await reading).toEqual(await readLog(store.database, id))
  })

  test('of a run that is not there, or is over, end at once', async () => {
    expect(await readAll(room, user)).toEqual([])
    const { id, worker } = await startRun(room, user)
    worker.complete()
    expect(await readAll(room, id, 0)).toHaveLength(1)
    for (const each of rooms) expect(await readAll(each, id, 1)).toEqual([])
  })

  test('on another node lose nothing with their connection for hints', async () => {
    const { id, worker } = await startRun(room, user)
    const [, other = room] = rooms
    const seen: RunEvent[] = []
    const reading = (async () => {
      for await (const events of other.follow(id, 0, new AbortController().signal)) seen.push(...events)
    })()
    for (let step = 0; step < 6; step++) {
      if (step % 2 === 1)
        await waitFor(async () => {
          const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and query ilike 'listen%'`.execute(store.database.db)
          return rows.length > 0
        })
      await worker.context.emit({ step })
      await worker.context.flush()
      await waitFor(() => seen.length === step + 1)
    }
    worker.complete()
    await reading
    expect(seen).toEqual(await readLog(store.database, id))
  })
})
