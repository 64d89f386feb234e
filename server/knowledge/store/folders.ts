import { sql } from 'kysely'
import type { Db, Row, Trx } from '../../db/index.ts'

export type FolderRow = Row<'folders'>

/** A file that a scan has found; `path` is relative to the folder, with slashes. */
export type LocalFile = { path: string; bytes: number; modifiedMs: number }

/** Lists watched folders, of one avee or of all, with their number of documents and the files that failed. */
export async function listFolders(db: Db, aveeId?: string) {
  return await db
    .selectFrom('folders')
    .selectAll()
    .select([
      sql<number>`(
        select count(*)::int from folder_files join documents on documents.id = document_id
        where folder_id = folders.id)`.as('documents'),
      sql<{ path: string; message: string }[]>`(
        select coalesce(json_agg(json_build_object('path', path, 'message', problem) order by path), '[]')
        from folder_files where folder_id = folders.id and problem is not null)`.as('failed'),
    ])
    .$if(aveeId !== undefined, (from) => from.where('avee_id', '=', aveeId ?? ''))
    .orderBy('path')
    .execute()
}
export type ListedFolder = Awaited<ReturnType<typeof listFolders>>[number]

/** Returns false if the avee watches this folder already. */
export async function insertFolder(
  db: Db,
  folder: Pick<FolderRow, 'id' | 'avee_id' | 'path' | 'layer'>,
): Promise<boolean> {
  const added = await db
    .insertInto('folders')
    .values(folder)
    .onConflict((conflict) => conflict.columns(['avee_id', 'path']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return added !== undefined
}

export async function deleteFolder(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('folders').where('id', '=', id).execute()
}

/** Records the time of a scan and its problem, if any. */
export async function recordScan(db: Db, id: string, problem: string | null): Promise<void> {
  await db.updateTable('folders').set({ looked_at: new Date(), problem }).where('id', '=', id).execute()
}

export async function listFolderFiles(db: Db, folderId: string): Promise<Map<string, LocalFile>> {
  const rows = await db
    .selectFrom('folder_files')
    .select(['path', 'bytes', 'modified_ms'])
    .where('folder_id', '=', folderId)
    .execute()
  return new Map(
    rows.map(({ path, bytes, modified_ms }) => [
      path,
      { path, bytes: Number(bytes), modifiedMs: Number(modified_ms) },
    ]),
  )
}

/** Records the outcomes of files, unless their folder is no longer watched. */
export async function upsertFolderFiles(
  trx: Trx,
  folderId: string,
  files: (LocalFile & { documentId: string | null; problem: string | null })[],
): Promise<void> {
  await sql`
    insert into folder_files (folder_id, path, bytes, modified_ms, document_id, problem)
    select folders.id, added.*
    from folders, unnest(
      ${files.map(({ path }) => path)}::text[],
      ${files.map(({ bytes }) => bytes)}::bigint[],
      ${files.map(({ modifiedMs }) => modifiedMs)}::bigint[],
      ${files.map(({ documentId }) => documentId)}::uuid[],
      ${files.map(({ problem }) => problem)}::text[]
    ) as added (path, bytes, modified_ms, document_id, problem)
    where folders.id = ${folderId}
    on conflict (folder_id, path) do update set
      bytes = excluded.bytes, modified_ms = excluded.modified_ms,
      document_id = excluded.document_id, problem = excluded.problem
  `.execute(trx)
}

export async function deleteFolderFiles(trx: Trx, folderId: string, paths: string[]): Promise<void> {
  const gone = sql`folder_id = ${folderId} and path = any(${paths}::text[])`
  await sql`delete from folder_files where ${gone}`.execute(trx)
}

/** Finds the documents of folders whose file no longer exists. */
export async function findOrphanedDocuments(trx: Trx, aveeId: string): Promise<string[]> {
  const rows = await trx
    .selectFrom('documents')
    .select('id')
    .where('avee_id', '=', aveeId)
    .where('source', '=', 'folder')
    .where(sql<boolean>`not exists (select from folder_files where document_id = documents.id)`)
    .execute()
  return rows.map(({ id }) => id)
}

/** Converts the documents of folders whose file no longer exists into uploads. */
export async function detachOrphanedDocuments(trx: Trx, aveeId: string): Promise<void> {
  const ids = await findOrphanedDocuments(trx, aveeId)
  if (ids.length === 0) return
  const detached = { source: 'upload', source_url: null } as const
  await trx.updateTable('documents').set(detached).where('id', 'in', ids).execute()
}

/**
 * Finds the document of a file that was moved or renamed within its folder: it has the same bytes, and all of its files
 * are among the `gone` paths.
 */
export async function findMovedDocument(
  db: Db,
  folder: { id: string; gone: string[] },
  sha256: string,
): Promise<Row<'documents'> | undefined> {
  return await db
    .selectFrom('documents')
    .selectAll()
    .where('source', '=', 'folder')
    .where('sha256', '=', sha256)
    .where(
      sql<boolean>`(
        select bool_and(folder_id = ${folder.id} and path = any(${folder.gone}::text[]))
        from folder_files where document_id = documents.id
      )`,
    )
    .orderBy('id')
    .executeTakeFirst()
}
