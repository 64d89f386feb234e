import { type Insertable, sql, type Updateable } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db, Row, Tables } from '../../db/index.ts'

export type UpdateRow = Row<'avee_updates'>

export const insertUpdate = (db: Db, update: Insertable<Tables['avee_updates']>): Promise<UpdateRow> =>
  db.insertInto('avee_updates').values(update).returningAll().executeTakeFirstOrThrow()

export const findUpdate = (db: Db, aveeId: string, id: string): Promise<UpdateRow | undefined> =>
  db
    .selectFrom('avee_updates')
    .selectAll()
    .where('avee_id', '=', aveeId)
    .where('id', '=', id)
    .executeTakeFirst()

/** Selects from the updates of an avee in these layers, newest first. */
export const selectUpdates = (db: Db, aveeId: string, layers: Layer[], limit: number) =>
  db
    .selectFrom('avee_updates')
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)

export async function changeUpdate(
  db: Db,
  id: string,
  changes: Updateable<Tables['avee_updates']>,
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
export const findUpdateWithOwner = (db: Db, id: string) =>
  db
    .selectFrom('avee_updates')
    .innerJoin('avees', 'avees.id', 'avee_updates.avee_id')
    .selectAll('avee_updates')
    .select('avees.owner_id')
    .where('avee_updates.id', '=', id)
    .executeTakeFirst()

/** Stores the document that contains an update; false if the update was changed or deleted since it was read. */
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
