import { type Selectable, type SqlBool, sql } from 'kysely'
import type { Failure, RunStatus } from '../../contract/runs.ts'
import type { Db, Tables, Trx } from '../db/index.ts'
import type { NewRun, RunEvent, RunSelector, RunStatement } from './kind.ts'

export type RunRow = Selectable<Tables['runs']>

/** Events to append to a log, on condition that the run has this attempt and this last event (`expected`). */
export type Append = { id: string; attempt: number; expected: number; events: RunEvent[] }

export type RunState = { id: string; attempt: number; last_event: number; status: RunStatus }

/** A process that works on runs. A node has one process at a time. */
export type Owner = { nodeId: string; processId: string }

/** The channel of the nodes' notifications. */
export const channel = 'runs'

const milliseconds = (ms: number) => sql`${ms}::float8 * interval '1 millisecond'`

/**
 * Inserts a run with its first events and the rows of a further statement. Returns undefined on a conflict: the same id or
 * idempotency key, or a running run of the same subject.
 */
export async function insertRun(
  db: Db,
  { events, ...run }: Omit<NewRun, 'events'> & { id: string; events: RunEvent[] },
  owner: Owner & { leaseMs: number },
  { expressions, columns = [] }: Partial<RunStatement> = {},
): Promise<RunRow | undefined> {
  const { rows } = await sql<RunRow>`
    with run as (
      insert into runs (id, kind, user_id, subject, scope, input, idempotency_key, node_id, process_id, lease_until,
        last_event)
      values (${run.id}, ${run.kind}, ${run.userId}, ${run.subject ?? null}, ${run.scope ?? null},
        ${JSON.stringify(run.input)}, ${run.idempotencyKey ?? null}, ${owner.nodeId}, ${owner.processId},
        now() + ${milliseconds(owner.leaseMs)}, ${events.length})
      on conflict do nothing
      returning *
    ), written as (
      insert into run_events (run_id, n, data)
      select run.id, e.n, e.data
      from run, unnest(${events.map(({ n }) => n)}::int[], ${events.map(({ data }) => data)}::text[]) as e (n, data)
    ) ${expressions ? sql`, ${expressions}` : sql``}
    select ${sql.join([sql`run.*`, ...columns])} from run`.execute(db)
  return rows[0]
}

/** Finds the only run with these values. */
export const findRun = async (db: Db, values: Partial<RunRow>): Promise<RunRow | undefined> =>
  db
    .selectFrom('runs')
    .selectAll()
    .where((eb) => eb.and(values as Record<string, string>))
    .executeTakeFirst()

/** Lists the scopes of a user's runs. */
export async function listScopes(db: Db, userId: string): Promise<(string | null)[]> {
  const scopes = db.selectFrom('runs').select('scope').distinct().where('user_id', '=', userId)
  return (await scopes.execute()).map(({ scope }) => scope)
}

export async function listRuns(
  db: Db,
  filter: { userId: string; scopes?: (string | null)[]; status?: RunStatus; limit: number },
): Promise<RunRow[]> {
  let query = db.selectFrom('runs').selectAll().where('user_id', '=', filter.userId)
  if (filter.scopes)
    query = query.where(sql<boolean>`array_position(${filter.scopes}::text[], scope) is not null`)
  if (filter.status) query = query.where('status', '=', filter.status)
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(filter.limit).execute()
}

export const listRunIds = async (
  db: Db,
  selector: RunSelector,
): Promise<{ id: string; status: RunStatus }[]> =>
  db
    .selectFrom('runs')
    .select(['id', 'status'])
    .where((eb) => {
      if ('userId' in selector) return eb('user_id', '=', selector.userId)
      if (!('mentions' in selector)) return eb.and(selector)
      const { mentions, ...runs } = selector
      const texts = mentions.map((text) => JSON.stringify(text).slice(1, -1))
      const mentioned = sql<boolean>`exists (select from unnest(${texts}::text[]) as t where strpos(input::text, t) > 0)`
      return eb.and([eb.and(runs), eb('status', '<>', 'running'), mentioned])
    })
    .execute()

