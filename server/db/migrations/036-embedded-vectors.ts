import { type Kysely, sql } from 'kysely'

/** Drops the vector indexes of the embedded database, which compares vectors in memory. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select indexname as name from pg_indexes
    where indexname like 'passage\\_vectors\\_hnsw\\_%' and version() like '%PGlite%'`.execute(db)
  for (const { name } of rows) await sql`drop index ${sql.id(name)}`.execute(db)
}
