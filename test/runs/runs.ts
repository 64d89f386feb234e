import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { type Database, newId } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import { type RunContext, type RunEvent, type RunKind, type Runs, runs } from '../../server/runs/index.ts'

/** Nothing is written: these tests look at what the room does, not at what it says. */
export const log = createLog('silent')

/** The worker of a run, in a test's hands. */
export type TestWorker = {
  context: RunContext<unknown>
  complete(event?: Record<string, unknown>, store?: string): void
  fail(error: unknown): void
}

/**
 * A kind whose workers do what a test tells them. What a run stores at its end goes into the table `stored`, which
 * keeps every row, so that a second one would be seen. A stop or a failure stores what the log holds.
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
      context.signal.addEventListener('abort', () => done.reject(new Error('told to go')))
      expected(context.run.id).resolve({
        context,
        complete: (event = { event: 'complete' }, content) =>
          done.resolve({
            event,
            ...(content !== undefined && { store: async (trx) => keep(trx, context.run.id, content) }),
          }),
        fail: (error) => done.reject(error),
      })
      return done.promise
    },
    async close(run, closing, events, trx) {
      await keep(trx, run.id, textOf(events))
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
    /** The worker of the run's next attempt, once it has begun. */
    async next(id: string): Promise<TestWorker> {
      const puppet = await expected(id).promise
      waiting.delete(id)
      return puppet
    },
  }
}

async function keep(db: Database['db'], id: string, content: string): Promise<void> {
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

/** All that a run has said, as a client puts it together. */
export const textOf = (events: RunEvent[]): string =>
  parse(events)
    .map(({ token }) => (typeof token === 'string' ? token : ''))
    .join('')

/** A node's room, with puppets for workers. */
export async function openRuns(
  database: Database,
  settings: Partial<Parameters<typeof runs>[0]> & { kind?: Partial<RunKind> } = {},
) {
  const { kind, ...rest } = settings
  const workers = controlledKind(kind)
  const room = runs({ database, log, nodeId: randomUUID(), leaseMs: 2000, graceMs: 0, ...rest })
  room.register('puppet', workers.kind)
  await room.open()
  return Object.assign(room, { workers })
}
export type TestRuns = Awaited<ReturnType<typeof openRuns>>

export async function createUser(database: Database): Promise<string> {
  const id = newId()
  await database.db.insertInto('users').values({ id, display_name: 'Ada' }).execute()
  return id
}

/** Starts a run and gives its worker. */
export async function startRun(room: TestRuns, userId: string): Promise<{ id: string; worker: TestWorker }> {
  const { run } = await room.start({ kind: 'puppet', userId, input: {} })
  return { id: run.id, worker: await room.workers.next(run.id) }
}

/** Reads to the end. */
export async function readAll(room: Runs, id: string, after = 0): Promise<RunEvent[]> {
  const { signal } = new AbortController()
  return (await Array.fromAsync(room.follow(id, after, signal))).flat()
}

/** The log as the table has it. */
export const readLog = async (database: Database, id: string): Promise<RunEvent[]> =>
  database.db.selectFrom('run_events').select(['n', 'data']).where('run_id', '=', id).orderBy('n').execute()

/** Resolves when `is` does; a condition that never comes ends with the test's own time limit. */
export async function waitFor<T>(
  is: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (;;) {
    const found = await is()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