/** Moves the runs of a user to another user. */
export async function transferRuns(trx: Db, { from, to }: { from: string; to: string }): Promise<void> {
  await trx.updateTable('runs').set({ user_id: to }).where('user_id', '=', from).execute()
}

export async function deleteRuns(db: Db, ids: string[]): Promise<void> {
  await db.deleteFrom('runs').where(sql<SqlBool>`id = any(${ids}::uuid[])`).execute()
}

/**
 * Appends the events of several runs in one statement and renews their leases. A run is written only if it is still
 * running with the same attempt and last event: the update locks its row, so event numbers have no gap. `payloads` are
 * sent on commit. Returns the runs that were written; the others have another owner or have ended.
 */
export async function appendEvents(
  db: Db,
  appends: Append[],
  lease: { ms: number },
  payloads: string[],
): Promise<Map<string, { stopRequested: boolean }>> {
  const { rows } = await sql<{ id: string; stop_requested: boolean }>`
    with ${appended(appends)}, owned as (
      update runs
      set last_event = runs.last_event + appends.added, lease_until = now() + ${milliseconds(lease.ms)}
      from appends where ${isOwned}
      returning runs.id, runs.stop_requested
    ), ${written(appends)}
    select id, stop_requested, ${sendNotifications(payloads)} from owned`.execute(db)
  return new Map(rows.map((row) => [row.id, { stopRequested: row.stop_requested }]))
}

