/**
 * Measures the time to the first event of a new run while retention deletes 10,000 old runs with 60 events each, on the
 * embedded database.
 *
 *     node bench/retention.ts [--runs 10000] [--events 60]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { newId, openDatabase } from '../server/db/index.ts'
import { createLog } from '../server/log.ts'
import { runs as createRuns } from '../server/runs/index.ts'
import { print } from './data.ts'
import { spread } from './runs-load.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, events: { type: 'string', default: '60' } },
})
const log = createLog('warn')

const dir = await mkdtemp(path.join(tmpdir(), 'gabee-bench-'))
const database = await openDatabase({ dir, log })
const user = newId()
await database.db.insertInto('users').values({ id: user, display_name: 'Bench' }).execute()
await database.transaction(async (trx) => {
  await sql`set local statement_timeout = 0`.execute(trx)
  await sql`
    insert into runs (id, kind, user_id, input, status, last_event, created_at, finished_at)
    select gen_random_uuid(), 'old', ${user}, '{}', 'complete', ${Number(values.events)}::int,
      now() - interval '60 days', now() - interval '60 days'
    from generate_series(1, ${Number(values.runs)}::int)`.execute(trx)
  await sql`
    insert into run_events (run_id, n, data)
    select runs.id, n, '{"event":"token","text":" some words of an answer"}'
    from runs, generate_series(1, ${Number(values.events)}::int) as n`.execute(trx)
})

const runs = createRuns({ database, log, nodeId: 'bench', graceMs: 0 })
runs.register('answer', {
  async work({ emit, flush }) {
    await emit({ event: 'token', text: 'first' })
    await flush()
    return { event: { event: 'complete' } }
  },
  close: async () => ({ event: 'ended' }),
})
await runs.open()

/** Starts runs one at a time. Returns the milliseconds until the first event of each is committed. */
async function measure(isOver: () => boolean): Promise<number[]> {
  const times: number[] = []
  while (!isOver()) {
    const started = performance.now()
    const { run } = await runs.start({ kind: 'answer', userId: user, input: {} })
    for await (const _ of runs.follow(run.id, 0, AbortSignal.timeout(60_000))) break
    times.push(performance.now() - started)
    await pause(20)
  }
  return times
}

const end = performance.now() + 5_000
const idle = await measure(() => performance.now() > end)
print(`first event without retention: ${spread(idle)} ms (p50 / p99), max ${Math.max(...idle).toFixed(0)} ms`)

let isDone = false
const started = performance.now()
const pruning = runs.prune(new AbortController().signal).finally(() => {
  isDone = true
})
const busy = await measure(() => isDone)
await pruning
print(
  `first event with retention: ${spread(busy)} ms (p50 / p99), max ${Math.max(...busy).toFixed(0)} ms; ` +
    `${values.runs} runs deleted in ${((performance.now() - started) / 1000).toFixed(0)} s`,
)
await runs[Symbol.asyncDispose]()
await database[Symbol.asyncDispose]()
await rm(dir, { recursive: true, force: true })
