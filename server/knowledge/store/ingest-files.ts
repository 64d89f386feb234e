import { sql } from 'kysely'
import { aveeNotFound } from '../../avees/index.ts'
import type { Db, Trx } from '../../db/index.ts'
import type { RunStatement } from '../../runs/index.ts'

const lockedOriginals = sql`select pg_advisory_xact_lock(hashtextextended('gabee:originals', 0))`

/** A staged file, by its index in the run. */
type Pinned = { index: number; sha256: string }

/**
 * A common table expression that protects originals from deletion until the `run` has ended. Prevents other transactions
 * from storing or deleting originals until this one ends.
 */
const pinned = (files: Pinned[]) => sql`
  pinned as (
    insert into ingest_files (run_id, file, sha256)
    select run.id, file, sha256
    from run, (${lockedOriginals}) as locked,
      unnest(${files.map(({ index }) => index)}::int[], ${files.map(({ sha256 }) => sha256)}::text[]) as added (file, sha256)
    on conflict (run_id, file) do update set sha256 = excluded.sha256
  )`

/** Protects originals from deletion until the run has ended, or the transaction. */
export async function pinOriginals(trx: Trx, runId: string, files: Pinned[]): Promise<void> {
  await sql`with run as (select ${runId}::uuid as id), ${pinned(files)} select from run`.execute(trx)
}

/**
 * Protects originals of a new run in its statement, and prevents the deletion of the avee until the transaction ends.
 * `store` moves the files to the originals.
 */
export const pinStatement = (aveeId: string, files: Pinned[], store: () => Promise<void>): RunStatement => ({
  expressions: sql`avee as (select from all_avees where id = ${aveeId} for key share), ${pinned(files)}`,
  columns: [sql<boolean>`exists (select from avee)`.as('has_avee')],
  onStored(row) {
    if (!(row as { has_avee: boolean }).has_avee) throw aveeNotFound()
  },
  store,
})

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

/** Prevents other transactions from storing or deleting originals until this one ends. */
export async function lockOriginals(trx: Trx): Promise<void> {
  await lockedOriginals.execute(trx)
}

/** Prevents other transactions from creating, replacing or deleting documents of the avee until this one ends. */
export async function lockDocumentsOfAvee(trx: Trx, aveeId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`gabee:documents:${aveeId}`}, 0))`.execute(trx)
}
