import { sql } from 'kysely'
import type { Db, Trx } from '../../db/index.ts'

const lockedOriginals = sql`select pg_advisory_xact_lock(hashtextextended('gabee:originals', 0))`

/**
 * Protects originals from deletion until the run has ended, by the index of the file in the run. Prevents other
 * transactions from storing or deleting originals until this one ends.
 */
export async function pinOriginals(
  trx: Trx,
  runId: string,
  files: { index: number; sha256: string }[],
): Promise<void> {
  await sql`
    insert into ingest_files (run_id, file, sha256)
    select ${runId}::uuid, file, sha256
    from (${lockedOriginals}) as locked,
      unnest(${files.map(({ index }) => index)}::int[], ${files.map(({ sha256 }) => sha256)}::text[]) as pinned (file, sha256)
    on conflict (run_id, file) do update set sha256 = excluded.sha256
  `.execute(trx)
}

/** Ends the protection of some files of a run, or of all. */
export async function unpinOriginals(trx: Trx, runId: string, files?: number[]): Promise<void> {
  await trx
    .deleteFrom('ingest_files')
    .where('run_id', '=', runId)
    .$if(files !== undefined, (from) => from.where(sql<boolean>`file = any(${files}::int[])`))
    .execute()
}

/** Returns the originals that a document, also one in the trash, or a run refers to. */
export async function findReferencedOriginals(db: Db, hashes: string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('all_documents')
    .select('sha256')
    .where(sql<boolean>`sha256 = any(${hashes}::text[])`)
    .union(
      db.selectFrom('ingest_files').select('sha256').where(sql<boolean>`sha256 = any(${hashes}::text[])`),
    )
    .execute()
  return new Set(rows.map((row) => row.sha256))
}

/** Prevents the deletion of the avee until the transaction ends. Returns false if it does not exist. */
export async function lockAvee(trx: Trx, aveeId: string): Promise<boolean> {
  const { rows } = await sql`select from all_avees where id = ${aveeId} for key share`.execute(trx)
  return rows.length === 1
}

/** Prevents other transactions from storing or deleting originals until this one ends. */
export async function lockOriginals(trx: Trx): Promise<void> {
  await lockedOriginals.execute(trx)
}

/** Prevents other transactions from creating, replacing or deleting documents of the avee until this one ends. */
export async function lockDocumentsOfAvee(trx: Trx, aveeId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`gabee:documents:${aveeId}`}, 0))`.execute(trx)
}