/** Ends runs with their last events. Returns those that this attempt owned and that had not ended. */
export async function finishRuns(
  trx: Trx,
  appends: Append[],
  end: { status: RunStatus; error: Failure | null },
  payloads: string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    with ${appended(appends)}, owned as (
      update runs
      set status = ${end.status}, error = ${end.error && JSON.stringify(end.error)}::json,
        last_event = runs.last_event + appends.added, lease_until = null, finished_at = now()
      from appends where ${isOwned}
      returning runs.id
    ), ${written(appends)}
    select id, ${sendNotifications(payloads)} from owned`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

/** A common table expression with the state that each run has before an append. */
const appended = (appends: Append[]) => sql`appends as (
    select * from unnest(
      ${appends.map(({ id }) => id)}::uuid[],
      ${appends.map(({ attempt }) => attempt)}::int[],
      ${appends.map(({ expected }) => expected)}::int[],
      ${appends.map(({ events }) => events.length)}::int[]
    ) as a (id, attempt, expected, added)
  )`

const isOwned = sql`runs.id = appends.id and runs.attempt = appends.attempt
  and runs.last_event = appends.expected and runs.status = 'running'`

/** A common table expression that inserts the events of the runs in `owned`. */
function written(appends: Append[]) {
  const ids = appends.flatMap(({ id, events }) => events.map(() => id))
  const events = appends.flatMap((append) => append.events)
  return sql`written as (
      insert into run_events (run_id, n, data)
      select e.run_id, e.n, e.data
      from unnest(${ids}::uuid[], ${events.map(({ n }) => n)}::int[], ${events.map(({ data }) => data)}::text[])
        as e (run_id, n, data)
      join owned on owned.id = e.run_id
    )`
}

/** A subquery that sends the payloads once, unless the statement selects no row. */
const sendNotifications = (payloads: string[]) =>
  payloads.length === 0
    ? sql`0 as sent`
    : sql`(select count(pg_notify(${channel}, payload)) from unnest(${payloads}::text[]) as p (payload)) as sent`

export const listStates = async (db: Db, ids: string[]): Promise<RunState[]> =>
  db
    .selectFrom('runs')
    .select(['id', 'attempt', 'last_event', 'status'])
    .where(sql<SqlBool>`id = any(${ids}::uuid[])`)
    .execute()

export const listEvents = async (db: Db, id: string): Promise<RunEvent[]> =>
  db.selectFrom('run_events').select(['n', 'data']).where('run_id', '=', id).orderBy('n').execute()

/** Returns a page of a log: at most `limit.events` events, up to the first that reaches `limit.characters`. */
export async function listEventsAfter(
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

export type Progress = { lastEvent: number; status: RunStatus; events: RunEvent[] }

/** Returns the state of each run and up to `limit` events after its cursor, from one snapshot of the database. */
export async function listProgress(
  db: Db,
  cursors: { id: string; after: number }[],
  limit: number,
): Promise<Map<string, Progress>> {
  const { rows } = await sql<{
    id: string
    last_event: number
    status: RunStatus
    n: number | null
    data: string | null
  }>`
    select runs.id, runs.last_event, runs.status, added.n, added.data
    from unnest(${cursors.map(({ id }) => id)}::uuid[], ${cursors.map(({ after }) => after)}::int[]) as cursors (id, after)
    join runs on runs.id = cursors.id
    left join lateral (
      select n, data from run_events where run_id = cursors.id and n > cursors.after order by n limit ${limit}
    ) as added on true
    order by runs.id, added.n`.execute(db)
  const progress = new Map<string, Progress>()
  for (const row of rows) {
    const run = progress.get(row.id) ?? { lastEvent: row.last_event, status: row.status, events: [] }
    if (row.n !== null && row.data !== null) run.events.push({ n: row.n, data: row.data })
    progress.set(row.id, run)
  }
  return progress
}

export type Claim = {
  owner: Owner
  /** True if there is no other process, so that every run that this one does not own can be claimed. */
  isOnlyProcess: boolean
  leaseMs: number
  limit: number
  /** Runs that this process owns: they cannot be claimed even when their lease has expired. */
  except: string[]
  /** The maximum number of times a run of each registered kind is resumed. */
  maxAttempts: { kind: string; max: number }[]
  /** Claims only this run. */
  only?: string
}

/**
 * Claims running runs without an owner: their lease has expired by the clock of the database, or they belong to an
 * earlier process of this node, which is dead. The attempt is incremented, which fences off the previous owner. A run
 * whose work continues (`resumed`) gets an event about it in the same statement; the others only need to be closed: a
 * stop was requested, their kind is not registered, or they have no attempts left.
 */
export async function claimRuns(db: Db, claim: Claim): Promise<(RunRow & { resumed: boolean })[]> {
  const { rows } = await sql<RunRow & { resumed: boolean }>`
    with kinds as (
      select * from unnest(
        ${claim.maxAttempts.map(({ kind }) => kind)}::text[], ${claim.maxAttempts.map(({ max }) => max)}::int[]
      ) as k (kind, max)
    ), claimable as (
      select id, kind, attempt, stop_requested from runs
      where status = 'running' and (${hasExpired(claim.leaseMs)} or ${isOfDeadProcess(claim)})
        and id <> all(${claim.except}::uuid[]) ${claim.only === undefined ? sql`` : sql`and id = ${claim.only}`}
      order by id limit ${claim.limit} for update skip locked
    ), chosen as (
      select claimable.id, not stop_requested and attempt <= coalesce(kinds.max, 0) as resumed
      from claimable left join kinds using (kind)
    ), claimed as (
      update runs
      set attempt = attempt + 1, node_id = ${claim.owner.nodeId}, process_id = ${claim.owner.processId},
        lease_until = now() + ${milliseconds(claim.leaseMs)},
        last_event = last_event + case when chosen.resumed then 1 else 0 end
      from chosen where runs.id = chosen.id
      returning runs.*, chosen.resumed
    ), written as (
      insert into run_events (run_id, n, data)
      select id, last_event, '{"event":"resumed","attempt":' || attempt || '}' from claimed where resumed
    )
    select * from claimed order by id`.execute(db)
  return rows
}

/**
 * A lease that ends much later than a renewal allows (other nodes may have a somewhat longer lease) was stored before
 * the clock of the database was set back.
 */
const hasExpired = (leaseMs: number) =>
  sql`(lease_until is null or lease_until not between now() and now() + ${milliseconds(3 * leaseMs)})`

/** Another process of this node, or of any node if there is only one process, is an earlier one that has ended. */
const isOfDeadProcess = ({ owner, isOnlyProcess }: Pick<Claim, 'owner' | 'isOnlyProcess'>) =>
  sql`(process_id <> ${owner.processId} and (node_id = ${owner.nodeId} or ${isOnlyProcess}))`

/** Ends the leases of runs, so that any node can claim them at once. */
export async function releaseRuns(
  db: Db,
  owned: { id: string; attempt: number }[],
  payloads: string[],
): Promise<void> {
  await sql`
    with owned as (
      select * from unnest(${owned.map(({ id }) => id)}::uuid[], ${owned.map(({ attempt }) => attempt)}::int[])
        as o (id, attempt)
    ), released as (
      update runs set lease_until = null from owned
      where runs.id = owned.id and runs.attempt = owned.attempt and status = 'running'
      returning runs.id
    )
    select count(*), ${sendNotifications(payloads)} from released`.execute(db)
}

/** Returns the milliseconds until a run can be claimed; undefined when no other process owns any. */
export async function nextClaimMs(
  db: Db,
  claim: Pick<Claim, 'owner' | 'isOnlyProcess' | 'except' | 'leaseMs'>,
): Promise<number | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    select min(case
      when ${hasExpired(claim.leaseMs)} or ${isOfDeadProcess(claim)} then 0
      else extract(epoch from lease_until - now()) * 1000
    end)::float8 as ms
    from runs where status = 'running' and id <> all(${claim.except}::uuid[])`.execute(db)
  return rows[0]?.ms ?? undefined
}

