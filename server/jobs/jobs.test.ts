import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES, openTestDatabase, truncateTables } from '../../test/databases.ts'
import { type Database, newId } from '../db/index.ts'
import { createLog } from '../log.ts'
import { jobs as createJobs, type JobContext, type JobsDependencies } from './index.ts'

const log = createLog('silent')

type Call = {
  input: object
  context: JobContext
  succeed(repeatAfterMs?: number): void
  fail(error: Error): void
}

/** A kind of job whose calls wait until the test ends them. */
function controlledKind() {
  const calls: Call[] = []
  const listeners: (() => void)[] = []
  return {
    calls,
    async run(input: object, context: JobContext) {
      const done = Promise.withResolvers<void | { repeatAfterMs: number }>()
      context.signal.addEventListener('abort', () => done.reject(context.signal.reason))
      calls.push({
        input,
        context,
        succeed: (repeatAfterMs) => done.resolve(repeatAfterMs === undefined ? undefined : { repeatAfterMs }),
        fail: done.reject,
      })
      for (const resolve of listeners.splice(0)) resolve()
      return done.promise
    },
    /** Resolves with the call of this number, from 0, when it has started. */
    async call(number: number): Promise<Call> {
      for (;;) {
        const call = calls[number]
        if (call !== undefined) return call
        await new Promise<void>((resolve) => listeners.push(resolve))
      }
    },
  }
}

