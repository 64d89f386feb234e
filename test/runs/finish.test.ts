import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineError } from '../../server/errors.ts'
import type { Batch, Completion } from '../../server/runs/index.ts'
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
  waitFor,
} from './runs.ts'

const modelUnavailable = defineError(503, 'model_unavailable', () => 'The model is unavailable.')

describe.each(DATABASES)('the end of a run on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  let node: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    node = await openRuns(cluster.database)
  })
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await cluster.close()
  })

  /** Starts a run of the given kind and waits for its end. */
  async function outcome(kind: Parameters<typeof node.register>[1]) {
    node.register('odd', kind)
    const { run } = await node.start({ kind: 'odd', userId: user, input: {} })
    const events = parse(await readAll(node, run.id))
    return { id: run.id, events, record: await node.get(run.id) }
  }
  const closeWithError: Parameters<typeof node.register>[1]['close'] = async (_run, closing) =>
    closing.status === 'failed' ? { error: closing.error, partial: true } : { event: 'stopped' }

  test('stores the result with the last event', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'all' })
    worker.complete({ event: 'complete', total: 1 }, 'all')
    expect(parse(await readAll(node, id))).toEqual([{ token: 'all' }, { event: 'complete', total: 1 }])
    expect(await listResults(cluster.database, id)).toEqual(['all'])
    const record = await node.get(id)
    expect(record).toMatchObject({ status: 'complete', lastEvent: 2, error: null, attempt: 1 })
    expect(record?.finishedAt).toBeInstanceOf(Date)
  })

  test('stores each of several runs that end at once, also when one of them cannot be stored', async () => {
    const started = await Promise.all(Array.from({ length: 8 }, () => startRun(node, user)))
    for (const [i, { id, worker }] of started.entries())
      worker.complete({ event: 'complete' }, i === 3 ? 'NUL: \0' : id)
    for (const [i, { id }] of started.entries()) {
      const [event] = parse(await readAll(node, id))
      expect([i, event]).toEqual([i, i === 3 ? { error: expect.anything() } : { event: 'complete' }])
      expect(await listResults(cluster.database, id)).toEqual([i === 3 ? '' : id])
    }
  })

  /** A batch that ends runs and stores a text for each; `calls` are the numbers of items of each call of `store`. */
  function textBatch() {
    const calls: number[] = []
    const batch: Batch<{ id: string; content: string }> = {
      ends: true,
      events: async (_trx, items) => items.map(({ id }) => [{ of: id }, { event: 'complete' }]),
      async store(trx, items) {
        calls.push(items.length)
        for (const { id, content } of items)
          await sql`insert into stored (run_id, content) values (${id}, ${content})`.execute(trx)
      },
    }
    return { batch, calls }
  }

  test('commits items of several runs together, and one that fails, was stopped or has another owner alone', async () => {
    const { batch, calls } = textBatch()
    const started = await Promise.all(Array.from({ length: 8 }, () => startRun(node, user)))
    const [failing, stopped, lost, ...others] = started
    if (!failing || !stopped || !lost) throw new Error('No run was started.')
    await failing.worker.context.emit({ token: 'before' })
    await node.stop(stopped.id)
    await cluster.database.db.updateTable('runs').set({ attempt: 2 }).where('id', '=', lost.id).execute()
    const results = await Promise.allSettled(
      started.map(({ id, worker }) =>
        worker.context.commitTogether(batch, { id, content: id === failing.id ? 'NUL: \0' : id }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      ...others.map(() => 'fulfilled'),
    ])
    for (const { id } of others) {
      expect(parse(await readAll(node, id))).toEqual([{ of: id }, { event: 'complete' }])
      expect(await listResults(cluster.database, id)).toEqual([id])
      expect(await node.get(id)).toMatchObject({ status: 'complete', lastEvent: 2 })
    }
    if (kind === 'embedded') expect(calls[0]).toBeGreaterThan(1)
    expect(parse(await readLog(cluster.database, stopped.id))).toEqual([{ event: 'stopped' }])
    expect(parse(await readLog(cluster.database, lost.id))).not.toContainEqual({ event: 'complete' })
    expect(await listResults(cluster.database, lost.id)).toEqual([])

    await failing.worker.context.commitTogether(batch, { id: failing.id, content: 'second' })
    expect(parse(await readAll(node, failing.id))).toEqual([
      { token: 'before' },
      { of: failing.id },
      { event: 'complete' },
    ])
    expect(await listResults(cluster.database, failing.id)).toEqual(['second'])
  })

  test.each(['loseNext', 'loseNextResponse'] as const)(
    '%s while several runs commit together: each ends once, with its rows',
    async (fault) => {
      const { batch } = textBatch()
      const broken = createFaultyDatabase(cluster.database)
      await using faulty = await openRuns(broken.database, { leaseMs: 60_000 })
      const started = await Promise.all(Array.from({ length: 5 }, () => startRun(faulty, user)))
      broken[fault]()
      await Promise.all(
        started.map(({ id, worker }) => worker.context.commitTogether(batch, { id, content: id })),
      )
      for (const { id } of started) {
        const events = [{ of: id }, { event: 'complete' }]
        expect(parse(await readAll(faulty, id))).toEqual(events)
        expect(parse(await readLog(cluster.database, id))).toEqual(events)
        expect(await listResults(cluster.database, id)).toEqual([id])
      }
    },
  )

  test('reports a failure with its code and message, and keeps the events so far', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'half' })
    worker.fail(modelUnavailable())
    const error = { code: 'model_unavailable', message: 'The model is unavailable.' }
    expect(parse(await readAll(node, id))).toEqual([{ token: 'half' }, { error }])
    expect(await node.get(id)).toMatchObject({ status: 'failed', error })
    expect(await listResults(cluster.database, id)).toEqual(['half'])
  })

  test('reports an unexpected failure as internal, without details', async () => {
    const { id, worker } = await startRun(node, user)
    worker.fail(new Error('secret path /etc/passwd'))
    const [event] = parse(await readAll(node, id))
    expect(event).toMatchObject({ error: { code: 'internal' } })
    expect(JSON.stringify(event)).not.toContain('secret')
  })

  test('ends as failed when the result cannot be stored', async () => {
    const { id, events, record } = await outcome({
      async work(context): Promise<Completion> {
        await context.emit({ token: 'x' })
        return {
          event: { event: 'complete' },
          store: async (trx) => {
            await sql`insert into stored (run_id, content) values (${context.run.id}, 'x')`.execute(trx)
            throw modelUnavailable()
          },
        }
      },
      close: closeWithError,
    })
    expect(events).toEqual([{ token: 'x' }, { error: modelUnavailableError, partial: true }])
    expect(record).toMatchObject({ status: 'failed', lastEvent: 2 })
    expect(await listResults(cluster.database, id)).toEqual([])
  })
  const modelUnavailableError = { code: 'model_unavailable', message: 'The model is unavailable.' }

  test('continues when its worker cannot complete it yet, then ends with the rows of one attempt', async () => {
    const { id, events, record } = await outcome({
      async work({ run, emit, complete }) {
        await emit({ token: 'x' })
        const attempt = (content: string, problem?: Error) =>
          complete({
            event: async (trx) => {
              const { rows } = await sql<{ now: string }>`select 'now' as now`.execute(trx)
              return [{ read: rows[0]?.now }, { event: 'complete' }]
            },
            store: async (trx) => {
              await sql`insert into stored (run_id, content) values (${run.id}, ${content})`.execute(trx)
              if (problem) throw problem
            },
          })
        await expect(attempt('first', modelUnavailable())).rejects.toThrow('The model is unavailable.')
        await emit({ token: 'y' })
        await attempt('second')
        await expect(emit({ token: 'z' })).rejects.toThrow('has ended')
        return undefined
      },
      close: closeWithError,
    })
    expect(events).toEqual([{ token: 'x' }, { token: 'y' }, { read: 'now' }, { event: 'complete' }])
    expect(record).toMatchObject({ status: 'complete', lastEvent: 4, error: null })
    expect(await listResults(cluster.database, id)).toEqual(['second'])
  })

  test('ends as failed when the database rejects what its kind stores', async () => {
    const { events, record } = await outcome({
      work: async () => ({
        event: { event: 'complete' },
        store: async (trx) => void (await sql`select 1 / 0`.execute(trx)),
      }),
      close: closeWithError,
    })
    expect(events).toMatchObject([{ error: { code: 'internal' }, partial: true }])
    expect(record?.status).toBe('failed')
  })

  test.each(['stopped', 'failed'])(
    'ends with a bare error when its kind cannot close what %s',
    async (how) => {
      const { id, events, record } = await outcome({
        async work(context) {
          await context.emit({ token: 'x' })
          await context.flush()
          if (how === 'failed') throw modelUnavailable()
          return new Promise((_resolve, reject) => {
            context.signal.addEventListener('abort', () => reject(new Error('aborted')))
            void node.stop(context.run.id)
          })
        },
        async close(run, _closing, _events, trx) {
          await sql`insert into stored (run_id, content) values (${run.id}, 'x')`.execute(trx)
          throw new Error('broken kind')
        },
      })
      const code = how === 'failed' ? 'model_unavailable' : 'internal'
      expect(events).toMatchObject([{ token: 'x' }, { error: { code } }])
      expect(record).toMatchObject({ status: 'failed', error: { code } })
      expect(await listResults(cluster.database, id)).toEqual([])
    },
  )

  test('ends as failed when its last event cannot be written', async () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const { events, record } = await outcome({
      work: async () => ({ event: circle }),
      close: closeWithError,
    })
    expect(events).toMatchObject([{ error: { code: 'internal' }, partial: true }])
    expect(record?.status).toBe('failed')
  })

  test('passes the whole log to its kind when it is closed', async () => {
    let seen: unknown[] = []
    const { record } = await outcome({
      async work(context) {
        await context.emit({ token: 'committed' })
        await context.flush()
        await context.emit({ token: 'and not yet' })
        throw modelUnavailable()
      },
      async close(run, closing, events) {
        seen = [run.lastEvent, closing.status, ...parse(events)]
        return {}
      },
    })
    expect(seen).toEqual([2, 'failed', { token: 'committed' }, { token: 'and not yet' }])
    expect(record?.lastEvent).toBe(3)
  })

  test('rejects events that a worker emits after its end', async () => {
    const { id, worker } = await startRun(node, user)
    worker.complete()
    await readAll(node, id)
    await expect(worker.context.emit({ token: 'late' })).rejects.toThrow('ended')
    await expect(worker.context.commit({ token: 'late' }, async () => {})).rejects.toThrow('ended')
    expect(parse(await readAll(node, id))).toEqual([{ event: 'complete' }])
  })

  test('rolls back a commit whose rows cannot be stored, and continues', async () => {
    const { id, worker } = await startRun(node, user)
    await worker.context.emit({ token: 'before' })
    await expect(
      worker.context.commit({ step: 1 }, async (trx) => {
        await sql`insert into stored (run_id, content) values (${id}, 'step')`.execute(trx)
        throw modelUnavailable()
      }),
    ).rejects.toMatchObject({ code: 'model_unavailable' })
    await worker.context.emit({ token: 'after' })
    await worker.context.flush()
    worker.complete()
    const events = parse(await readAll(node, id))
    expect(events.at(-1)).toEqual({ event: 'complete' })
    expect(events.map(({ token }) => token ?? '').join('')).toBe('beforeafter')
    expect(await listResults(cluster.database, id)).toEqual([])
  })

  test('aborts the worker of a run whose user was deleted', async () => {
    const deletedUser = await createUser(cluster.database)
    const { id, worker } = await startRun(node, deletedUser)
    await cluster.database.db.deleteFrom('users').where('id', '=', deletedUser).execute()
    await worker.context.emit({ token: 'to nobody' })
    await waitFor(() => worker.context.signal.aborted)
    expect(worker.context.signal.reason).toBe('handed-over')
    expect(await readAll(node, id)).toEqual([])
    expect(await node.get(id)).toBeUndefined()
    expect(node.stats().running).toBe(0)
  })

  test('fails only the run whose events the database rejects', async () => {
    // A database with another encoding also rejects emoji.
    await sql`alter table run_events add constraint picky check (data not like '%unwanted%')`.execute(
      cluster.database.db,
    )
    const good = await startRun(node, user)
    const bad = await startRun(node, user)
    await Promise.all([
      good.worker.context.emit({ token: 'wanted' }),
      bad.worker.context.emit({ token: 'unwanted' }),
    ])
    await good.worker.context.flush()
    expect(parse(await readAll(node, bad.id))).toMatchObject([{ error: { code: 'internal' } }])
    expect(bad.worker.context.signal.aborted).toBe(true)
    good.worker.complete()
    expect(parse(await readAll(node, good.id))).toEqual([{ token: 'wanted' }, { event: 'complete' }])
    await sql`alter table run_events drop constraint picky`.execute(cluster.database.db)
  })
})
