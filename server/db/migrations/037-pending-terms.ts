import { type Kysely, sql } from 'kysely'

/**
 * Collects new entries of the terms of passages and adds them to the index together, which takes less than half the time
 * for new passages. A search also reads up to 64 kB of collected entries, the minimum, in 0.3 ms (bench/documents.ts).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter index passages_terms set (fastupdate = on, gin_pending_list_limit = 64)`.execute(db)
}
