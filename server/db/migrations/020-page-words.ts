import { type Kysely, sql } from 'kysely'

/** The recognized words of scanned pages, with their boxes on the image. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table document_pages add column words jsonb`.execute(db)
}
