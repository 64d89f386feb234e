import { sql } from 'kysely'
import type { Db, Row } from '../db/index.ts'

export type JobRow = Row<'jobs'>

/** An attempt at a job: `claims` is its fencing token. */
export type Attempt = Pick<JobRow, 'id' | 'claims' | 'version'>

const ms = (value: number) => sql`${value}::float8 * interval '1 millisecond'`
/** Not now(), which returns the start time of the transaction. */
const fromNow = (value: number) => sql`clock_timestamp() + ${ms(value)}`

/** A lease that ends later than this was stored before the clock of the database was set back. */
const maxLeaseMs = 5 * 60_000

const isOwned = ({ id, claims }: Attempt) => sql`id = ${id} and claims = ${claims} and state = 'running'`

export async function upsertJob(
  db: Db,
  job: {
    id: string
    kind: string
    key: string | null
    input: object
    priority: number
    delayMs: number
    maxDelayMs: number | null
  },
): Promise<void> {
  const latest = job.maxDelayMs === null ? sql`null` : fromNow(job.maxDelayMs)
  // A newer input does not shorten the backoff of a failed job.
  await sql`
    insert into jobs (id, kind, key, input, priority, due_at, latest_due_at)
    values (${job.id}, ${job.kind}, ${job.key}, ${JSON.stringify(job.input)}::json, ${job.priority},
      least(${fromNow(job.delayMs)}, ${latest}), ${latest})
    on conflict (kind, key) do update set
      input = excluded.input,
      version = jobs.version + 1,
      priority = greatest(jobs.priority, excluded.priority),
      latest_due_at = coalesce(jobs.latest_due_at, excluded.latest_due_at),
      due_at = greatest(
        least(excluded.due_at, jobs.latest_due_at),
        case when jobs.state = 'pending' and jobs.failures > 0 then jobs.due_at end),
      failures = case when jobs.state = 'dead' then 0 else jobs.failures end,
      state = case when jobs.state = 'dead' then 'pending' else jobs.state end`.execute(db)
}

/** Adds a schedule's job; an existing one is due after the current interval at the latest. */
export async function insertSchedule(
  db: Db,
  schedule: { id: string; kind: string; key: string; priority: number; everyMs: number },
): Promise<void> {
  await sql`
    insert into jobs (id, kind, key, input, priority, due_at)
    values (${schedule.id}, ${schedule.kind}, ${schedule.key}, '{}', ${schedule.priority}, clock_timestamp())
    on conflict (kind, key) do update
    set priority = excluded.priority, due_at = least(jobs.due_at, ${fromNow(schedule.everyMs)})
    where jobs.state = 'pending'`.execute(db)
}

type NextWork = {
  /** Milliseconds until the next pending job is due; null if there is none. */
  dueMs: number | null
  /** Milliseconds until the first lease of another server expires; null if there is none. */
  leaseMs: number | null
}

/**
 * Claims due jobs, the most urgent first: up to the free slots of each kind and `limit` in total. Also returns when the
 * next work of the `known` kinds is due, besides the running jobs `own`.
 */
export async function claimDue(
  db: Db,
  slots: { kind: string; free: number; leaseMs: number }[],
  { limit, known, own }: { limit: number; known: string[]; own: string[] },
): Promise<NextWork & { claimed: JobRow[] }> {
  const untilMs = (time: string) =>
    sql<number | null>`(extract(epoch from ${sql.ref(time)} - clock_timestamp()) * 1000)::float8`
  // For a kind without free slots, the end of a job claims the next one, so only later due dates count.
  const { rows } = await sql<(JobRow | { id: null }) & NextWork>`
    with slots as (
      select * from unnest(
        ${slots.map(({ kind }) => kind)}::text[],
        ${slots.map(({ free }) => free)}::int[],
        ${slots.map(({ leaseMs }) => leaseMs)}::float8[]
      ) as s (kind, free, lease_ms)
    ), due as (
      select chosen.id, lease_ms from slots, lateral (
        select id, priority, due_at from jobs
        where jobs.kind = slots.kind and state = 'pending' and due_at <= clock_timestamp()
        order by priority desc, due_at limit slots.free for update skip locked
      ) as chosen
      order by priority desc, due_at limit ${limit}
    ), locked as (
      select from slots, lateral (
        select id from jobs
        where jobs.kind = slots.kind and state = 'pending' and due_at <= clock_timestamp()
        order by priority desc, due_at limit slots.free
      ) as wanted
      where id not in (select id from due) and (select count(*) from due) < ${limit}
    ), claimed as (
      update jobs
      set state = 'running', claims = claims + 1, latest_due_at = null,
        lease_until = clock_timestamp() + due.lease_ms * interval '1 millisecond'
      from due where jobs.id = due.id
      returning jobs.*
    ), next as (
      select case when exists (select from locked) then clock_timestamp() else (
        select min(first.due_at) from unnest(${known}::text[]) as k (kind), lateral (
          select due_at from jobs
          where jobs.kind = k.kind and state = 'pending' and due_at > statement_timestamp() order by due_at limit 1
        ) as first
      ) end as due_at, (
        select min(case when lease_until > ${fromNow(maxLeaseMs)} then clock_timestamp() else lease_until end) from jobs
        where state = 'running' and kind = any(${known}::text[]) and id <> all(${own}::uuid[])
      ) as lease_end
    )
    select claimed.*, ${untilMs('next.due_at')} as "dueMs", ${untilMs('next.lease_end')} as "leaseMs"
    from next left join claimed on true`.execute(db)
  const [{ dueMs, leaseMs } = { dueMs: null, leaseMs: null }] = rows
  return { dueMs, leaseMs, claimed: rows.filter((row) => row.id !== null) }
}

