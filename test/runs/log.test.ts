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
  let cluster: TestCluster
  let user: string
  let node: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    node = await openRuns(cluster.database, { leaseMs: 60_000 })
  })
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await cluster.close()
  })

  test('numbers the events of each run from 1 without a gap while many runs write at once', async () => {
    const runs = await Promise.all(Array.from({ length: 40 }, async () => startRun(node, user)))
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
      const events = await readAll(node, id)
      expect(events.map(({ n }) => n)).toEqual(Array.from({ length: 6 + index }, (_, i) => i + 1))
      expect(parse(events)).toEqual([
        ...Array.from({ length: 5 + index }, (_, step) => ({ step })),
        { event: 'complete' },
      ])
      expect(await readLog(cluster.database, id)).toEqual(events)
    }
  })

  test('writes concurrent events of many runs in one commit', async () => {
    const runs = await Promise.all(Array.from({ length: 30 }, async () => startRun(node, user)))
    const before = node.stats()
    await Promise.all(runs.map(async ({ worker }) => worker.context.emit({ token: 'a' })))
    await Promise.all(runs.map(async ({ worker }) => worker.context.flush()))
    const after = node.stats()
    expect(after.events - before.events).toBe(30)
    expect(after.commits - before.commits).toBe(1)
    for (const { worker } of runs) worker.complete()
    for (const { id } of runs) await readAll(node, id)
  })

  test('shows an event to readers only after its commit', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'seen' })
    const seen: string[] = []
    const leave = new AbortController()
    const reading = (async () => {
      for await (const events of node.follow(id, 0, leave.signal))
        seen.push(...events.map(({ data }) => data))
    })()
    await waitFor(() => seen.length === 1)

    const other = await cluster.another()
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holding = other.transaction(async (trx) => {
      await trx.selectFrom('runs').select('id').where('id', '=', id).forUpdate().execute()
      locked.resolve()
      await held.promise
    })
    await locked.promise
    await worker.context.emit({ token: 'not yet' })
    // Enough turns of the event loop for all work that does not wait for the database.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual(['{"token":"seen"}'])

    held.resolve()
    await holding
    await waitFor(() => seen.length === 2)
    expect(seen).toEqual(['{"token":"seen"}', '{"token":"not yet"}'])
    leave.abort()
    await reading
    worker.complete()
    await readAll(node, id)
  })

  test('returns every text unchanged', async () => {
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
    const { id, worker } = await startRun(node, user)
    for (const text of texts) await worker.context.emit({ text })
    worker.complete()
    const events = await readAll(node, id)
    expect(parse(events).map(({ text }) => text)).toEqual([...texts, undefined])
    expect(events.every(({ data }) => !/[\r\n]/.test(data))).toBe(true)
  })

  test('rejects an event that is too large', async () => {
    const { id, worker } = await startRun(node, user)
    await expect(worker.context.emit({ text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
      code: 'event_too_large',
    })
    worker.complete()
    expect(parse(await readAll(node, id))).toEqual([{ event: 'complete' }])
  })

  test('merges adjacent tokens of one commit and nothing else', async () => {
    const { id, worker } = await startRun(node, user)
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
    expect(parse(await readAll(node, id))).toEqual([
      { token: 'ab' },
      { step: 1 },
      { token: 'cd' },
      { token: 'e' },
      { event: 'complete' },
    ])
  })

  test('blocks a worker that is far ahead of the log, without losing events', async () => {
    const { id, worker } = await startRun(node, user)
    const other = await cluster.another()
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
    expect(parse(await readAll(node, id)).map(({ step }) => step)).toEqual([
      ...Array.from({ length: 2000 }, (_, step) => step),
      undefined,
    ])
  })

  test('returns the log so far to a worker', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'a' })
    await worker.context.flush()
    await worker.context.emit({ step: 1 })
    await worker.context.flush()
    expect(parse(await worker.context.events())).toEqual([{ token: 'a' }, { step: 1 }])
    worker.complete()
    await readAll(node, id)
  })
})

describe.each(DATABASES)('a broken connection to %s', (kind) => {
  let cluster: TestCluster
  let user: string
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
  })
  afterAll(async () => cluster.close())

  const faults = ['loseNext', 'loseNextResponse'] as const

  test.each(faults)('%s while events are written: each is written exactly once', async (fault) => {
    const broken = createFaultyDatabase(cluster.database)
    await using node = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(node, user)
    for (let i = 0; i < 60; i++) {
      if (i % 10 === 5) broken[fault]()
      await worker.context.emit({ token: `${i} ` })
      if (i % 5 === 0) await worker.context.flush()
    }
    await worker.context.flush()
    worker.complete({ event: 'complete' }, 'done')
    const events = await readAll(node, id)
    expect(textOf(events)).toBe(Array.from({ length: 60 }, (_, i) => `${i} `).join(''))
    expect(await readLog(cluster.database, id)).toEqual(events)
  })

  if (kind === 'postgres')
    test('a writer whose connection the server terminates at any moment writes each event exactly once', async () => {
      const admin = await cluster.another()
      await using node = await openRuns(cluster.database, { leaseMs: 60_000 })
      const runs = await Promise.all(Array.from({ length: 20 }, async () => startRun(node, user)))
      let killed = 0
      const killing = (async () => {
        while (killed < 5) {
          const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query like '%with appends as%'`.execute(
            admin.db,
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
        const events = parse(await readAll(node, id))
        expect(events).toEqual([
          ...Array.from({ length: events.length - 1 }, (_, step) => ({ step })),
          { event: 'complete' },
        ])
      }
    })

  test.each(faults)('%s while a run ends: it ends once, with its result', async (fault) => {
    const broken = createFaultyDatabase(cluster.database)
    await using node = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'all' })
    await worker.context.flush()
    broken[fault]()
    worker.complete({ event: 'complete' }, 'all')
    expect(parse(await readAll(node, id))).toEqual([{ token: 'all' }, { event: 'complete' }])
    expect(await listResults(cluster.database, id)).toEqual(['all'])
    expect(await node.get(id)).toMatchObject({ status: 'complete', lastEvent: 2, error: null })
  })

  test.each(faults)('%s during a commit with rows: event and rows are stored exactly once', async (fault) => {
    const broken = createFaultyDatabase(cluster.database)
    await using node = await openRuns(broken.database, { leaseMs: 60_000 })
    const { id, worker } = await startRun(node, user)
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
    expect(parse(await readAll(node, id))).toEqual([{ token: 'before' }, { step: 1 }, { event: 'complete' }])
    const { display_name } = await cluster.database.db
      .selectFrom('users')
      .select('display_name')
      .where('id', '=', user)
      .executeTakeFirstOrThrow()
    expect(display_name).toBe(`after ${fault}`)
  })
})
