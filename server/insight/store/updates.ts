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

/** Updates of an avee in these layers, newest first. */
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

/** Changes an update; its document is made anew. */
export async function changeUpdate(
  db: Db,
  id: string,
  changes: { layer?: Layer; title?: string; text?: string },
): Promise<UpdateRow | undefined> {
  return await db
    .updateTable('avee_updates')
    .set({ ...changes, indexed_at: null, due_at: sql<Date>`now()`, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteUpdate(db: Db, id: string): Promise<UpdateRow | undefined> {
  return await db.deleteFrom('avee_updates').where('id', '=', id).returningAll().executeTakeFirst()
}

/** Takes updates that are not in the index as they are now, with the owner in whose name they go there. */
export async function claimUpdates(
  db: Db,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<(UpdateRow & { owner_id: string })[]> {
  const { rows } = await sql<UpdateRow & { owner_id: string }>`
    with due as (
      select id from avee_updates where indexed_at is null and due_at <= now()
      order by due_at limit ${limit} for update skip locked
    )
    update avee_updates set due_at = now() + ${leaseMs} * interval '1 millisecond'
    from due, avees
    where avee_updates.id = due.id and avees.id = avee_updates.avee_id
    returning avee_updates.*, avees.owner_id`.execute(db)
  return rows
}

/** Notes the document that an update is in the index as; false when the update was changed or deleted meanwhile. */
export async function noteIndexed(db: Db, update: UpdateRow, documentId: string): Promise<boolean> {
  const row = await db
    .updateTable('avee_updates')
    .set({ document_id: documentId, indexed_at: sql<Date>`now()` })
    .where('id', '=', update.id)
    .where(sql<boolean>`date_trunc('milliseconds', updated_at) = ${update.updated_at}`)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
