import { sql } from 'kysely'
import { type Layer, layers } from '../../../contract/layers.ts'
import type { CitedPassage } from '../../../contract/messages.ts'
import { type Db, likePatterns, type Row } from '../../db/index.ts'

export type MessageRow = Row<'messages'>

const maxInteger = 2 ** 31 - 1

/**
 * Matches answers that quote a deleted document or one above the viewer's layer. The SQL equivalent of `showContent`.
 */
export const quotesHidden = sql<boolean>`messages.model = 'extractive' and exists (
  select from unnest(messages.documents) as quoted (id) left join documents on documents.id = quoted.id
  where documents.id is null
    or array_position(${layers}::text[], documents.layer) > array_position(${layers}::text[], avees.layer))`

/**
 * Matches rows whose documents, listed in a column, all exist in one of these layers. The SQL equivalent of
 * `areVisible`.
 */
const hasVisibleDocuments = (column: string, visible: Layer[]) => sql<boolean>`not exists (
  select from unnest(${sql.ref(column)}) as used (id) left join documents on documents.id = used.id
  where documents.id is null or documents.layer <> all(${visible}::text[]))`

export function findMessage(db: Db, id: string): Promise<MessageRow | undefined> {
  return db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Returns the ids and parents of all messages of a conversation, oldest first. */
export function listNodes(
  db: Db,
  conversationId: string,
): Promise<{ id: string; parentId: string | null }[]> {
  return db
    .selectFrom('messages')
    .select(['id', 'parent_id as parentId'])
    .where('conversation_id', '=', conversationId)
    .orderBy('seq')
    .execute()
}

/** Returns up to `limit` messages of the branch that ends in `leafId`, oldest first. */
export async function listBranch(db: Db, leafId: string, limit: number): Promise<MessageRow[]> {
  const { rows } = await sql<MessageRow>`
    with recursive branch as (
      select id, parent_id, 1 as depth from messages where id = ${leafId}
      union all
      select messages.id, messages.parent_id, depth + 1
      from branch join messages on messages.id = branch.parent_id where depth < ${limit}
    )
    select messages.* from branch join messages on messages.id = branch.id order by depth desc`.execute(db)
  return rows
}

/** Returns the ids of the branch that ends in `leafId`, or of its last `limit` messages, newest first. */
export async function listBranchIds(db: Db, leafId: string, limit = maxInteger): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive branch as (
      select id, parent_id, 1 as depth from messages where id = ${leafId}
      union all
      select messages.id, messages.parent_id, depth + 1
      from branch join messages on messages.id = branch.parent_id where depth < ${limit}
    )
    select id from branch order by depth`.execute(db)
  return rows.map(({ id }) => id)
}

/** Returns messages by creation, which is also their order in a branch. */
export async function listMessagesById(db: Db, ids: string[]): Promise<MessageRow[]> {
  return await db
    .selectFrom('messages')
    .selectAll()
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .orderBy('seq')
    .execute()
}

/** Returns the ids of the messages of all branches that contain a text which a viewer of `layer` may see. */
export async function findMessagesWith(
  db: Db,
  conversationId: string,
  layer: Layer,
  text: string,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select messages.id from messages, (select ${layer} as layer) as avees
    where conversation_id = ${conversationId} and messages.content ilike any(${likePatterns(text)})
      and (${quotesHidden}) is not true`.execute(db)
  return rows.map(({ id }) => id)
}

/** A message above a question, with the summary of the branch up to this message if there is one. */
export type HistoryRow = {
  id: string
  role: MessageRow['role']
  content: string
  /** False for a message without text, an answer of a wider layer, and one with a document that is not visible. */
  is_visible: boolean
  summary: string | null
}

/**
 * Selects up to `limit` messages above a question in its branch, oldest first, as they are visible in these layers. A
 * null id means the question that the statement itself inserts.
 */
