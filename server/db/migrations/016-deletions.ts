import { type Kysely, sql } from 'kysely'

/** Receipts of deletions. Without foreign keys: a receipt outlives its user. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table deletions (
    id uuid primary key,
    user_id uuid,
    counts jsonb not null,
    documents uuid[] not null default '{}',
    created_at timestamptz not null default now(),
    purged_at timestamptz
  )`.execute(db)
  await sql`create index messages_documents on messages using gin (documents)`.execute(db)
}