/**
 * Records that a run should stop. Returns the remaining time of its owner's lease; undefined when it is not running.
 */
export async function requestStop(
  db: Db,
  id: string,
  leaseMs: number,
): Promise<{ leaseMs: number } | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    update runs set stop_requested = true where id = ${id} and status = 'running'
    returning (case when not ${hasExpired(leaseMs)} then extract(epoch from lease_until - now()) * 1000 end)::float8 as ms`.execute(
    db,
  )
  return rows[0] && { leaseMs: rows[0].ms ?? 0 }
}

/** Returns runs that ended longer ago than `eventsMs` and still have events, the oldest first. */
export async function listRunsToExpire(db: Db, eventsMs: number, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from runs where finished_at < now() - ${milliseconds(eventsMs)} and not events_expired
    order by finished_at limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Deletes up to `limit` events of these runs, the oldest first; returns how many. */
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

const rewriteBatch = 500

/** Replaces the data of events, in order; `rewrite` returns undefined for those that stay. */
export async function rewriteEvents(
  db: Db,
  runId: string,
  rewrite: (data: string) => string | undefined,
): Promise<void> {
  for (let last = 0, isMore = true; isMore; ) {
    const events = await db
      .selectFrom('run_events')
      .select(['n', 'data'])
      .where('run_id', '=', runId)
      .where('n', '>', last)
      .orderBy('n')
      .limit(rewriteBatch)
      .execute()
    const changed = events.flatMap(({ n, data }) => {
      const rewritten = rewrite(data)
      return rewritten === undefined ? [] : [{ n, data: rewritten }]
    })
    if (changed.length > 0)
      await sql`
        update run_events set data = changed.data
        from unnest(${changed.map(({ n }) => n)}::int[], ${changed.map(({ data }) => data)}::text[]) as changed (n, data)
        where run_id = ${runId} and run_events.n = changed.n`.execute(db)
    last = events.at(-1)?.n ?? last
    isMore = events.length === rewriteBatch
  }
}
