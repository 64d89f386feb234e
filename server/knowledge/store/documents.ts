import { type Insertable, sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import { type Db, likePatterns, type Row, type Tables, type Trx } from '../../db/index.ts'
import { movePassages, retireVersion } from './versions.ts'

export type DocumentRow = Row<'documents'>

const restorableUntil = sql<Date | null>`(
  select restorable_until from deletions where deletions.id = all_documents.deletion_id)`.as(
  'restorable_until',
)

export async function findDocument(db: Db, id: string): Promise<DocumentRow | undefined> {
  return await db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Finds a document, also one in the trash. */
export async function findStoredDocument(db: Db, id: string): Promise<DocumentRow | undefined> {
  return await db.selectFrom('all_documents').selectAll().where('id', '=', id).executeTakeFirst()
}

/**
 * Returns the layers of the documents that exist, for a reader. Attachments are public to the user of their
 * conversation, and null to others.
 */
export async function findLayers(
  db: Db,
  ids: string[],
  readerId: string | null,
): Promise<Map<string, Layer | null>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; layer: Layer | null }>`
    select documents.id, case when avees.conversation_id is null or avees.owner_id = ${readerId} then layer end as layer
    from documents join all_avees as avees on avees.id = documents.avee_id
    where documents.id = any(${ids}::uuid[])`.execute(db)
  return new Map(rows.map(({ id, layer }) => [id, layer]))
}

/** The source of a document. Files and web pages are identified by their URL, uploads and texts by their bytes. */
export type DocumentSource = { filename: string | null; sourceUrl: string | null; sha256: string }

/**
 * Finds the document that a new one replaces, or repeats if its bytes are the same: the one from the same URL; for an
 * upload the one with the same bytes, otherwise with the same file name.
 */
