import { type Kysely, sql } from 'kysely'

/** Answers that are part of no conversation, with their requests while these are needed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table completions (
      run_id uuid primary key references runs on delete cascade,
      previous_id uuid,
      is_kept boolean not null,
      request jsonb,
      content text,
      model text,
      layer_used text,
      usage json,
      citations jsonb not null default '[]',
      documents uuid[] not null default '{}'
    )`,
    `create index on completions using gin (documents)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