/** Claims this job regardless of its due date; undefined if it is not pending. */
export async function claimJob(
  db: Db,
  kind: string,
  key: string,
  leaseMs: number,
): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    update jobs
    set state = 'running', claims = claims + 1, latest_due_at = null, lease_until = ${fromNow(leaseMs)}
    where kind = ${kind} and key = ${key} and state = 'pending'
    returning *`.execute(db)
  return rows[0]
}

export async function findJob(db: Db, kind: string, key: string): Promise<JobRow | undefined> {
  return db.selectFrom('jobs').selectAll().where('kind', '=', kind).where('key', '=', key).executeTakeFirst()
}

/** Extends the lease; false if the attempt no longer owns the job. */
export async function renewLease(db: Db, attempt: Attempt, leaseMs: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update jobs set lease_until = ${fromNow(leaseMs)} where ${isOwned(attempt)}`.execute(db)
  return numAffectedRows === 1n
}

/** Deletes a job that has succeeded, or makes it pending again if it was enqueued during its run. */
export async function completeJob(db: Db, attempt: Attempt): Promise<void> {
  const { numAffectedRows } = await sql`
    delete from jobs where ${isOwned(attempt)} and version = ${attempt.version}`.execute(db)
  if (numAffectedRows === 1n) return
  await sql`
    update jobs set state = 'pending', lease_until = null, failures = 0, error = null
    where ${isOwned(attempt)}`.execute(db)
}

/** Makes a job that has succeeded due again after `afterMs`, or earlier if it was enqueued during its run. */
export async function repeatJob(db: Db, attempt: Attempt, afterMs: number): Promise<void> {
  await sql`
    update jobs set state = 'pending', lease_until = null, failures = 0, error = null,
      due_at = case when version = ${attempt.version} then ${fromNow(afterMs)}
        else least(due_at, ${fromNow(afterMs)}) end
    where ${isOwned(attempt)}`.execute(db)
}

/** Returns a job to the queue whose attempt was aborted; this does not count as a failure. */
export async function releaseJob(db: Db, attempt: Attempt): Promise<void> {
  await sql`
    update jobs set state = 'pending', lease_until = null,
      due_at = case when version = ${attempt.version} then clock_timestamp() else due_at end
    where ${isOwned(attempt)}`.execute(db)
}

/**
 * Records a failure: the job is due again after `retryMs`, or dead if that is null and the job was not enqueued during
 * its run.
 */
export async function failJob(
  db: Db,
  attempt: Attempt,
  failure: { error: string; failures: number; retryMs: number | null },
): Promise<void> {
  await sql`
    update jobs set lease_until = null, failures = ${failure.failures}, error = ${failure.error},
      failed_at = clock_timestamp(),
      state = case when ${failure.retryMs === null} and version = ${attempt.version} then 'dead' else 'pending' end,
      due_at = ${fromNow(failure.retryMs ?? 0)}
    where ${isOwned(attempt)}`.execute(db)
}

/**
 * Claims running jobs whose lease has expired (or, with `all`, every running job), so that their failure can be
 * recorded: the server that ran them has died or stopped responding.
 */
export async function claimExpired(
  db: Db,
  kinds: string[],
  { all, except, leaseMs }: { all: boolean; except: string[]; leaseMs: number },
): Promise<JobRow[]> {
  const { rows } = await sql<JobRow>`
    with expired as (
      select id from jobs
      where state = 'running' and kind = any(${kinds}::text[]) and id <> all(${except}::uuid[])
        and (lease_until < clock_timestamp() or lease_until > ${fromNow(maxLeaseMs)} or ${all})
      for update skip locked
    )
    update jobs set claims = claims + 1, lease_until = ${fromNow(leaseMs)}
    from expired where jobs.id = expired.id
    returning jobs.*`.execute(db)
  return rows
}

export async function hasDue(db: Db, kinds: string[]): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from jobs where state = 'pending' and due_at <= clock_timestamp() and kind = any(${kinds}::text[])
    ) as found`.execute(db)
  return rows[0]?.found ?? false
}

export async function countJobs(db: Db) {
  const rows = await db
    .selectFrom('jobs')
    .select(({ fn }) => ['kind', 'state', fn.countAll<string>().as('count')])
    .groupBy(['kind', 'state'])
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

export async function purgeDead(db: Db, retentionMs: number): Promise<void> {
  await sql`delete from jobs where state = 'dead' and failed_at < ${fromNow(-retentionMs)}`.execute(db)
}
