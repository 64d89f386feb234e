import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { type Database, newId } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import { type RunContext, type RunEvent, type RunKind, type Runs, runs } from '../../server/runs/index.ts'

export const log = createLog('silent')

/** The worker of a run, controlled by a test. */
export type TestWorker = {
  context: RunContext<unknown>
  complete(event?: Record<string, unknown>, store?: string): void
  fail(error: unknown): void
}

/**
 * A kind whose workers are controlled by the test. A run stores its result in the table `stored`, which has no unique
 * constraint, so that tests detect a second result. A stop or a failure stores the text of the log.
 */
function controlledKind(more: Partial<RunKind> = {}) {
  const waiting = new Map<string, PromiseWithResolvers<TestWorker>>()
  const expected = (id: string) => {
    const found = waiting.get(id) ?? Promise.withResolvers<TestWorker>()
    waiting.set(id, found)
    return found
  }
  const kind: RunKind = {
    async work(context) {
      const done = Promise.withResolvers<Awaited<ReturnType<RunKind['work']>>>()
      context.signal.addEventListener('abort', () => done.reject(new Error('aborted')))
      expected(context.run.id).resolve({
        context,
        complete: (event = { event: 'complete' }, content) =>
          done.resolve({
            event,
            ...(content !== undefined && { store: async (trx) => storeResult(trx, context.run.id, content) }),
          }),
        fail: (error) => done.reject(error),
      })
      return done.promise
    },
    async close(run, closing, events, trx) {
      await storeResult(trx, run.id, textOf(events))
      return closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error }
    },
    merge: (first, second) =>
      typeof first['token'] === 'string' && typeof second['token'] === 'string'
        ? { token: first['token'] + second['token'] }
        : undefined,
    ...more,
  }
  return {
    kind,
    /** Resolves with the worker of the run's next attempt. */
    async next(id: string): Promise<TestWorker> {
      const worker = await expected(id).promise
      waiting.delete(id)
      return worker
    },
  }
}

async function storeResult(db: Database['db'], id: string, content: string): Promise<void> {
  await sql`insert into stored (run_id, content) values (${id}, ${content})`.execute(db)
}

export const createResultsTable = async (database: Database) =>
  sql`create table if not exists stored (run_id uuid not null, content text not null)`.execute(database.db)

export async function listResults(database: Database, id: string): Promise<string[]> {
  const { rows } = await sql<{ content: string }>`select content from stored where run_id = ${id}`.execute(
    database.db,
  )
  return rows.map(({ content }) => content)
}

export const parse = (events: RunEvent[]): Record<string, unknown>[] =>
  events.map(({ data }) => JSON.parse(data) as Record<string, unknown>)

/** Joins the tokens of a run, as a client does. */
export const textOf = (events: RunEvent[]): string =>
  parse(events)
    .map(({ token }) => (typeof token === 'string' ? token : ''))
    .join('')

/** Opens the runs module of a node, with a kind `test` whose workers are controlled by the test. */
export async function openRuns(
  database: Database,
  settings: Partial<Parameters<typeof runs>[0]> & { kind?: Partial<RunKind> } = {},
) {
  const { kind, ...rest } = settings
  const workers = controlledKind(kind)
  const node = runs({ database, log, nodeId: randomUUID(), leaseMs: 2000, graceMs: 0, ...rest })
  node.register('test', workers.kind)
  await node.open()
  return Object.assign(node, { workers })
}
export type TestRuns = Awaited<ReturnType<typeof openRuns>>

export async function createUser(database: Database): Promise<string> {
  const id = newId()
  await database.db.insertInto('users').values({ id, display_name: 'Ada' }).execute()
  return id
}

/** Starts a run and returns its worker. */
export async function startRun(node: TestRuns, userId: string): Promise<{ id: string; worker: TestWorker }> {
  const { run } = await node.start({ kind: 'test', userId, input: {} })
  return { id: run.id, worker: await node.workers.next(run.id) }
}

/** Reads the events of a run until it ends. */
export async function readAll(node: Runs, id: string, after = 0): Promise<RunEvent[]> {
  const { signal } = new AbortController()
  return (await Array.fromAsync(node.follow(id, after, signal))).flat()
}

/** Reads the log from the table. */
export const readLog = async (database: Database, id: string): Promise<RunEvent[]> =>
  database.db.selectFrom('run_events').select(['n', 'data']).where('run_id', '=', id).orderBy('n').execute()

/** Polls until the condition returns a truthy value. */
export async function waitFor<T>(
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (;;) {
    const found = await condition()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
