import { type Kysely, sql } from 'kysely'

/** Webhooks of avees and what was sent to them. A delivery contains ids only, never a text. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `create table webhooks (
      id uuid primary key,
      avee_id uuid not null references avees on delete cascade,
      url text not null,
      events text[] not null,
      secret text not null,
      created_at timestamptz not null default now()
    )`,
    `create index on webhooks (avee_id)`,
    `create table webhook_deliveries (
      id uuid primary key,
      webhook_id uuid not null references webhooks on delete cascade,
      event text not null,
      subject text not null,
      data jsonb not null,
      status text not null default 'pending',
      attempts int not null default 0,
      response_status int,
      error text,
      created_at timestamptz not null default now(),
      finished_at timestamptz,
      unique (webhook_id, event, subject)
    )`,
  ])
    await sql.raw(statement).execute(db)
}
