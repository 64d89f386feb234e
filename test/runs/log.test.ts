import { setImmediate as nextTurn } from 'node:timers/promises'
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
  textOf,
  waitFor,
} from './runs.ts'

describe.each(DATABASES)('the log on %s', (kind) => {
  let store: TestCluster
  let user: string
  let room: TestRuns
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
    room = await openRuns(store.database, { leaseMs: 60_000 })
  })
  afterAll(async () => {
    await room[Symbol.asyncDispose]()
    await store.close()
  })

  test('numbers the events of every run from 1 without a gap, however many runs write at once', async () => {
    const runs = await Promise.all(Array.from({ length: 40 }, async () => startRun(room, user)))
    await Promise.all(
      runs.map(async ({ worker }, index) => {
        for (let i = 0; i < 5 + index; i++) {
          await worker.context.emit({ step: i })
          if (i % 7 === index % 7) await worker.context.flush()
        }
        worker.complete()
      }),
    )
    for (const [index, { id }] of runs.entries()) {
      const events = await readAll(room, id)
      expect(events.map(({ n }) => n)).toEqual(Array.from({ length: 6 + index }, (_, i) => i + 1))
      expect(parse(events)).toEqual([
        ...Array.from({ length: 5 + index }, (_, step) => ({ step })),
        { event: 'complete' },
      ])
      expect(await readLog(store.database, id)).toEqual(events)
    }
  })

  test('writes what many runs say at the same time in one commit', async () => {
    const runs = await Promise.all(Array.from({ length: 30 }, async () => startRun(room, user)))
    const before = room.stats()
    await Promise.all(runs.map(async ({ worker }) => worker.context.emit({ token: 'a' })))
    await Promise.all(runs.map(async ({ worker }) => worker.context.flush()))
    const after = room.stats()
    expect(after.events - before.events).toBe(30)
    expect(after.commits - before.commits).toBe(1)
    for (const { worker } of runs) worker.complete()
    for (const { id } of runs) await readAll(room, id)
  })

  test('lets no reader see an event before its commit', async () => {
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'seen' })
    const seen: string[] = []
    const leave = new AbortController()
    const reading = (async () => {
      for await (const events of room.follow(id, 0, leave.signal))
        seen.push(...events.map(({ data }) => data))
    })()
    await waitFor(() => seen.length === 1)

    const other = await store.another()
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holding = other.transaction(async (trx) => {
      await trx.selectFrom('runs').select('id').where('id', '=', id).forUpdate().execute()
      locked.resolve()
      await held.promise
    })
    await locked.promise
    await worker.context.emit({ token: 'not yet' })
    // Enough turns of the event loop for anything that does not wait for the database.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual(['{"token":"seen"}'])

    held.resolve()
    await holding
    await waitFor(() => seen.length === 2)
    expect(seen).toEqual(['{"token":"seen"}', '{"token":"not yet"}'])
    leave.abort()
    await reading
    worker.complete()
    await readAll(room, id)
  })

  test('brings back every text as it was given', async () => {
    const texts = [
      'line\r\nline\nline\rline',
      'data: not an event\n\nid: 99\n\n',
      '\u2028\u2029\u0085',
      'NUL \u0000 inside',
      'half of an emoji \ud83d',
      '👩‍👩‍👧 ä ß 漢字',
      '"quotes" and \\ backslashes {braces} ,NULL,',
      'x'.repeat(1_000_000),
    ]
    const { id, worker } = await startRun(room, user)
    for (const text of texts) await worker.context.emit({ text })
    worker.complete()
    const events = await readAll(room, id)
    expect(parse(events).map(({ text }) => text)).toEqual([...texts, undefined])
    expect(events.every(({ data }) => !/[\r\n]/.test(data))).toBe(true)
  })

  test('refuses an event that is too large, and says so', async () => {
    const { id, worker } = await startRun(room, user)
    await expect(worker.context.emit({ text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
      code: 'event_too_large',
    })
    worker.complete()
    expect(parse(await readAll(room, id))).toEqual([{ event: 'complete' }])
  })

  test('merges neighbouring tokens of one commit and nothing else', async () => {
    const { id, worker } = await startRun(room, user)
    await Promise.all([
      worker.context.emit({ token: 'a' }),
      worker.context.emit({ token: 'b' }),
      worker.context.emit({ step: 1 }),
      worker.context.emit({ token: 'c' }),
      worker.context.emit({ token: 'd' }),
    ])
    await worker.context.flush()
    await worker.context.emit({ token: 'e' })
    worker.complete()
    expect(parse(await readAll(room, id))).toEqual([
      { token: 'ab' },
      { step: 1 },
      { token: 'cd' },
      { token: 'e' },
      { event: 'complete' },
    ])
  })

  test('makes a worker wait that is far ahead of the log, and loses nothing of it', async () => {
    const { id, worker } = await startRun(room, user)
    const other = await store.another()
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holding = other.transaction(async (trx) => {
      await trx.selectFrom('runs').select('id').where('id', '=', id).forUpdate().execute()
      locked.resolve()
      await held.promise
    })
    await locked.promise
    let emitted = 0
    const talking = (async () => {
      for (let step = 0; step < 2000; step++) {
        await worker.context.emit({ step })
        emitted += 1
      }
    })()
    for (let turn = 0; turn < 2500; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(emitted).toBe(255)
    held.resolve()
    await holding
    await talking
    worker.complete()
    expect(parse(await readAll(room, id)).map(({ step }) => step)).toEqual([
      ...Array.from({ length: 2000 }, (_, step) => step),
      undefined,
    ])
  })

  test('gives a worker the log so far', async () => {
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'a' })
    await worker.context.flush()
    await worker.context.emit({ step: 1 })
    await worker.context.flush()
    expect(parse(await worker.context.events())).toEqual([{ token: 'a' }, { step: 1 }])
    worker.complete()
    await readAll(room, id)
  })
})