export const selectHistory = (questionId: string | null, visible: Layer[], limit: number) => sql<HistoryRow>`(
  with recursive branch as (
    select parent_id as id, 1 as depth from ${questionId === null ? sql`question` : sql`messages where id = ${questionId}`}
    union all
    select messages.parent_id, depth + 1 from branch join messages on messages.id = branch.id where depth < ${limit}
  )
  select messages.id, messages.role, messages.content, summaries.content as summary,
    messages.content <> '' and messages.status <> 'streaming'
      and (messages.role = 'user' or messages.layer_used = any(${visible}::text[]))
      and ${hasVisibleDocuments('messages.documents', visible)} as is_visible
  from branch
  join messages on messages.id = branch.id
  left join conversation_summaries as summaries on summaries.message_id = messages.id
    and summaries.layer = any(${visible}::text[]) and ${hasVisibleDocuments('summaries.documents', visible)}
  order by depth desc)`

/** Counts the messages of a conversation, and its answers beyond the first one to the same question. */
export async function countMessages(
  db: Db,
  conversationId: string,
): Promise<{ total: number; regenerated: number; cost: number | null }> {
  const { rows } = await sql<{ total: number; regenerated: number; cost: number | null }>`
    select count(*)::int as total, sum((details ->> 'cost')::float8) as cost,
      (count(*) filter (where role = 'assistant' and parent_id is not null)
        - count(distinct parent_id) filter (where role = 'assistant'))::int as regenerated
    from messages where conversation_id = ${conversationId}`.execute(db)
  return rows[0] ?? { total: 0, regenerated: 0, cost: null }
}

/** Returns the attachments of the questions of a conversation. */
export async function listSentAttachments(db: Db, conversationId: string): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select distinct unnest(attachments) as id from messages
    where conversation_id = ${conversationId} and attachments <> '{}'`.execute(db)
  return new Set(rows.map(({ id }) => id))
}

/** Returns which of these messages have attachments, the latest first. */
export async function listAttachments(
  db: Db,
  messageIds: string[],
): Promise<Pick<MessageRow, 'id' | 'attachments'>[]> {
  if (messageIds.length === 0) return []
  return await db
    .selectFrom('messages')
    .select(['id', 'attachments'])
    .where(sql<boolean>`id = any(${messageIds}::uuid[]) and attachments <> '{}'`)
    .orderBy('seq', 'desc')
    .execute()
}

/** Returns all messages of a conversation, oldest first. */
export function listMessages(db: Db, conversationId: string): Promise<MessageRow[]> {
  return db
    .selectFrom('messages')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .orderBy('seq')
    .execute()
}

/** Returns, for each message, the ids with the same parent and role, oldest first. */
export async function listSiblings(db: Db, messages: MessageRow[]): Promise<Map<string, string[]>> {
  const first = messages[0]
  if (!first) return new Map()
  const parents = messages.flatMap((message) => message.parent_id ?? [])
  const rows = await db
    .selectFrom('messages')
    .select(['id', 'parent_id', 'role'])
    .where('conversation_id', '=', first.conversation_id)
    .where((eb) =>
      eb.or([eb('parent_id', 'is', null), ...(parents.length > 0 ? [eb('parent_id', 'in', parents)] : [])]),
    )
    .orderBy('seq')
    .execute()
  const key = (row: { parent_id: string | null; role: string }) => `${row.parent_id ?? ''} ${row.role}`
  const groups = Map.groupBy(rows, key)
  return new Map(
    messages.map((message) => [message.id, (groups.get(key(message)) ?? []).map((row) => row.id)]),
  )
}

/** Lists ended answers based on one of these documents, after the message `seq`. */
export async function listQuoting(
  db: Db,
  documents: string[],
  after: string,
  limit: number,
): Promise<MessageRow[]> {
  return await db
    .selectFrom('messages')
    .selectAll()
    .where(sql<boolean>`documents && ${documents}::uuid[]`)
    .where('seq', '>', after)
    .where('status', '<>', 'streaming')
    .orderBy('seq')
    .limit(limit)
    .execute()
}

export async function saveWithoutQuotations(
  db: Db,
  id: string,
  content: string,
  citations: CitedPassage[],
): Promise<void> {
  await db
    .updateTable('messages')
    .set({ content, citations: JSON.stringify(citations) })
    .where('id', '=', id)
    .execute()
}
