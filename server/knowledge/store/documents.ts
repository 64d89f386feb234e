import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import { type Db, likePatterns, type Row, type Trx } from '../../db/index.ts'

export type DocumentRow = Row<'documents'>

export async function findDocument(db: Db, id: string): Promise<DocumentRow | undefined> {
  return await db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Where a document comes from. Files and web pages are identified by their URL, uploads and texts by their bytes. */
export type DocumentSource = { filename: string | null; sourceUrl: string | null; sha256: string }

/**
 * Finds the document that a new one replaces, or repeats if its bytes are the same: the one from the same URL; for an
 * upload the one of the same bytes, else of the same file name.
 */
export async function findDocumentBySource(
  db: Db | Trx,
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

/** Records that the file of a document was moved or renamed. A title made from the file name follows it. */
export async function relocateDocument(
  trx: Trx,
  id: string,
  to: { title: string; filename: string | null; sourceUrl: string | null },
): Promise<void> {
  await trx
    .updateTable('documents')
    .set({ title: to.title, filename: to.filename, source_url: to.sourceUrl, updated_at: new Date() })
    .where('id', '=', id)
    .execute()
}

/** Lists the documents of an avee in these layers, newest first; `after` is the last id of the page before. */
export async function listDocuments(
  db: Db,
  aveeId: string,
  layers: Layer[],
  page: { limit: number; after?: string | undefined; query?: string | undefined },
): Promise<DocumentRow[]> {
  const { after, query } = page
  return await db
    .selectFrom('documents')
    .selectAll()
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

export async function countDocuments(db: Db | Trx, aveeId: string, layers?: Layer[]): Promise<number> {
  const { count } = await db
    .selectFrom('documents')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('avee_id', '=', aveeId)
    .$if(layers !== undefined, (from) => from.where('layer', 'in', layers ?? []))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function listDocumentIds(db: Db, aveeId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('documents')
    .select('id')
    .where('avee_id', '=', aveeId)
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}

export type NewDocument = Pick<
  DocumentRow,
  | 'id'
  | 'avee_id'
  | 'version'
  | 'layer'
  | 'title'
  | 'filename'
  | 'type'
  | 'source'
  | 'source_url'
  | 'sha256'
  | 'pages'
  | 'passages'
  | 'language'
  | 'embedded_by'
> & { bytes: number }

/** Inserts a document, or updates the one with this id. */
export async function upsertDocument(trx: Trx, document: NewDocument): Promise<void> {
  await trx
    .insertInto('documents')
    .values(document)
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ ...document, updated_at: new Date() }))
    .execute()
}

export async function renameDocument(trx: Trx, id: string, title: string): Promise<void> {
  await trx.updateTable('documents').set({ title, updated_at: new Date() }).where('id', '=', id).execute()
}

/** Deletes a document and retires its version, whose rows are purged later. Returns the deleted row, if any. */
export async function retireDocument(trx: Trx, id: string): Promise<DocumentRow | undefined> {
  const deleted = await trx.deleteFrom('documents').where('id', '=', id).returningAll().executeTakeFirst()
  if (deleted)
    await trx
      .updateTable('document_versions')
      .set({ state: 'retired' })
      .where('id', '=', deleted.version)
      .execute()
  return deleted
}

/** Counts an avee's documents, passages and embedded passages, with the average length of a passage in characters. */
export async function documentStatistics(db: Db, aveeId: string, layers: Layer[], space: string | null) {
  const [documents, passages] = await Promise.all([
    db
      .selectFrom('documents')
      .select((eb) => [
        eb.fn.countAll<string>().as('documents'),
        eb.fn.coalesce(eb.fn.sum<string>('passages'), sql<string>`0`).as('passages'),
        sql<string>`coalesce(sum(passages) filter (where embedded_by = ${space}), 0)`.as('embedded'),
      ])
      .where('avee_id', '=', aveeId)
      .where('layer', 'in', layers)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('passages')
      .select(sql<string | null>`avg(length(text))`.as('length'))
      .where('avee_id', '=', aveeId)
      .where('layer', 'in', layers)
      .executeTakeFirstOrThrow(),
  ])
  return {
    documents: Number(documents.documents),
    passages: Number(documents.passages),
    embedded: Number(documents.embedded),
    averageLength: Number(passages.length ?? 0),
  }
}
