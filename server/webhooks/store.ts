import { sql } from 'kysely'
import type { WebhookEvent } from '../../contract/webhooks.ts'
import { type Db, newId, type Row, type Trx } from '../db/index.ts'

export type WebhookRow = Row<'webhooks'>

export const listWebhooks = (db: Db, aveeId: string): Promise<WebhookRow[]> =>
  db.selectFrom('webhooks').selectAll().where('avee_id', '=', aveeId).orderBy('id').execute()

export const insertWebhook = (db: Db, webhook: Omit<WebhookRow, 'created_at'>): Promise<WebhookRow> =>
  db.insertInto('webhooks').values(webhook).returningAll().executeTakeFirstOrThrow()

export const findWebhook = (db: Db, id: string): Promise<WebhookRow | undefined> =>
  db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()

export async function deleteWebhook(db: Db, id: string): Promise<void> {
  await db.deleteFrom('webhooks').where('id', '=', id).execute()
}

/**
 * Inserts a delivery for each webhook of the avee with this event, unless the subject already has one. Returns their
 * ids. With `userId`, only if that user owns the avee.
 */
export async function insertDeliveries(
  trx: Trx,
  event: { aveeId: string; event: WebhookEvent; subject: string; data: object; userId?: string },
): Promise<string[]> {
  const { rows: notified } = await sql<{ id: string }>`
    select webhooks.id from webhooks join avees on avees.id = webhooks.avee_id
    where avee_id = ${event.aveeId}::uuid and ${event.event} = any(events)
      and owner_id = coalesce(${event.userId ?? null}::uuid, owner_id)`.execute(trx)
  if (notified.length === 0) return []
  const { event: name, subject } = event
  const data = JSON.stringify(event.data)
  const inserted = await trx
    .insertInto('webhook_deliveries')
    .values(notified.map((webhook) => ({ id: newId(), webhook_id: webhook.id, event: name, subject, data })))
    .onConflict((on) => on.doNothing())
    .returning('id')
    .execute()
  return inserted.map(({ id }) => id)
}

export type PendingDelivery = Pick<Row<'webhook_deliveries'>, 'id' | 'event' | 'data' | 'created_at'> &
  Pick<WebhookRow, 'url' | 'secret'> & { webhook_id: string }

export const findPending = (db: Db, id: string): Promise<PendingDelivery | undefined> =>
  db
    .selectFrom('webhook_deliveries')
    .innerJoin('webhooks', 'webhooks.id', 'webhook_deliveries.webhook_id')
    .select([
      'webhook_deliveries.id',
      'webhook_id',
      'event',
      'data',
      'webhook_deliveries.created_at',
      'url',
      'secret',
    ])
    .where('webhook_deliveries.id', '=', id)
    .where('status', '=', 'pending')
    .executeTakeFirst()

export async function updateDelivery(
  db: Db,
  id: string,
  attempt: {
    status: 'pending' | 'delivered' | 'failed'
    attempts: number
    response_status: number | null
    error: string | null
  },
): Promise<void> {
  const finished_at = attempt.status === 'pending' ? null : new Date()
  await db
    .updateTable('webhook_deliveries')
    .set({ ...attempt, finished_at })
    .where('id', '=', id)
    .execute()
}

export const listDeliveries = (db: Db, webhookId: string, limit: number) =>
  db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()

export async function deleteOldDeliveries(db: Db, days: number): Promise<void> {
  await db
    .deleteFrom('webhook_deliveries')
    .where('created_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .execute()
}