export async function findDocumentBySource(
  db: Db,
  aveeId: string,
  { filename, sourceUrl, sha256 }: DocumentSource,
): Promise<DocumentRow | undefined> {
  return await db
    .selectFrom('documents')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .$if(sourceUrl !== null, (from) => from.where('source_url', '=', sourceUrl))
    .$if(sourceUrl === null, (from) =>
      from
        .where('source', 'in', ['upload', 'text'])
        .where((eb) =>
          eb.or([
            eb('sha256', '=', sha256),
            eb.and([eb('filename', '=', filename), eb('source', '=', 'upload')]),
          ]),
        ),
    )
    .orderBy((eb) => eb('sha256', '=', sha256), 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst()
}

/** Finds the documents with the bytes, the name or the URL of one of the sources. */
export const findDocumentsLike = (db: Db, aveeId: string, sources: DocumentSource[]) =>
  db
    .selectFrom('documents')
    .select(['sha256', 'filename', 'source_url'])
    .where('avee_id', '=', aveeId)
    .where(
      sql<boolean>`(sha256 = any(${sources.map(({ sha256 }) => sha256)}::text[])
        or filename = any(${sources.map(({ filename }) => filename)}::text[])
        or source_url = any(${sources.map(({ sourceUrl }) => sourceUrl)}::text[]))`,
    )
    .execute()

/** Sums the sizes of the originals of all documents of the avee's owner, or of those in the trash. */
export async function sumDocumentBytes(db: Db, aveeId: string, inTrash = false): Promise<number> {
  const { rows } = await sql<{ bytes: string | null }>`
    select sum(bytes) as bytes
    from all_documents
    join all_avees on all_avees.id = all_documents.avee_id
    left join all_conversations on all_conversations.id = all_avees.conversation_id
    where owner_id = (select owner_id from all_avees where id = ${aveeId})
      and (coalesce(all_documents.deletion_id, all_conversations.deletion_id) is not null) = ${inTrash}`.execute(
    db,
  )
  return Number(rows[0]?.bytes ?? 0)
}

/** Sums the sizes of the attachments of a conversation, without those that were moved to the trash separately. */
export async function sumAttachmentBytes(db: Db, conversationId: string): Promise<number> {
  const { bytes } = await db
    .selectFrom('documents')
    .where('avee_id', '=', conversationId)
    .select((eb) => eb.fn.sum<string | null>('bytes').as('bytes'))
    .executeTakeFirstOrThrow()
  return Number(bytes)
}

/** Lists the attachments of a user's conversations, without those in the trash. */
export async function listAttachments(db: Db, userId: string): Promise<DocumentRow[]> {
  return await db
    .selectFrom('documents')
    .innerJoin('conversations', 'conversations.id', 'documents.avee_id')
    .selectAll('documents')
    .where('conversations.user_id', '=', userId)
    .orderBy('documents.id')
    .execute()
}

/** Returns the avee for runs of documents; for attachments, that of their conversation. */
export async function findScope(db: Db, aveeId: string): Promise<string | undefined> {
  const found = await db
    .selectFrom('all_avees')
    .leftJoin('all_conversations', 'all_conversations.id', 'all_avees.conversation_id')
    .select((eb) => eb.fn.coalesce('all_conversations.avee_id', 'all_avees.id').as('scope'))
    .where('all_avees.id', '=', aveeId)
    .executeTakeFirst()
  return found?.scope
}

/** Locks the storage quota of the avee's owner until the transaction ends. */
export async function lockOwnerQuota(trx: Db, aveeId: string): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended('gabee:quota:' || owner_id, 0)) from all_avees where id = ${aveeId}
  `.execute(trx)
}

/** Records that the file of a document was moved or renamed. A title made from the file name follows it. */
export async function relocateDocument(
  trx: Trx,
  id: string,
  to: { title: string; filename: string | null; sourceUrl: string | null },
): Promise<void> {
  const { sourceUrl, ...names } = to
  const relocated = { ...names, source_url: sourceUrl, updated_at: new Date() }
  await trx.updateTable('documents').set(relocated).where('id', '=', id).execute()
}

export type DocumentPage = {
  limit: number
  after?: string | undefined
  query?: string | undefined
  /** Lists the documents in the trash instead. */
  inTrash?: boolean | undefined
}

/** Lists the documents of an avee in these layers, newest first; `after` is the last id of the previous page. */
export async function listDocuments(db: Db, aveeId: string, layers: Layer[], page: DocumentPage) {
  const { after, query, inTrash = false } = page
  return await db
    .selectFrom('all_documents')
    .selectAll()
    .select(restorableUntil)
    .where(inTrash ? sql<boolean>`${restorableUntil.expression} > now()` : sql<boolean>`deletion_id is null`)
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
    .$if(after !== undefined, (from) => from.where('id', '<', after ?? ''))
    .$if(query !== undefined && query !== '', (from) =>
      from.where(
        sql<boolean>`title || ' ' || coalesce(filename, '') ilike any(${likePatterns(query ?? '')})`,
      ),
    )
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}

export async function countDocuments(db: Db, aveeId: string, layers?: Layer[]): Promise<number> {
  const { count } = await db
    .selectFrom('documents')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('avee_id', '=', aveeId)
    .$if(layers !== undefined, (from) => from.where('layer', 'in', layers ?? []))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function listAllDocuments(db: Db, aveeId: string): Promise<DocumentRow[]> {
  return await db.selectFrom('documents').selectAll().where('avee_id', '=', aveeId).orderBy('id').execute()
}

/** Inserts a document, or updates the one with this id. */
export async function upsertDocument(trx: Trx, document: Insertable<Tables['documents']>): Promise<void> {
  await trx
    .insertInto('documents')
    .values(document)
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ ...document, updated_at: new Date() }))
    .execute()
}

export async function renameDocument(trx: Trx, id: string, title: string): Promise<void> {
  await trx.updateTable('documents').set({ title, updated_at: new Date() }).where('id', '=', id).execute()
}

/** Deletes a document, also from the trash, and retires its version, whose rows are purged later. Returns the deleted row, if any. */
export async function retireDocument(trx: Trx, id: string): Promise<DocumentRow | undefined> {
  const deleted = await trx.deleteFrom('all_documents').where('id', '=', id).returningAll().executeTakeFirst()
  if (deleted) await retireVersion(trx, deleted.version)
  return deleted
}

/** Moves documents to the trash; those that no longer exist are left out. Returns the former rows. */
export async function moveToTrash(trx: Trx, ids: string[], deletionId: string): Promise<DocumentRow[]> {
  const moved = await trx
    .updateTable('all_documents')
    .set({ deletion_id: deletionId })
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .where('deletion_id', 'is', null)
    .returningAll()
    .execute()
  for (const { avee_id: aveeId, version, layer } of moved)
    await movePassages(trx, { aveeId, version, from: layer, to: 'trash' })
  return moved
}

/** Restores a document from the trash. If its file is no longer in a watched folder, it becomes an upload. */
export async function moveOutOfTrash(trx: Trx, document: DocumentRow): Promise<void> {
  const { id, avee_id: aveeId, version, layer } = document
  const isOrphan =
    document.source === 'folder' &&
    (await trx.selectFrom('folder_files').select('path').where('document_id', '=', id).executeTakeFirst()) ===
      undefined
  await trx
    .updateTable('all_documents')
    .set({ deletion_id: null, ...(isOrphan ? { source: 'upload', source_url: null } : {}) })
    .where('id', '=', id)
    .execute()
  await movePassages(trx, { aveeId, version, from: 'trash', to: layer })
}

/** Lists the documents that a deletion has moved to the trash. */
export async function listInTrash(db: Db, deletionId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('all_documents')
    .select('id')
    .where('deletion_id', '=', deletionId)
    .execute()
  return rows.map(({ id }) => id)
}

/** Counts an avee's documents, passages and embedded passages, with the average length of a passage in characters. */
export async function documentStatistics(db: Db, aveeId: string, layers: Layer[], space: string | null) {
  const [documents, passages] = await Promise.all([
    db
      .selectFrom('documents')
      .select([
        sql<number>`count(*)::int`.as('documents'),
        sql<number>`coalesce(sum(passages), 0)::int`.as('passages'),
        sql<number>`coalesce(sum(passages) filter (where embedded_by = ${space}), 0)::int`.as('embedded'),
      ])
      .where('avee_id', '=', aveeId)
      .where('layer', 'in', layers)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('passages')
      .select(sql<number>`coalesce(avg(length(text)), 0)::float8`.as('averageLength'))
      .where('avee_id', '=', aveeId)
      .where('layer', 'in', layers)
      .executeTakeFirstOrThrow(),
  ])
  return { ...documents, ...passages }
}
