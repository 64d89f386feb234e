import { type Kysely, sql } from 'kysely'

/** The websites that may show an avee in a frame. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table avees add column embed_origins text[] not null default '{}'`.execute(db)
}
