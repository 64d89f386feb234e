import { type Kysely, sql } from 'kysely'

/** The limit of requests per minute of an API key; null: none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table api_keys add column requests_per_minute int check (requests_per_minute > 0)`.execute(
    db,
  )
}
