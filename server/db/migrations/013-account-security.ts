import { type Kysely, sql } from 'kysely'

/** Invitations, sessions with their clients, scopes of API keys, disabled users, and the audit log. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table users add column disabled_at timestamptz`,
    `alter table sessions
      add column address text,
      add column user_agent text,
      add column last_used_at timestamptz not null default now()`,
    `alter table api_keys add column scopes text[] not null default '{read,chat,manage}'
      check (scopes <@ '{read,chat,manage}' and cardinality(scopes) > 0)`,
    `create table invitations (
      id uuid primary key,
      created_by uuid not null references users on delete cascade,
      email text,
      token_hash text not null unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`,
    `create index on invitations (created_by)`,
    // Without foreign keys: entries outlive what they are about.
    `create table audit_log (
      id uuid primary key,
      at timestamptz not null default now(),
      actor_id uuid,
      action text not null,
      target text,
      address text
    )`,
    `create index on audit_log (at)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
