import { sql } from 'kysely'
import type { Db, Row } from '../../db/index.ts'

export type SummaryRow = Row<'conversation_summaries'>

/** Lists the summaries that end with one of these messages, in the order of the messages. */
export async function summariesAt(db: Db, messageIds: string[]): Promise<SummaryRow[]> {
  const rows = await db
    .selectFrom('conversation_summaries')
    .selectAll()
    .where(sql<boolean>`message_id = any(${messageIds}::uuid[])`)
    .execute()
  const place = new Map(messageIds.map((id, index) => [id, index]))
  return rows.toSorted((a, b) => (place.get(a.message_id) ?? 0) - (place.get(b.message_id) ?? 0))
}

/** Deletes summaries based on one of these documents; they are rewritten when needed. */
export async function deleteSummariesOf(db: Db, documents: string[]): Promise<void> {
  await db
    .deleteFrom('conversation_summaries')
    .where(sql<boolean>`documents && ${documents}::uuid[]`)
    .execute()
}

/** Stores a summary, replacing the one that ended with the same message; does nothing if that message was deleted. */
export async function putSummary(db: Db, summary: Omit<SummaryRow, 'created_at'>): Promise<void> {
  const { message_id, conversation_id, layer, content, made_by, documents } = summary
  await sql`
    insert into conversation_summaries (message_id, conversation_id, layer, content, made_by, documents)
    select ${message_id}, ${conversation_id}, ${layer}, ${content}, ${made_by}, ${documents}::uuid[]
    where exists (select from messages where id = ${message_id})
    on conflict (message_id) do update
      set layer = excluded.layer, content = excluded.content, made_by = excluded.made_by,
        documents = excluded.documents, created_at = now()`.execute(db)
}
