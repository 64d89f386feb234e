import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import { type Db, likePatterns, type Row, type Trx } from '../../db/index.ts'

export type DocumentRow = Row<'documents'>

export async function findDocument(db: Db, id: string): Promise<DocumentRow | undefined> {
  return await db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The avee's document with these bytes. */
export async function findDocumentByHash(
  db: Db,
  aveeId: string,
  sha256: string,
): Promise<DocumentRow | undefined> {
  return await db
    .selectFrom('documents')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .where('sha256', '=', sha256)
    .executeTakeFirst()
}

/** The avee's document that a new one of this name, or from this address, takes the place of. */
export async function findDocumentBySource(
  db: Db,
  aveeId: string,
  name: { filename: string | null; sourceUrl: string | null },
): Promise<DocumentRow | undefined> {
  if (name.filename === null && name.sourceUrl === null) return undefined
  return await db
    .selectFrom('documents')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .where((eb) =>
      name.sourceUrl === null
        ? eb.and([eb('filename', '=', name.filename), eb('source', '=', 'upload')])
        : eb('source_url', '=', name.sourceUrl),
    )
    .orderBy('id', 'desc')
    .executeTakeFirst()
}

/** Documents of an avee in these layers, newest first; `after` is the id of the last one had. */
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

/** Writes the document; over the row of the same id when it has one. */
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

/** Removes the document from sight, together with its version; true when it was there. */
export async function retireDocument(trx: Trx, id: string): Promise<DocumentRow | undefined> {
  const gone = await trx.deleteFrom('documents').where('id', '=', id).returningAll().executeTakeFirst()
  if (gone)
    await trx
      .updateTable('document_versions')
      .set({ state: 'retired' })
      .where('id', '=', gone.version)
      .execute()
  return gone
}

/** How many bytes, passages and characters an avee's documents come to, for the statistics. */
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
