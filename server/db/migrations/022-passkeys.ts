import { type Kysely, sql } from 'kysely'

/** Passkeys (WebAuthn credentials) of users. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table passkeys (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      name text not null,
      credential_id text not null unique,
      public_key text not null,
      counter int8 not null,
      transports text[] not null,
      created_at timestamptz not null default now(),
      last_used_at timestamptz
    )`,
    `create index on passkeys (user_id)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
