import { statfs } from 'node:fs/promises'
import { sql } from 'kysely'
import { type Database, newId } from '../db/index.ts'

export type AdminDependencies = { database: Database; dataDir: string }

/** PCI DSS 4.0, 10.5.1 requires the audit log of twelve months. */
const auditRetention = sql`interval '1 year'`

export type AuditEvent = {
  actorId: string | null
  action: string
  target: string | null
  address: string
}

/** Usage and state of the whole server for administrators, and the audit log. */
export function admin({ database: { db }, dataDir }: AdminDependencies) {
  return {
    async record({ actorId, ...event }: AuditEvent): Promise<void> {
      await db
        .insertInto('audit_log')
        .values({ id: newId(), actor_id: actorId, ...event })
        .execute()
    },

    async pruneAuditLog(): Promise<void> {
      await db.deleteFrom('audit_log').where('at', '<', sql<Date>`now() - ${auditRetention}`).execute()
    },

    /** Lists entries that are older than the one with the id `before`; `query` is part of an action or an address. */
    async listAuditLog({
      limit,
      before,
      query,
    }: {
      limit: number
      before: string | undefined
      query: string | undefined
    }) {
      let entries = db
        .selectFrom('audit_log')
        .leftJoin('users', 'users.id', 'audit_log.actor_id')
        .select(['audit_log.id', 'at', 'actor_id', 'email', 'action', 'target', 'address'])
        .orderBy('audit_log.id', 'desc')
        .limit(limit)
      if (before !== undefined) entries = entries.where('audit_log.id', '<', before)
      if (query)
        entries = entries.where(
          sql<boolean>`(strpos(action, ${query}) > 0 or strpos(address, ${query}) > 0 or strpos(email, ${query}) > 0)`,
        )
      return await entries.execute()
    },

    /** Returns the last use of a session or an API key for each user. */
    async lastUses(): Promise<Map<string, Date>> {
      const { rows } = await sql<{ user_id: string; at: Date }>`
        select user_id, max(last_used_at) as at from (
          select user_id, last_used_at from sessions
          union all
          select user_id, last_used_at from api_keys where last_used_at is not null
        ) as uses group by user_id`.execute(db)
      return new Map(rows.map(({ user_id, at }) => [user_id, at]))
    },

    /** Questions of visitors without an account count for the owner of the avee. */
    async usage(from: Date, to: Date) {
      const { rows: usage } = await sql<{
        user_id: string
        email: string | null
        model: string | null
        questions: number
        prompt_tokens: number
        completion_tokens: number
        cost: number | null
      }>`
        with answers as (
          select conversations.user_id, messages.model, usage, (details ->> 'cost')::float8 as cost, messages.created_at
          from messages join conversations on conversations.id = messages.conversation_id
          where role = 'assistant'
          union all
          select runs.user_id, model, usage, null, runs.created_at from completions join runs on runs.id = run_id
        )
        select users.id as user_id, users.email, answers.model, count(*)::int as questions,
          coalesce(sum((usage ->> 'prompt_tokens')::int8), 0)::float8 as prompt_tokens,
          coalesce(sum((usage ->> 'completion_tokens')::int8), 0)::float8 as completion_tokens,
          sum(cost) as cost
        from answers
          join users asking on asking.id = answers.user_id
          left join avees visited on visited.id = asking.visited_avee_id
          join users on users.id = coalesce(visited.owner_id, asking.id)
        where answers.created_at >= ${from} and answers.created_at < ${to}
        group by users.id, answers.model order by questions desc`.execute(db)
      const { rows: storage } = await sql<{
        user_id: string
        email: string | null
        documents: number
        bytes: number
      }>`
        select users.id as user_id, users.email, count(*)::int as documents, sum(bytes)::float8 as bytes
        from documents
          join all_avees on all_avees.id = documents.avee_id
          join users on users.id = all_avees.owner_id
        group by users.id order by bytes desc`.execute(db)
      return { usage, storage }
    },

    async listRuns({ status, limit }: { status?: string | undefined; limit: number }) {
      const runs = db.selectFrom('runs').selectAll().orderBy('id', 'desc').limit(limit)
      return await (status === undefined ? runs : runs.where('status', '=', sql<never>`${status}`)).execute()
    },

    /** Counts the runs in progress and those that ended in the last hour. */
    async countRuns() {
      const { rows } = await sql<{ kind: string; status: string; count: number }>`
        select kind, status, count(*)::int as count from runs
        where status = 'running' or (finished_at > now() - interval '1 hour' and not events_expired)
        group by kind, status`.execute(db)
      return rows
    },

    async listFailedJobs() {
      const jobs = db.selectFrom('jobs').selectAll().where('failures', '>', 0)
      return await jobs.orderBy('failed_at', 'desc').limit(100).execute()
    },

    /** Returns sizes in bytes. Row counts are the planner's estimates, null for tables that were never analyzed. */
    async storage() {
      const [disk, { rows: database }, { rows: tables }] = await Promise.all([
        statfs(dataDir),
        sql<{ bytes: number }>`select pg_database_size(current_database())::float8 as bytes`.execute(db),
        sql<{ name: string; bytes: number; rows: number | null }>`
          select relname as name, pg_total_relation_size(oid)::float8 as bytes, nullif(reltuples, -1)::float8 as rows
          from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace
          order by bytes desc`.execute(db),
      ])
      return {
        database_bytes: database[0]?.bytes ?? 0,
        disk_bytes: disk.blocks * disk.bsize,
        free_bytes: disk.bavail * disk.bsize,
        tables,
      }
    },
  }
}

export type Admin = ReturnType<typeof admin>
