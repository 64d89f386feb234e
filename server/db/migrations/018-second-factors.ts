import { type Kysely, sql } from 'kysely'

/** Second factors of users, and challenges: steps of a sign-in that wait for the user's next request. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table totp_secrets (
      user_id uuid primary key references users on delete cascade,
      secret text not null,
      confirmed_at timestamptz,
      last_step int8
    )`,
    `create table recovery_codes (
      user_id uuid not null references users on delete cascade,
      code_hash text not null,
      primary key (user_id, code_hash)
    )`,
    `create table challenges (
      token_hash text primary key,
      purpose text not null,
      user_id uuid not null references users on delete cascade,
      expires_at timestamptz not null
    )`,
    `create index on challenges (user_id)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
