import { type Kysely, sql } from 'kysely'

/** An idempotency key belongs to a user and an avee, so that a key restricted to one avee never gets the run of another. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `drop index runs_idempotency`,
    `create unique index runs_idempotency on runs (user_id, scope, idempotency_key) nulls not distinct
      where idempotency_key is not null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
