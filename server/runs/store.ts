import { type Selectable, type SqlBool, sql } from 'kysely'
import type { RunStatus } from '../../contract/runs.ts'
import type { Db, Tables, Trx } from '../db/index.ts'
import type { Belonging, NewRun, RunEvent } from './kind.ts'

export type RunRow = Selectable<Tables['runs']>

/** Some events for the end of one run's log, and what must be true of the run for them to be written there. */
export type Append = { id: string; attempt: number; expected: number; events: RunEvent[] }

export type RunState = { id: string; attempt: number; last_event: number; status: RunStatus }

/** A process that works on runs. No two processes of one node live at the same time. */
export type Worker = { nodeId: string; processId: string }

/** The channel on which nodes tell each other that there is something to read. */
export const channel = 'runs'

const milliseconds = (ms: number) => sql`${ms}::float8 * interval '1 millisecond'`

/** Undefined when a unique index refuses it: the same key, or a running run of the same subject. */
export async function insertRun(
  trx: Trx,
  run: NewRun & { id: string },
  by: Worker & { leaseMs: number },
): Promise<RunRow | undefined> {
  return trx
    .insertInto('runs')
    .values({
      id: run.id,
      kind: run.kind,
      user_id: run.userId,
      subject: run.subject ?? null,
      scope: run.scope ?? null,
      input: JSON.stringify(run.input),
      idempotency_key: run.idempotencyKey ?? null,
      node_id: by.nodeId,
      process_id: by.processId,
      lease_until: sql`now() + ${milliseconds(by.leaseMs)}`,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
}

export const findByKey = async (db: Db, userId: string, key: string): Promise<RunRow | undefined> =>
  db
    .selectFrom('runs')
    .selectAll()
    .where('user_id', '=', userId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst()

export const findRunning = async (db: Db, kind: string, subject: string): Promise<RunRow | undefined> =>
  db
    .selectFrom('runs')
    .selectAll()
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .where('status', '=', 'running')
    .executeTakeFirst()

export const findRun = async (db: Db, id: string): Promise<RunRow | undefined> =>
  db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()

export async function listRuns(
  db: Db,
  of: { userId: string; scope: string | null; status?: RunStatus; limit: number },
): Promise<RunRow[]> {
  let query = db.selectFrom('runs').selectAll().where('user_id', '=', of.userId)
  if (of.scope !== null) query = query.where('scope', '=', of.scope)
  if (of.status) query = query.where('status', '=', of.status)
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(of.limit).execute()
}

export const runsOf = async (db: Db, of: Belonging): Promise<{ id: string; status: RunStatus }[]> =>
  db
    .selectFrom('runs')
    .select(['id', 'status'])
    .where((eb) => eb.and('userId' in of ? { user_id: of.userId } : 'scope' in of ? { scope: of.scope } : of))
    .execute()

export async function deleteRuns(db: Db, ids: string[]): Promise<void> {
  await db.deleteFrom('runs').where(sql<SqlBool>`id = any(${ids}::uuid[])`).execute()
}

/**
 * Writes the events of several runs in one statement and renews their leases. Each run is written only if it is still
 * running, under this attempt, with this last event: the row is the lock, and the numbers are given under it, so that
 * they have no gap. `hints` are sent on commit.
 * Returns the runs that were written; one that is missing belongs to somebody else by now, or has ended.
 */
export async function appendEvents(
  db: Db,
  appends: Append[],
  lease: { ms: number },
  hints: string[],
): Promise<Map<string, { stopRequested: boolean }>> {
  const ofEvents = appends.flatMap(({ id, events }) => events.map(() => id))
  const events = appends.flatMap((append) => append.events)
  const { rows } = await sql<{ id: string; stop_requested: boolean }>`
    with appends as (
      select * from unnest(
        ${appends.map(({ id }) => id)}::uuid[],
        ${appends.map(({ attempt }) => attempt)}::int[],
        ${appends.map(({ expected }) => expected)}::int[],
        ${appends.map((append) => append.events.length)}::int[]
      ) as a (id, attempt, expected, added)
    ), owned as (
      update runs
      set last_event = runs.last_event + appends.added, lease_until = now() + ${milliseconds(lease.ms)}
      from appends
      where runs.id = appends.id and runs.attempt = appends.attempt
        and runs.last_event = appends.expected and runs.status = 'running'
      returning runs.id, runs.stop_requested
    ), written as (
      insert into run_events (run_id, n, data)
      select e.run_id, e.n, e.data
      from unnest(${ofEvents}::uuid[], ${events.map(({ n }) => n)}::int[], ${events.map(({ data }) => data)}::text[])
        as e (run_id, n, data)
      join owned on owned.id = e.run_id
    )
    select id, stop_requested, ${sent(hints)} from owned`.execute(db)
  return new Map(rows.map((row) => [row.id, { stopRequested: row.stop_requested }]))
}

/** Ends a run with its last events. False when it is not this attempt's to end. */
export async function finishRun(
  trx: Trx,
  { id, attempt, expected, events }: Append,
  end: { status: RunStatus; error: { code: string; message: string } | null },
  hints: string[],
): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    with ended as (
      update runs
      set status = ${end.status}, error = ${end.error && JSON.stringify(end.error)}::json,
        last_event = last_event + ${events.length}::int, lease_until = null, finished_at = now()
      where id = ${id} and attempt = ${attempt} and last_event = ${expected} and status = 'running'
      returning id
    ), written as (
      insert into run_events (run_id, n, data)
      select ended.id, e.n, e.data
      from ended, unnest(${events.map(({ n }) => n)}::int[], ${events.map(({ data }) => data)}::text[]) as e (n, data)
    )
    select id, ${sent(hints)} from ended`.execute(trx)
  return rows.length > 0
}

/** A subquery that sends the hints once; nothing is sent when the row it stands beside is not there. */
const sent = (hints: string[]) =>
  hints.length === 0
    ? sql`0 as hints`
    : sql`(select count(pg_notify(${channel}, payload)) from unnest(${hints}::text[]) as h (payload)) as hints`

export const statesOf = async (db: Db, ids: string[]): Promise<RunState[]> =>
  db
    .selectFrom('runs')
    .select(['id', 'attempt', 'last_event', 'status'])
    .where(sql<SqlBool>`id = any(${ids}::uuid[])`)
    .execute()

export const allEvents = async (db: Db, id: string): Promise<RunEvent[]> =>
  db.selectFrom('run_events').select(['n', 'data']).where('run_id', '=', id).orderBy('n').execute()

/** A page of a log: at most `limit.events`, and no more after the first that would pass `limit.characters`. */
export async function eventsAfter(
  db: Db,
  id: string,
  after: number,
  limit: { events: number; characters: number },
): Promise<RunEvent[]> {
  const { rows } = await sql<RunEvent>`
    select n, data from (
      select n, data, sum(length(data)) over (order by n) - length(data) as before
      from (
        select n, data from run_events where run_id = ${id} and n > ${after} order by n limit ${limit.events}
      ) as page
    ) as measured
    where before < ${limit.characters} order by n`.execute(db)
  return rows
}

export type News = { last: number; status: RunStatus; events: RunEvent[] }

/** What has happened in several runs since the event that is known of each, in one statement and so of one moment. */
export async function newsOf(
  db: Db,
  known: { id: string; after: number }[],
  limit: number,
): Promise<Map<string, News>> {
  const { rows } = await sql<{
    id: string
    last_event: number
    status: RunStatus
    n: number | null
    data: string | null
  }>`
    select runs.id, runs.last_event, runs.status, fresh.n, fresh.data
    from unnest(${known.map(({ id }) => id)}::uuid[], ${known.map(({ after }) => after)}::int[]) as known (id, after)
    join runs on runs.id = known.id
    left join lateral (
      select n, data from run_events where run_id = known.id and n > known.after order by n limit ${limit}
    ) as fresh on true
    order by runs.id, fresh.n`.execute(db)
  const news = new Map<string, News>()
  for (const row of rows) {
    const of = news.get(row.id) ?? { last: row.last_event, status: row.status, events: [] }
    if (row.n !== null && row.data !== null) of.events.push({ n: row.n, data: row.data })
    news.set(row.id, of)
  }
  return news
}

export type Claim = {
  by: Worker
  /** There is no other process: whatever this one does not work on is free. */
  alone: boolean
  leaseMs: number
  limit: number
  /** Runs that this process works on, which are not free even when their lease has passed. */
  except: string[]
  /** How often each known kind may be taken up again. */
  maxAttempts: { kind: string; max: number }[]
  /** Only this run. */
  only?: string
}

/**
 * Takes running runs that nobody works on: their lease has passed, by the database's clock, or they are an earlier
 * process' of this node, which is known to be dead. The attempt rises, which shuts out whoever had
 * the run before; where work will go on, the log says so in the same statement (`resumed`), else the run is only to be
 * closed: a stop was asked for, its kind is unknown, or it was taken up too often.
 */
export async function claimRuns(db: Db, claim: Claim): Promise<(RunRow & { resumed: boolean })[]> {
  const { rows } = await sql<RunRow & { resumed: boolean }>`
    with kinds as (
      select * from unnest(
        ${claim.maxAttempts.map(({ kind }) => kind)}::text[], ${claim.maxAttempts.map(({ max }) => max)}::int[]
      ) as k (kind, max)
    ), free as (
      select id, kind, attempt, stop_requested from runs
      where status = 'running'
        and (lease_until is null or lease_until < now() or ${ofADeadProcess(claim)})
        and id <> all(${claim.except}::uuid[]) ${claim.only === undefined ? sql`` : sql`and id = ${claim.only}`}
      order by id limit ${claim.limit} for update skip locked
    ), taken as (
      select free.id, not free.stop_requested and free.attempt <= coalesce(kinds.max, 0) as resumed
      from free left join kinds using (kind)
    ), claimed as (
      update runs
      set attempt = attempt + 1, node_id = ${claim.by.nodeId}, process_id = ${claim.by.processId},
        lease_until = now() + ${milliseconds(claim.leaseMs)},
        last_event = last_event + case when taken.resumed then 1 else 0 end
      from taken where runs.id = taken.id
      returning runs.*, taken.resumed
    ), told as (
      insert into run_events (run_id, n, data)
      select id, last_event, '{"event":"resumed","attempt":' || attempt || '}' from claimed where resumed
    )
    select * from claimed order by id`.execute(db)
  return rows
}

/** Another process of this node, or any other where there is only one, has to be an earlier one. */
const ofADeadProcess = ({ by, alone }: Pick<Claim, 'by' | 'alone'>) =>
  sql`(process_id <> ${by.processId} and (node_id = ${by.nodeId} or ${alone}))`

/** Gives runs back, so that any node may claim them at once. */
export async function releaseRuns(
  db: Db,
  held: { id: string; attempt: number }[],
  hints: string[],
): Promise<void> {
  await sql`
    with held as (
      select * from unnest(${held.map(({ id }) => id)}::uuid[], ${held.map(({ attempt }) => attempt)}::int[])
        as h (id, attempt)
    ), released as (
      update runs set lease_until = null from held
      where runs.id = held.id and runs.attempt = held.attempt and status = 'running'
      returning runs.id
    )
    select count(*), ${sent(hints)} from released`.execute(db)
}

/** Milliseconds until there is something to claim, 0 when there is; undefined when nobody else works on anything. */
export async function nextClaim(
  db: Db,
  claim: Pick<Claim, 'by' | 'alone' | 'except'>,
): Promise<number | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    select min(case
      when lease_until is null or ${ofADeadProcess(claim)} then 0
      else greatest(extract(epoch from lease_until - now()) * 1000, 0)
    end)::float8 as ms
    from runs where status = 'running' and id <> all(${claim.except}::uuid[])`.execute(db)
  return rows[0]?.ms ?? undefined
}

/** Notes that a running run is to stop. Undefined when it is not running; else how long its owner's lease still holds. */
export async function requestStop(db: Db, id: string): Promise<{ leaseMs: number } | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    update runs set stop_requested = true where id = ${id} and status = 'running'
    returning (extract(epoch from lease_until - now()) * 1000)::float8 as ms`.execute(db)
  return rows[0] && { leaseMs: rows[0].ms ?? 0 }
}

/** Finished runs whose events have expired and are still there, the oldest first. */
export async function listRunsToExpire(db: Db, eventsMs: number, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from runs where finished_at < now() - ${milliseconds(eventsMs)} and not events_expired
    order by finished_at limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Deletes up to `limit` events of these runs, the first ones first; returns how many. */
export async function deleteEvents(db: Db, runs: string[], limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from run_events using (
      select run_id, n from run_events where run_id = any(${runs}::uuid[]) order by run_id, n limit ${limit}
    ) as expired
    where run_events.run_id = expired.run_id and run_events.n = expired.n`.execute(db)
  return Number(numAffectedRows)
}

export async function markExpired(db: Db, runs: string[]): Promise<void> {
  await sql`update runs set events_expired = true where id = any(${runs}::uuid[])`.execute(db)
}

/** Deletes up to `limit` runs without events that ended longer ago than `runsMs`; returns how many. */
export async function deleteExpiredRuns(db: Db, runsMs: number, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from runs where id in (
      select id from runs where events_expired and finished_at < now() - ${milliseconds(runsMs)}
      order by finished_at limit ${limit}
    )`.execute(db)
  return Number(numAffectedRows)
}