describe.each(DATABASES)('a connection to %s that breaks', (kind) => {
  let store: TestCluster
  let user: string
  beforeAll(async () => {
    store = await openCluster(kind)
    await createResultsTable(store.database)
    user = await createUser(store.database)
  })
  afterAll(async () => store.close())

  const faults = ['loseNext', 'loseNextAnswer'] as const

  test.each(faults)('%s while events are written: none is lost, none written twice', async (fault) => {
    const broken = createFaultyDatabase(store.database)
    await using room = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(room, user)
    for (let i = 0; i < 60; i++) {
      if (i % 10 === 5) broken[fault]()
      await worker.context.emit({ token: `${i} ` })
      if (i % 5 === 0) await worker.context.flush()
    }
    await worker.context.flush()
    worker.complete({ event: 'complete' }, 'done')
    const events = await readAll(room, id)
    expect(textOf(events)).toBe(Array.from({ length: 60 }, (_, i) => `${i} `).join(''))
    expect(await readLog(store.database, id)).toEqual(events)
  })

  if (kind === 'postgres')
    test('a writer whose connection the server ends, at any moment, writes all of it once', async () => {
      const killer = await store.another()
      await using room = await openRuns(store.database, { leaseMs: 60_000 })
      const runs = await Promise.all(Array.from({ length: 20 }, async () => startRun(room, user)))
      let killed = 0
      const killing = (async () => {
        while (killed < 5) {
          const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query like '%with appends as%'`.execute(
            killer.db,
          )
          killed += rows.length
          await nextTurn()
        }
      })()
      await Promise.all(
        runs.map(async ({ worker }) => {
          for (let i = 0; i < 60 || killed < 5; i++) {
            await worker.context.emit({ step: i })
            await worker.context.flush()
          }
          worker.complete()
        }),
      )
      await killing
      for (const { id } of runs) {
        const events = parse(await readAll(room, id))
        expect(events).toEqual([
          ...Array.from({ length: events.length - 1 }, (_, step) => ({ step })),
          { event: 'complete' },
        ])
      }
    })

  test.each(faults)('%s while a run ends: it ends once, with what it stores', async (fault) => {
    const broken = createFaultyDatabase(store.database)
    await using room = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'all' })
    await worker.context.flush()
    broken[fault]()
    worker.complete({ event: 'complete' }, 'all')
    expect(parse(await readAll(room, id))).toEqual([{ token: 'all' }, { event: 'complete' }])
    expect(await listResults(store.database, id)).toEqual(['all'])
    expect(await room.get(id)).toMatchObject({ status: 'complete', lastEvent: 2, error: null })
  })

  test.each(faults)('%s while a step is stored: event and rows are there, once', async (fault) => {
    const broken = createFaultyDatabase(store.database)
    await using room = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(room, user)
    await worker.context.emit({ token: 'before' })
    broken[fault]()
    await worker.context.commit({ step: 1 }, async (trx) => {
      await trx
        .updateTable('users')
        .set({ display_name: `after ${fault}` })
        .where('id', '=', user)
        .execute()
    })
    worker.complete()
    expect(parse(await readAll(room, id))).toEqual([{ token: 'before' }, { step: 1 }, { event: 'complete' }])
    const { display_name } = await store.database.db
      .selectFrom('users')
      .select('display_name')
      .where('id', '=', user)
      .executeTakeFirstOrThrow()
    expect(display_name).toBe(`after ${fault}`)
  })
})