describe.each(DATABASES)('jobs on %s', (kind) => {
  let database: Awaited<ReturnType<typeof openTestDatabase>>
  beforeAll(async () => {
    database = await openTestDatabase(kind)
  })
  afterEach(async () => truncateTables(database))
  afterAll(async () => database[Symbol.asyncDispose]())

  const create = (more: Partial<JobsDependencies> = {}) =>
    createJobs({ database, log, graceMs: 1_000, retryDelayMs: () => 20, ...more })
  const rows = async () =>
    database.db.selectFrom('jobs').selectAll().where('kind', '!=', 'jobs.retention').execute()
  const addUser = async (db: Database['db'], name: string) =>
    db.insertInto('users').values({ id: newId(), display_name: name }).execute()
  const userNames = async () =>
    (await database.db.selectFrom('users').select('display_name').execute()).map((row) => row.display_name)

  test('runs a job once and deletes it', async () => {
    await using jobs = create()
    const inputs: object[] = []
    jobs.register('greet', { run: async (input) => void inputs.push(input) })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', input: { id: 1 } })
    await jobs.idle(['greet'])
    expect(inputs).toEqual([{ id: 1 }])
    expect(await rows()).toEqual([])
  })

  test('runs a job only when the transaction that enqueued it commits', async () => {
    await using jobs = create()
    const inputs: object[] = []
    jobs.register('greet', { run: async (input) => void inputs.push(input) })
    await jobs.open()
    const failed = database.transaction(async (trx) => {
      await jobs.enqueue(trx, { kind: 'greet', input: { id: 1 } })
      throw new Error('rolled back')
    })
    await expect(failed).rejects.toThrow('rolled back')
    await database.transaction(async (trx) => jobs.enqueue(trx, { kind: 'greet', input: { id: 2 } }))
    await expect.poll(() => inputs).toEqual([{ id: 2 }])
    await jobs.idle()
    expect(inputs).toEqual([{ id: 2 }])
  })

  test('runs a job that was enqueued before it was opened', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', greet)
    await jobs.enqueue(database.db, { kind: 'greet', input: { id: 1 } })
    expect(greet.calls).toEqual([])
    await jobs.open()
    ;(await greet.call(0)).succeed()
    await jobs.idle()
  })

  test('runs a delayed job when it is due, without polling', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', greet)
    await jobs.open()
    await jobs.idle()
    const started = performance.now()
    await jobs.enqueue(database.db, { kind: 'greet', input: {}, delayMs: 300 })
    ;(await greet.call(0)).succeed()
    expect(performance.now() - started).toBeGreaterThanOrEqual(299)
    await jobs.idle()
  })

  test('merges pending jobs of the same kind and key, and keeps the newest input', async () => {
    await using jobs = create()
    const inputs: object[] = []
    jobs.register('greet', { run: async (input) => void inputs.push(input) })
    for (const id of [1, 2, 3]) await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: { id } })
    await jobs.enqueue(database.db, { kind: 'greet', key: 'b', input: { id: 4 } })
    expect(await rows()).toHaveLength(2)
    await jobs.open()
    await jobs.idle()
    expect(inputs).toEqual(expect.arrayContaining([{ id: 3 }, { id: 4 }]))
    expect(inputs).toHaveLength(2)
  })

  test('delays a job that is enqueued again, up to maxDelayMs after the first time', async () => {
    await using jobs = create()
    jobs.register('greet', { run: async () => {} })
    const job = { kind: 'greet', key: 'a', input: {}, delayMs: 60_000, maxDelayMs: 90_000 }
    const dueInSeconds = async () => {
      const { rows } = await sql<{ seconds: number }>`
        select extract(epoch from due_at - clock_timestamp())::float8 as seconds from jobs where kind = 'greet'`.execute(
        database.db,
      )
      return rows[0]?.seconds
    }
    const pass = async (seconds: number) =>
      sql`update jobs set due_at = due_at - ${seconds} * interval '1 second',
        latest_due_at = latest_due_at - ${seconds} * interval '1 second'`.execute(database.db)
    await jobs.enqueue(database.db, job)
    await pass(20)
    expect(await dueInSeconds()).toBeCloseTo(40, -1)
    await jobs.enqueue(database.db, job)
    expect(await dueInSeconds()).toBeCloseTo(60, -1)
    await pass(50)
    await jobs.enqueue(database.db, job)
    expect(await dueInSeconds()).toBeCloseTo(20, -1)
  })

  test('runs a job again that is enqueued while it runs', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', { ...greet, concurrency: 2 })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: { id: 1 } })
    const first = await greet.call(0)
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: { id: 2 } })
    await pause(100)
    expect(greet.calls).toHaveLength(1)
    first.succeed()
    const second = await greet.call(1)
    expect(second.input).toEqual({ id: 2 })
    second.succeed()
    await jobs.idle()
    expect(await rows()).toEqual([])
  })

  test('runs a job again after repeatAfterMs', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', greet)
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: { id: 1 } })
    ;(await greet.call(0)).succeed(100)
    const again = await greet.call(1)
    expect(again).toMatchObject({ input: { id: 1 }, context: { attempt: 1 } })
    again.succeed()
    await jobs.idle()
    expect(await rows()).toEqual([])
  })

  test('retries a failed job after the backoff, then keeps it as dead with its error', async () => {
    await using jobs = create({ retryDelayMs: (failures) => 50 * failures })
    const attempts: { attempt: number; at: number }[] = []
    jobs.register('greet', {
      maxAttempts: 3,
      async run(_input, { attempt }) {
        attempts.push({ attempt, at: performance.now() })
        throw new Error('The service is unavailable.')
      },
    })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: {} })
    await expect.poll(async () => (await rows())[0]?.state).toBe('dead')
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    const [first = 0, second = 0, third = 0] = attempts.map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(49)
    expect(third - second).toBeGreaterThanOrEqual(99)
    expect(await rows()).toMatchObject([{ failures: 3, error: 'The service is unavailable.' }])
    expect(await jobs.stats()).toContainEqual({ kind: 'greet', state: 'dead', count: 1 })
  })

  test('resets the attempts of a dead job that is enqueued again', async () => {
    await using jobs = create()
    let isUnavailable = true
    jobs.register('greet', {
      maxAttempts: 1,
      async run() {
        if (isUnavailable) throw new Error('The service is unavailable.')
      },
    })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: {} })
    await expect.poll(async () => (await rows())[0]?.state).toBe('dead')
    isUnavailable = false
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: {} })
    await jobs.idle()
    expect(await rows()).toEqual([])
  })

  test('purges dead jobs after their retention', async () => {
    const day = 24 * 60 * 60_000
    await using jobs = create({ deadRetentionMs: 2 * day })
    const dead = (key: string, failedMs: number) => ({
      id: newId(),
      kind: 'greet',
      key,
      input: '{}',
      state: 'dead' as const,
      priority: 0,
      due_at: new Date(),
      failed_at: new Date(Date.now() - failedMs),
    })
    await database.db
      .insertInto('jobs')
      .values([dead('old', 3 * day), dead('new', day)])
      .execute()
    await jobs.open()
    await jobs.idle()
    expect(await rows()).toMatchObject([{ key: 'new' }])
  })

  test('runs at most `concurrency` jobs of a kind, and those of higher priority first', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', { ...greet, concurrency: 2 })
    for (const priority of [0, 0, 5, 9])
      await jobs.enqueue(database.db, { kind: 'greet', input: { priority }, priority })
    await jobs.open()
    const inputs = [await greet.call(0), await greet.call(1)].map(({ input }) => input)
    expect(inputs).toEqual(expect.arrayContaining([{ priority: 5 }, { priority: 9 }]))
    await pause(100)
    expect(greet.calls).toHaveLength(2)
    ;(await greet.call(0)).succeed()
    expect((await greet.call(2)).input).toEqual({ priority: 0 })
    for (const index of [1, 2, 3]) (await greet.call(index)).succeed()
    await jobs.idle()
  })

  test('bounds the jobs of all kinds together', async () => {
    await using jobs = create({ concurrency: 1 })
    const low = controlledKind()
    const high = controlledKind()
    jobs.register('low', low)
    jobs.register('high', { ...high, priority: 1 })
    await jobs.enqueue(database.db, { kind: 'low', input: {} })
    await jobs.enqueue(database.db, { kind: 'high', input: {} })
    await jobs.open()
    // The retention of dead jobs may come first.
    const first = await high.call(0)
    expect(low.calls).toEqual([])
    first.succeed()
    ;(await low.call(0)).succeed()
    await jobs.idle()
  })

  test('runs a schedule at the start and again after its interval', async () => {
    await using jobs = create()
    const tidy = controlledKind()
    jobs.register('tidy', { ...tidy, everyMs: 150 })
    await jobs.open()
    ;(await tidy.call(0)).succeed()
    const finished = performance.now()
    const second = await tidy.call(1)
    expect(performance.now() - finished).toBeGreaterThanOrEqual(149)
    expect(await rows()).toHaveLength(1)
    second.succeed()
  })

  test('keeps a schedule going after its last failed attempt', async () => {
    await using jobs = create()
    const tidy = controlledKind()
    jobs.register('tidy', { ...tidy, everyMs: 150, maxAttempts: 1 })
    await jobs.open()
    ;(await tidy.call(0)).fail(new Error('no'))
    const second = await tidy.call(1)
    expect(second.context.attempt).toBe(1)
    expect(await rows()).toMatchObject([{ error: 'no' }])
    second.succeed()
  })

  // The embedded database has one server.
  if (kind === 'postgres')
    test('runs one schedule per cluster', async () => {
      await using one = create()
      await using other = create()
      const tidy = controlledKind()
      for (const jobs of [one, other]) {
        jobs.register('tidy', { ...tidy, everyMs: 60_000 })
        await jobs.open()
      }
      const first = await tidy.call(0)
      await pause(100)
      expect(tidy.calls).toHaveLength(1)
      first.succeed()
      await one.idle()
      await other.idle()
      expect(tidy.calls).toHaveLength(1)
    })

  test('runs a job that is not due yet on request, and resolves when it has finished', async () => {
    await using jobs = create()
    const inputs: object[] = []
    jobs.register('greet', { run: async (input) => void inputs.push(input) })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: { id: 1 }, delayMs: 60_000 })
    await jobs.runNow('greet', 'a')
    expect(inputs).toEqual([{ id: 1 }])
    await jobs.runNow('greet', 'a')
    await jobs.runNow('greet', 'unknown')
    expect(inputs).toHaveLength(1)
  })

  test('rejects when the requested job fails', async () => {
    await using jobs = create()
    jobs.register('greet', {
      run: async () => {
        throw new Error('no')
      },
    })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', key: 'a', input: {}, delayMs: 60_000 })
    await expect(jobs.runNow('greet', 'a')).rejects.toThrow('no')
  })

  test('waits for a job that another server runs', async () => {
    await using one = create()
    await using other = create()
    const greet = controlledKind()
    for (const jobs of [one, other]) jobs.register('greet', greet)
    await one.open()
    await one.enqueue(database.db, { kind: 'greet', key: 'a', input: {} })
    const call = await greet.call(0)
    let isDone = false
    const done = other.runNow('greet', 'a').then(() => {
      isDone = true
    })
    await pause(300)
    expect(isDone).toBe(false)
    call.succeed()
    await done
    const waiting = new AbortController()
    await one.enqueue(database.db, { kind: 'greet', key: 'a', input: {} })
    const second = await greet.call(1)
    const aborted = other.runNow('greet', 'a', waiting.signal)
    waiting.abort(new Error('left'))
    await expect(aborted).rejects.toThrow()
    second.succeed()
    await one.idle()
  })

  test('returns a job to the queue at shutdown, without counting a failure', async () => {
    const stopping = create()
    const greet = controlledKind()
    stopping.register('greet', greet)
    await stopping.open()
    await stopping.enqueue(database.db, { kind: 'greet', input: {} })
    const { context } = await greet.call(0)
    await stopping[Symbol.asyncDispose]()
    expect(context.signal.aborted).toBe(true)
    expect(await rows()).toMatchObject([{ state: 'pending', failures: 0, lease_until: null }])

    await using next = create()
    next.register('greet', greet)
    await next.open()
    const again = await greet.call(1)
    expect(again.context.attempt).toBe(1)
    again.succeed()
    await next.idle()
  })

  test('takes over the job of a dead server, and stores nothing of the old attempt', async () => {
    await using dying = create({ graceMs: 0 })
    await using successor = create()
    const left = Promise.withResolvers<JobContext>()
    const end = Promise.withResolvers<void>()
    dying.register('greet', {
      leaseMs: 300,
      async run(_input, context) {
        left.resolve(context)
        await end.promise
      },
    })
    const greet = controlledKind()
    successor.register('greet', { ...greet, leaseMs: 300 })
    await dying.open()
    await dying.enqueue(database.db, { kind: 'greet', input: {} })
    const old = await left.promise
    await old.transaction(async (trx) => addUser(trx, 'stored in time'))
    // Simulates a server whose lease expired while another one claimed the job.
    await sql`update jobs set claims = claims + 1, lease_until = now() where kind = 'greet'`.execute(
      database.db,
    )
    await successor.open()
    const takeover = await greet.call(0)
    expect(takeover.context.attempt).toBe(2)
    await expect(old.transaction(async (trx) => addUser(trx, 'too late'))).rejects.toThrow(/taken over/)
    expect(old.signal.aborted).toBe(true)
    end.resolve()
    await dying.idle(['greet'])
    expect(await rows()).toMatchObject([{ state: 'running' }])
    await takeover.context.transaction(async (trx) => addUser(trx, 'stored by the successor'))
    takeover.succeed()
    await successor.idle()
    expect(await rows()).toEqual([])
    expect(await userNames()).toEqual(['stored in time', 'stored by the successor'])
  })

  test('keeps the lease of a job that takes longer', async () => {
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', { ...greet, leaseMs: 200 })
    await jobs.open()
    await jobs.enqueue(database.db, { kind: 'greet', input: {} })
    const call = await greet.call(0)
    await pause(600)
    expect(call.context.signal.aborted).toBe(false)
    const { rows: leases } = await sql<{ holds: boolean }>`
      select lease_until > clock_timestamp() as holds from jobs where kind = 'greet'`.execute(database.db)
    expect(leases).toEqual([{ holds: true }])
    call.succeed()
    await jobs.idle()
    expect(greet.calls).toHaveLength(1)
  })

  test('marks a job as dead if its server dies in every attempt', async () => {
    await database.db
      .insertInto('jobs')
      .values({
        id: newId(),
        kind: 'greet',
        key: 'a',
        input: '{}',
        state: 'running',
        priority: 0,
        due_at: new Date(),
        lease_until: new Date(Date.now() - 1000),
        failures: 4,
      })
      .execute()
    await using jobs = create()
    const greet = controlledKind()
    jobs.register('greet', greet)
    await jobs.open()
    await expect.poll(async () => (await rows())[0]?.state).toBe('dead')
    expect(greet.calls).toEqual([])
  })
})
