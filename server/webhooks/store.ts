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

/** An event of an avee. With `userId`, only for the webhooks of avees that this user owns. */
export type NewEvent = {
  aveeId: string
  event: WebhookEvent
  subject: string
  data: object
  userId?: string
}

/** Inserts a delivery of each event for each webhook, unless its subject already has one. Returns their ids. */
export async function insertDeliveries(trx: Trx, events: NewEvent[]): Promise<string[]> {
  const { rows: notified } = await sql<{ id: string; index: number }>`
    select webhooks.id, index
    from unnest(
      ${events.map((_, index) => index)}::int[],
      ${events.map(({ aveeId }) => aveeId)}::uuid[],
      ${events.map(({ event }) => event)}::text[],
      ${events.map(({ userId }) => userId ?? null)}::uuid[]
    ) as added (index, avee_id, event, user_id)
    join webhooks on webhooks.avee_id = added.avee_id and event = any(events)
    join avees on avees.id = webhooks.avee_id and owner_id = coalesce(user_id, owner_id)`.execute(trx)
  const deliveries = notified.flatMap(({ id, index }) => {
    const added = events[index]
    if (!added) return []
    const { event, subject, data } = added
    return [{ id: newId(), webhook_id: id, event, subject, data: JSON.stringify(data) }]
  })
  if (deliveries.length === 0) return []
  const inserted = await trx
    .insertInto('webhook_deliveries')
    .values(deliveries)
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
