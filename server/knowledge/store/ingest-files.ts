import { sql } from 'kysely'
import type { Db, Trx } from '../../db/index.ts'

/** Notes that a run needs originals, so that no sweep takes them away; each by its place among the run's files. */
export async function pinOriginals(
  trx: Trx,
  runId: string,
  files: { index: number; sha256: string }[],
): Promise<void> {
  await sql`
    insert into ingest_files (run_id, file, sha256)
    select ${runId}::uuid, file, sha256
    from unnest(${files.map(({ index }) => index)}::int[], ${files.map(({ sha256 }) => sha256)}::text[]) as noted (file, sha256)
    on conflict (run_id, file) do update set sha256 = excluded.sha256
  `.execute(trx)
}

/** The run needs the file no longer, or none of its files. */
export async function unpinOriginals(trx: Trx, runId: string, file?: number): Promise<void> {
  await trx
    .deleteFrom('ingest_files')
    .where('run_id', '=', runId)
    .$if(file !== undefined, (from) => from.where('file', '=', file ?? 0))
    .execute()
}

/** Of these originals the ones that a document or a run still needs. */
export async function findReferencedOriginals(db: Db | Trx, hashes: string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('documents')
    .select('sha256')
    .where(sql<boolean>`sha256 = any(${hashes}::text[])`)
    .union(
      db.selectFrom('ingest_files').select('sha256').where(sql<boolean>`sha256 = any(${hashes}::text[])`),
    )
    .execute()
  return new Set(rows.map((row) => row.sha256))
}

/** Until the transaction ends nobody else puts an original into its place or takes one away. */
export async function lockOriginals(trx: Trx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('gabee:originals', 0))`.execute(trx)
}

/** Until the transaction ends nobody else adds to, replaces or removes the avee's documents. */
export async function lockDocumentsOfAvee(trx: Trx, aveeId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`gabee:documents:${aveeId}`}, 0))`.execute(trx)
}
