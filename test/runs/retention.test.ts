import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../databases.ts'
import { openCluster, type TestCluster } from './cluster.ts'
import {
  createResultsTable,
  createUser,
  openRuns,
  readAll,
  readLog,
  startRun,
  type TestRuns,
  waitFor,
} from './runs.ts'

const { signal } = new AbortController()

describe.each(DATABASES)('retention of runs on %s', (kind) => {
  let cluster: TestCluster
  let user: string
  let runs: TestRuns
  beforeAll(async () => {
    cluster = await openCluster(kind)
    await createResultsTable(cluster.database)
    user = await createUser(cluster.database)
    runs = await openRuns(cluster.database, { leaseMs: 60_000 })
  })
  afterEach(async () => cluster.database.db.deleteFrom('runs').execute())
  afterAll(async () => {
    await runs[Symbol.asyncDispose]()
    await cluster.close()
  })

  async function finishedRun(daysAgo: number, events = 1): Promise<string> {
    const { id, worker } = await startRun(runs, user)
    for (let n = 1; n < events; n++) await worker.context.emit({ event: n })
    worker.complete()
    await readAll(runs, id)
    await sql`update runs set finished_at = now() - ${daysAgo} * interval '1 day' where id = ${id}`.execute(
      cluster.database.db,
    )
    return id
  }

  test('deletes the events of a run that ended more than 7 days ago, and keeps the run', async () => {
    const old = await finishedRun(8, 2)
    const recent = await finishedRun(6)
    await runs.prune(signal)
    expect(await readLog(cluster.database, old)).toEqual([])
    expect(await runs.get(old)).toMatchObject({ status: 'complete', lastEvent: 2, eventsExpired: true })
    await expect(readAll(runs, old)).rejects.toMatchObject({ status: 410, code: 'run_events_expired' })
    expect(await readAll(runs, old, 2)).toEqual([])
    expect(await readLog(cluster.database, recent)).toHaveLength(1)
  })

  test('deletes a run that ended more than 30 days ago, and with it its idempotency key', async () => {
    const start = async () => runs.start({ kind: 'test', userId: user, input: {}, idempotencyKey: 'key' })
    const { run } = await start()
    ;(await runs.workers.next(run.id)).complete()
    await readAll(runs, run.id)
    const end = async (daysAgo: number) =>
      sql`update runs set finished_at = now() - ${daysAgo} * interval '1 day' where id = ${run.id}`.execute(
        cluster.database.db,
      )
    await end(29)
    await runs.prune(signal)
    expect(await start()).toMatchObject({ outcome: 'repeated', run: { id: run.id } })
    await end(31)
    await runs.prune(signal)
    expect(await runs.get(run.id)).toBeUndefined()
    const again = await start()
    expect(again.outcome).toBe('created')
    ;(await runs.workers.next(again.run.id)).complete()
    await readAll(runs, again.run.id)
  })

  test('keeps a run that is still running, however old it is', async () => {
    const { id, worker } = await startRun(runs, user)
    await sql`update runs set created_at = now() - interval '1 year' where id = ${id}`.execute(
      cluster.database.db,
    )
    await runs.prune(signal)
    expect(await runs.get(id)).toMatchObject({ status: 'running' })
    worker.complete()
    await readAll(runs, id)
  })

  test('deletes a long log in several steps, and returns 410 in between', async () => {
    const id = await finishedRun(8, 1_600)
    const abort = new AbortController()
    const pruning = runs.prune(abort.signal)
    const isPartlyDeleted = async () => {
      const events = await readLog(cluster.database, id)
      return events.length > 0 && events.length < 1_600
    }
    await waitFor(isPartlyDeleted)
    await expect(readAll(runs, id)).rejects.toMatchObject({ status: 410 })
    abort.abort()
    await expect(pruning).rejects.toThrow()
    await runs.prune(signal)
    expect(await readLog(cluster.database, id)).toEqual([])
    expect(await runs.get(id)).toMatchObject({ eventsExpired: true })
  })
})
