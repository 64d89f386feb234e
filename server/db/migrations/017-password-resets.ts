import { type Kysely, sql } from 'kysely'

/** Links by which a user sets a new password: one per user. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table password_resets (
    user_id uuid primary key references users on delete cascade,
    token_hash text not null unique,
    expires_at timestamptz not null
  )`.execute(db)
}
