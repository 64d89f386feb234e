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

describe.each(DATABASES)('taking up what a dead process left on %s', (kind) => {
  let store: TestCluster
  let user: string
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
  })
  afterEach(async () => store.database.db.deleteFrom('runs').execute())
  afterAll(async () => store.close())

  /** A process that dies with the given number of runs on its hands. */
  async function crash(runs: number, nodeId: string) {
    const dying = createFaultyDatabase(store.database)
    const room = await openRuns(dying.database, { nodeId, leaseMs: 60_000 })
    const left = []
    for (let i = 0; i < runs; i++) {
      const begun = await startRun(room, user)
      await begun.worker.context.emit({ token: `said ${i}` })
      await begun.worker.context.flush()
      left.push(begun)
    }
    dying.kill()
    return { room, left, ids: left.map(({ id }) => id) }
  }

  test('the same node, started again, goes on at once where the log ends', async () => {
    const before = await crash(3, 'same')
    await using room = await openRuns(store.database, { nodeId: 'same', leaseMs: 60_000 })
    for (const [index, id] of before.ids.entries()) {
      const { context, complete } = await room.workers.next(id)
      expect(context.run).toMatchObject({ attempt: 2, lastEvent: 2 })
      const so = await context.events()
      expect(parse(so)).toEqual([{ token: `said ${index}` }, { event: 'resumed', attempt: 2 }])
      await context.emit({ token: ', and more' })
      complete({ event: 'complete' }, `said ${index}, and more`)
      expect(parse(await readAll(room, id))).toEqual([
        ...parse(so),
        { token: ', and more' },
        { event: 'complete' },
      ])
      expect(await listResults(store.database, id)).toEqual([`said ${index}, and more`])
    }
    await before.room[Symbol.asyncDispose]()
  })

  test('refuses everything from a worker that has lost its run', async () => {
    const { room: first, left } = await (async () => {
      const room = await openRuns(store.database, { nodeId: 'paused', leaseMs: 60_000 })
      return {
        room,
        left: [await startRun(room, user), await startRun(room, user), await startRun(room, user)],
      }
    })()
    for (const { worker } of left) {
      await worker.context.emit({ token: 'mine' })
      await worker.context.flush()
    }
    // As after a pause that was longer than the lease.
    await sql`update runs set lease_until = now() - interval '1 second' where status = 'running'`.execute(
      store.database.db,
    )
    await using second = await openRuns(store.database, { nodeId: 'other', leaseMs: 60_000 })
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
      expect(await readAll(first, id)).toEqual(await readLog(store.database, id))
      expect(await listResults(store.database, id)).toEqual(['successor'])
    }
    await first[Symbol.asyncDispose]()
  })

  test('refuses everything under an attempt that is over, also when the log has not grown', async () => {
    const room = await openRuns(store.database, { leaseMs: 60_000 })
    const runs = [await startRun(room, user), await startRun(room, user), await startRun(room, user)]
    // What a node does that takes a run to close it, before it closes it.
    await sql`update runs set attempt = attempt + 1, lease_until = now() + interval '1 minute'`.execute(
      store.database.db,
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
    await waitFor(() => room.stats().running === 0)
    for (const { id } of runs) {
      expect(await readLog(store.database, id)).toEqual([])
      expect(await listResults(store.database, id)).toEqual([])
      expect(await room.get(id)).toMatchObject({ status: 'running', lastEvent: 0 })
    }
    await room[Symbol.asyncDispose]()
  })

  if (kind === 'postgres')
    test('gives each attempt to one node only, however many reach for it', async () => {
      const before = await crash(24, 'gone')
      await sql`update runs set lease_until = null where status = 'running'`.execute(store.database.db)
      const rooms = await Promise.all(
        Array.from({ length: 4 }, async (_, i) =>
          openRuns(await store.another(), { nodeId: `n${i}`, leaseMs: 60_000 }),
        ),
      )
      const workers = await Promise.all(
        before.ids.map(async (id) => Promise.race(rooms.map(async (room) => room.workers.next(id)))),
      )
      expect(workers.map(({ context }) => context.run.attempt)).toEqual(before.ids.map(() => 2))
      for (const worker of workers) worker.complete()
      for (const id of before.ids) {
        const events = parse(await readAll(rooms[0] ?? before.room, id))
        expect(events.filter(({ event }) => event === 'resumed')).toEqual([{ event: 'resumed', attempt: 2 }])
      }
      for (const room of [...rooms, before.room]) await room[Symbol.asyncDispose]()
    })

  test('closes a run that was begun too often', async () => {
    const before = await crash(1, 'loop')
    const [id = ''] = before.ids
    const rooms = [before.room]
    for (let attempt = 2; attempt <= 3; attempt++) {
      const dying = createFaultyDatabase(store.database)
      const room = await openRuns(dying.database, {
        nodeId: 'loop',
        leaseMs: 60_000,
        kind: { maxAttempts: 2 },
      })
      rooms.push(room)
      expect((await room.workers.next(id)).context.run.attempt).toBe(attempt)
      dying.kill()
    }
    await using room = await openRuns(store.database, { nodeId: 'loop', kind: { maxAttempts: 2 } })
    const events = parse(await readAll(room, id))
    expect(events).toMatchObject([
      { token: 'said 0' },
      { event: 'resumed', attempt: 2 },
      { event: 'resumed', attempt: 3 },
      { error: { code: 'too_many_attempts' } },
    ])
    expect(await room.get(id)).toMatchObject({ status: 'failed', error: { code: 'too_many_attempts' } })
    expect(await listResults(store.database, id)).toEqual(['said 0'])
    for (const each of rooms) await each[Symbol.asyncDispose]()
  })

  test('closes a run whose kind it does not know, and says so', async () => {
    const before = await crash(1, 'old')
    const [id = ''] = before.ids
    await sql`update runs set kind = 'gone' where id = ${id}`.execute(store.database.db)
    await using room = await openRuns(store.database, { nodeId: 'old' })
    expect(parse(await readAll(room, id))).toMatchObject([
      { token: 'said 0' },
      { error: { code: 'unknown_run_kind', message: expect.stringContaining('"gone"') } },
    ])
    expect((await room.get(id))?.status).toBe('failed')
    await before.room[Symbol.asyncDispose]()
  })

  test('closes as stopped what was to be stopped when its owner died', async () => {
    const before = await crash(1, 'stopping')
    const [id = ''] = before.ids
    await sql`update runs set stop_requested = true where id = ${id}`.execute(store.database.db)
    await using room = await openRuns(store.database, { nodeId: 'stopping' })
    expect(parse(await readAll(room, id))).toEqual([{ token: 'said 0' }, { event: 'stopped' }])
    await before.room[Symbol.asyncDispose]()
  })

  test('works on no more of them at once than it may, and on all in the end', async () => {
    const before = await crash(7, 'many')
    await using room = await openRuns(store.database, { nodeId: 'many', maxTakeovers: 3, leaseMs: 60_000 })
    const begun = new Set<string>()
    const workers = new Map(
      before.ids.map((id) => [
        id,
        room.workers.next(id).then((worker) => {
          begun.add(id)
          return worker
        }),
      ]),
    )
    for (let left = 7; left > 0; left--) {
      await waitFor(() => begun.size === Math.min(3, left))
      expect(room.stats().running).toBe(begun.size)
      const [id = ''] = begun
      ;(await workers.get(id))?.complete()
      await readAll(room, id)
      begun.delete(id)
    }
    await before.room[Symbol.asyncDispose]()
  })

  test('hands over at shutdown: all that was said is kept, and another node goes on at once', async () => {
    const said = Array.from({ length: 100 }, (_, i) => `${i} `).join('')
    const first = await openRuns(store.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(first, user)
    // Where there can be one process only, the next one begins when this one has ended.
    const waiting = kind === 'postgres' && (await openRuns(await store.another(), { leaseMs: 60_000 }))
    const following = waiting && readAll(waiting, id)
    for (let i = 0; i < 100; i++) await worker.context.emit({ token: `${i} ` })
    await first[Symbol.asyncDispose]()
    expect(worker.context.signal.reason).toBe('handed-over')

    await using second = waiting || (await openRuns(store.database))
    const { context, complete } = await second.workers.next(id)
    expect(textOf(await context.events())).toBe(said)
    complete()
    const events = await readAll(second, id)
    expect(parse(events.slice(-2))).toEqual([{ event: 'resumed', attempt: 2 }, { event: 'complete' }])
    if (following) expect(await following).toEqual(events)
  })

  test('lets short runs end at shutdown, and begins nothing new', async () => {
    const room = await openRuns(store.database, { graceMs: 20_000 })
    const { id, worker } = await startRun(room, user)
    const closed = room[Symbol.asyncDispose]()
    await expect(room.start({ kind: 'puppet', userId: user, input: {} })).rejects.toMatchObject({
      code: 'shutting_down',
      status: 503,
    })
    worker.complete({ event: 'complete' }, 'in time')
    await closed
    expect(worker.context.signal.aborted).toBe(false)
    expect(parse(await readLog(store.database, id))).toEqual([{ event: 'complete' }])
    expect(await listResults(store.database, id)).toEqual(['in time'])
  })
})
