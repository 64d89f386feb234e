import { type Kysely, sql } from 'kysely'

/** Providers of models, how each answer came about, and what may only be sent to local models. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table model_providers (
      id uuid primary key,
      name text not null unique,
      kind text not null check (kind in ('ollama', 'openai', 'anthropic', 'google')),
      base_url text not null,
      secrets text,
      key_hint text,
      models jsonb not null default '[]',
      max_parallel int check (max_parallel > 0),
      prices jsonb not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`,
    `alter table messages add column reasoning text, add column details jsonb`,
    `alter table avees add column local_only boolean not null default false`,
    `alter table all_conversations add column local_only boolean not null default false`,
    `create or replace view conversations as select * from all_conversations where deletion_id is null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
