import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { Db, Row } from '../../db/index.ts'

export type UpdateRow = Row<'avee_updates'>

export async function insertUpdate(
  db: Db,
  update: { id: string; aveeId: string; layer: Layer; title: string; text: string },
): Promise<UpdateRow> {
  const { aveeId, ...own } = update
  return await db
    .insertInto('avee_updates')
    .values({ ...own, avee_id: aveeId })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function findUpdate(db: Db, aveeId: string, id: string): Promise<UpdateRow | undefined> {
  return await db
    .selectFrom('avee_updates')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Lists updates of an avee in these layers, newest first. */
export async function listUpdates(
  db: Db,
  aveeId: string,
  layers: Layer[],
  { since, limit }: { since?: Date; limit: number },
): Promise<UpdateRow[]> {
  let query = db
    .selectFrom('avee_updates')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
  if (since) query = query.where('created_at', '>=', since)
  return await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

export async function changeUpdate(
  db: Db,
  id: string,
  changes: { layer?: Layer; title?: string; text?: string },
): Promise<UpdateRow | undefined> {
  return await db
    .updateTable('avee_updates')
    .set({ ...changes, updated_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteUpdate(db: Db, id: string): Promise<UpdateRow | undefined> {
  return await db.deleteFrom('avee_updates').where('id', '=', id).returningAll().executeTakeFirst()
}

/** Finds an update with the owner of its avee. */
export async function findUpdateWithOwner(
  db: Db,
  id: string,
): Promise<(UpdateRow & { owner_id: string }) | undefined> {
  return await db
    .selectFrom('avee_updates')
    .innerJoin('avees', 'avees.id', 'avee_updates.avee_id')
    .selectAll('avee_updates')
    .select('avees.owner_id')
    .where('avee_updates.id', '=', id)
    .executeTakeFirst()
}

/** Stores the document that contains an update; false when the update was changed or deleted since it was read. */
export async function setDocument(db: Db, update: UpdateRow, documentId: string): Promise<boolean> {
  const row = await db
    .updateTable('avee_updates')
    .set({ document_id: documentId })
    .where('id', '=', update.id)
    .where(sql<boolean>`date_trunc('milliseconds', updated_at) = ${update.updated_at}`)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
