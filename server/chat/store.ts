import { type ExpressionBuilder, type Insertable, type RawBuilder, sql, type Updateable } from 'kysely'
import * as z from 'zod/mini'
import type { AnswerDetails, CitedPassage, MessageStatus, Usage } from '../../contract/chat.ts'
import { type Layer, layers } from '../../contract/layers.ts'
import type { ToolCall } from '../../contract/tools.ts'
import { visibleAvees } from '../avees/index.ts'
import { type Db, likePatterns, type Row, type Tables, type Trx } from '../db/index.ts'
import { conversationNotFound } from './errors.ts'

/** A conversation of a user with an avee that they may see, up to `viewer_layer`. */
export type ConversationRow = Row<'conversations'> & {
  viewer_layer: Layer
  avee_handle: string
  avee_display_name: string
  running_run_id: string | null
  preview: string | null
  restorable_until: Date | null
}
export type MessageRow = Row<'messages'>

const previewCharacters = 140
/** An excerpt begins this many characters before the word. */
const excerptLead = 24
const maxRowsPerInsert = 500
const maxInteger = 2 ** 31 - 1

/** Matches answers that quote a document which was deleted or is above the viewer's layer; `showContent` in SQL. */
const quotesHidden = sql<boolean>`messages.model = 'extractive' and exists (
  select from unnest(messages.documents) as quoted (id) left join documents on documents.id = quoted.id
  where documents.id is null
    or array_position(${layers}::text[], documents.layer) > array_position(${layers}::text[], avees.layer))`

/** Matches texts of a column of documents that all exist in one of these layers; `areVisible` in SQL. */
const hasVisibleDocuments = (column: string, visible: Layer[]) => sql<boolean>`not exists (
  select from unnest(${sql.ref(column)}) as used (id) left join documents on documents.id = used.id
  where documents.id is null or documents.layer <> all(${visible}::text[]))`

const restorableUntil = sql<Date | null>`(
  select restorable_until from deletions where deletions.id = conversations.deletion_id)`

/** Conversations with avees that the user may see, also those in the trash. */
const visibleConversations = (db: Db, userId: string) =>
  db
    .selectFrom('all_conversations as conversations')
    .innerJoin(visibleAvees(db, userId).as('avees'), 'avees.id', 'conversations.avee_id')
    .where('conversations.user_id', '=', userId)
    .selectAll('conversations')
    .select((eb) => [
      restorableUntil.as('restorable_until'),
      'avees.layer as viewer_layer',
      'avees.handle as avee_handle',
      'avees.display_name as avee_display_name',
      eb
        .selectFrom('runs')
        .select('runs.id')
        .whereRef('runs.subject', '=', sql<string>`conversations.id::text`)
        .where('runs.kind', '=', 'chat')
        .where('runs.status', '=', 'running')
        .as('running_run_id'),
      eb
        .selectFrom('messages')
        .select(sql<string>`left(messages.content, ${sql.lit(previewCharacters)})`.as('preview'))
        .whereRef('messages.id', '=', 'conversations.leaf_id')
        .where(sql<boolean>`(${quotesHidden}) is not true`)
        .as('preview'),
    ])

/** Counts the conversations of a user, or those in the trash. */
export async function countConversations(db: Db, userId: string, inTrash = false): Promise<number> {
  const { count } = await db
    .selectFrom('all_conversations')
    .where('deletion_id', inTrash ? 'is not' : 'is', null)
    .where('user_id', '=', userId)
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertConversation(
  db: Db,
  conversation: Omit<Insertable<Tables['conversations']>, 'updated_at'>,
): Promise<void> {
  await db
    .insertInto('conversations')
    .values({ ...conversation, updated_at: new Date() })
    .execute()
}

/** Finds a conversation of a user with an avee that they may see. */
export function findConversation(db: Db, userId: string, id: string): Promise<ConversationRow | undefined> {
  return visibleConversations(db, userId)
    .where('conversations.id', '=', id)
    .where('conversations.deletion_id', 'is', null)
    .executeTakeFirst()
}

/** Finds such a conversation, also one in the trash. */
export function findStoredConversation(
  db: Db,
  userId: string,
  id: string,
): Promise<ConversationRow | undefined> {
  return visibleConversations(db, userId).where('conversations.id', '=', id).executeTakeFirst()
}

/** Returns whether the title was generated; undefined when the conversation does not exist. */
export async function hasAutoTitle(db: Db, id: string): Promise<boolean | undefined> {
  const row = await db.selectFrom('conversations').select('title_by').where('id', '=', id).executeTakeFirst()
  return row && row.title_by === 'auto'
}

/** Locks a conversation until the end of the transaction, so that its leaf does not change. */
function lockConversation(trx: Trx, id: string): Promise<{ leaf_id: string | null } | undefined> {
  return trx.selectFrom('conversations').select('leaf_id').where('id', '=', id).forUpdate().executeTakeFirst()
}

export type ConversationFilter = {
  userId: string
  aveeId?: string | undefined
  archived: boolean
  /** Those in the trash instead, archived or not. */
  inTrash?: boolean | undefined
  query?: string | undefined
  limit: number
  after?: z.infer<typeof conversationPosition> | undefined
}
/** The last conversation of a page: pinned ones come first, then the most recent. */
export const conversationPosition = z.object({
  pinned: z.boolean(),
  updatedAt: z.iso.datetime(),
  id: z.uuid(),
})

/** Lists conversations; with a query, `preview` is from the latest message that contains its first word. */
export async function listConversations(db: Db, filter: ConversationFilter): Promise<ConversationRow[]> {
  const visible = visibleConversations(db, filter.userId)
  let query = filter.inTrash
    ? visible.where(sql<boolean>`${restorableUntil} > now()`)
    : visible
        .where('conversations.deletion_id', 'is', null)
        .where('conversations.archived', '=', filter.archived)
  if (filter.aveeId) query = query.where('conversations.avee_id', '=', filter.aveeId)
  const words = wordsOf(filter.query)
  for (const word of words) query = query.where((eb) => containsWord(eb, word))
  if (filter.after) {
    const { pinned, updatedAt, id } = filter.after
    query = query.where(
      sql<boolean>`(conversations.pinned, conversations.updated_at, conversations.id) < (${pinned}, ${updatedAt}::timestamptz, ${id}::uuid)`,
    )
  }
  const rows = await query
    .select(excerptAround(words[0]).as('excerpt'))
    .orderBy('conversations.pinned', 'desc')
    .orderBy('conversations.updated_at', 'desc')
    .orderBy('conversations.id', 'desc')
    .limit(filter.limit)
    .execute()
  return rows.map(({ excerpt, ...row }) => ({ ...row, preview: excerpt ?? row.preview }))
}

/** The part around a word of the latest message that contains it. */
const excerptAround = (word: string | undefined) =>
  word === undefined
    ? sql<string | null>`null`
    : sql<string | null>`(
        select substr(messages.content, greatest(1, strpos(lower(messages.content), lower(${word})) - ${sql.lit(excerptLead)}),
          ${sql.lit(previewCharacters)})
        from messages
        where messages.conversation_id = conversations.id
          and messages.content ilike any(${likePatterns(word)}) and (${quotesHidden}) is not true
        order by messages.seq desc limit 1)`

const wordsOf = (query: string | undefined) => (query ?? '').split(/\s+/).filter(Boolean).slice(0, 8)

/** Matches conversations whose title or messages contain a word, in any script. */
function containsWord(
  eb: ExpressionBuilder<Pick<Tables, 'conversations' | 'messages'>, 'conversations'>,
  word: string,
) {
  const patterns = likePatterns(word)
  return eb.or([
    sql<boolean>`conversations.title ilike any(${patterns})`,
    eb.exists(
      eb
        .selectFrom('messages')
        .select(sql.lit(1).as('one'))
        .whereRef('messages.conversation_id', '=', 'conversations.id')
        .where(sql<boolean>`messages.content ilike any(${patterns})`)
        .where(sql<boolean>`(${quotesHidden}) is not true`),
    ),
  ])
}

/**
 * Returns the titles of conversations of a user with an avee: of those with these ids, and of the latest whose title
 * contains the words of a query (`hasWords`) and that were last changed in the period.
 */
export async function findTitles(
  db: Db,
  which: {
    userId: string
    aveeId: string
    layers: Layer[]
    ids: string[]
    query: string
    from?: Date | undefined
    to?: Date | undefined
    limit: number
  },
) {
  const hasWords = sql<boolean>`(layer_used = any(${which.layers}::text[])
    and updated_at >= coalesce(${which.from ?? null}::timestamptz, '-infinity')
    and updated_at < coalesce(${which.to ?? null}::timestamptz, 'infinity')
    and ${sql.join(
      wordsOf(which.query).map((word) => sql`title ilike any(${likePatterns(word)})`),
      sql` and `,
    )}) is true`
  const rows = await db
    .selectFrom('conversations')
    .select(['id', 'title', 'layer_used as layer', 'updated_at as updatedAt', hasWords.as('hasWords')])
    .where('user_id', '=', which.userId)
    .where('avee_id', '=', which.aveeId)
    .where((eb) => eb.or([sql<boolean>`id = any(${which.ids}::uuid[])`, hasWords]))
    .orderBy(sql`id = any(${which.ids}::uuid[])`, 'desc')
    .orderBy('updated_at', 'desc')
    .limit(new Set(which.ids).size + which.limit)
    .execute()
  return new Map(rows.map(({ id, ...row }) => [id, row]))
}

export async function updateConversation(
  db: Db,
  id: string,
  changes: Updateable<Tables['conversations']>,
): Promise<void> {
  if (Object.values(changes).every((value) => value === undefined)) return
  await db.updateTable('conversations').set(changes).where('id', '=', id).execute()
}

/** Gives all conversations of a user to another. Returns how many. */
export async function transferConversations(
  trx: Trx,
  { from, to }: { from: string; to: string },
): Promise<number> {
  const moved = trx.updateTable('all_conversations').set({ user_id: to }).where('user_id', '=', from)
  return Number((await moved.executeTakeFirst()).numUpdatedRows)
}

/** Sets a generated title, unless a user has set one. */
export async function setAutoTitle(db: Db, id: string, title: string): Promise<void> {
  await db
    .updateTable('conversations')
    .set({ title })
    .where('id', '=', id)
    .where('title_by', '=', 'auto')
    .execute()
}

/** Deletes a conversation, also from the trash. */
export async function deleteConversation(db: Db, id: string): Promise<void> {
  await db.deleteFrom('all_conversations').where('id', '=', id).execute()
}

/** Moves a conversation to the trash, or out of it. Returns false if it was there, or was not. */
export async function setDeletion(
  trx: Trx,
  { id, from, to }: { id: string; from: string | null; to: string | null },
): Promise<boolean> {
  const moved = trx.updateTable('all_conversations').set({ deletion_id: to }).where('id', '=', id)
  const { numUpdatedRows } = await moved.where('deletion_id', 'is not distinct from', from).executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Deletes what a deletion has moved to the trash. */
export async function deleteTrash(trx: Trx, deletionId: string): Promise<void> {
  await trx.deleteFrom('all_conversations').where('deletion_id', '=', deletionId).execute()
}

/**
 * The common table expressions that add a turn to a conversation, for a statement with the expression `run`, whose row
 * has the id of the run. Without `question` the question is stored already; without `question.parentId` it follows the
 * last message. @throws conversation_not_found
 */
export function turnExpressions(turn: {
  conversationId: string
  layer: Layer
  userMessageId: string
  messageId: string
  /** Makes the conversation local only. */
  localOnly: boolean
  question?:
    | { content: string; parentId: string | null | undefined; title: string; attachments: string[] }
    | undefined
}): RawBuilder<unknown> {
  const { conversationId, layer, userMessageId, messageId, question } = turn
  const parent = question?.parentId === undefined ? sql`leaf_id` : sql`${question.parentId}::uuid`
  // If the conversation is gone, a random id violates the foreign key, which is reported as conversation_not_found.
  const lockedId = sql`coalesce(locked.id, gen_random_uuid())`
  // Under the lock, the leaf is the last message: an owner's reply may have arrived since the request.
  return sql`
    locked as (
      select id, leaf_id from conversations where id = ${conversationId} and exists (select from run) for update
    ), question as (${
      question
        ? sql`
          insert into messages (id, conversation_id, layer_used, parent_id, content, role, status, attachments)
          select ${userMessageId}, ${lockedId}, ${layer}, ${parent}, ${question.content}, 'user', 'complete',
            ${question.attachments}::uuid[]
          from run left join locked on true
          returning id, conversation_id`
        : sql`select ${userMessageId}::uuid as id, ${lockedId} as conversation_id from run left join locked on true`
    }), answer as (
      insert into messages (id, conversation_id, layer_used, parent_id, content, role, status, run_id)
      select ${messageId}, question.conversation_id, ${layer}, question.id, '', 'assistant', 'streaming', run.id
      from question, run
      returning id
    ), changed as (
      update conversations
      set leaf_id = answer.id, layer_used = ${layer}, updated_at = ${new Date()},
        local_only = local_only or ${turn.localOnly},
        title = coalesce(title, ${question?.title ?? null})
      from answer where conversations.id = ${conversationId}
    )`
}

/** Adds a turn of an existing run to a conversation in the same transaction. */
export async function insertTurn(
  trx: Trx,
  runId: string,
  turn: Parameters<typeof turnExpressions>[0],
): Promise<void> {
  await sql`with run as (select ${runId}::uuid as id), ${turnExpressions(turn)} select from run`.execute(trx)
}

async function insertMessage(db: Db, message: Insertable<Tables['messages']>): Promise<void> {
  await db.insertInto('messages').values(message).execute()
}

/** Returns those of these conversations that exist, also in the trash. */
export async function findExisting(db: Db, ids: string[]): Promise<Set<string>> {
  const matching = db
    .selectFrom('all_conversations')
    .select('id')
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
  return new Set((await matching.execute()).map(({ id }) => id))
}

/** Inserts a conversation with its messages, parents before their children. */
export async function insertImported(
  trx: Trx,
  { leaf_id, ...conversation }: Insertable<Tables['all_conversations']>,
  messages: Insertable<Tables['messages']>[],
): Promise<void> {
  await trx.insertInto('all_conversations').values(conversation).execute()
  for (let i = 0; i < messages.length; i += maxRowsPerInsert)
    await trx
      .insertInto('messages')
      .values(messages.slice(i, i + maxRowsPerInsert))
      .execute()
  await trx.updateTable('all_conversations').set({ leaf_id }).where('id', '=', conversation.id).execute()
}

/** Appends a message of the avee's owner to the selected branch. */
export async function insertOwnerReply(
  trx: Trx,
  reply: { id: string; conversationId: string; text: string; layer: Layer; reason: string },
): Promise<void> {
  const conversation = await lockConversation(trx, reply.conversationId)
  if (!conversation) throw conversationNotFound()
  await insertMessage(trx, {
    id: reply.id,
    conversation_id: reply.conversationId,
    parent_id: conversation.leaf_id,
    role: 'assistant',
    content: reply.text,
    status: 'complete',
    layer_used: reply.layer,
    model_reason: reply.reason,
  })
  await updateConversation(trx, reply.conversationId, { leaf_id: reply.id, updated_at: new Date() })
}

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
  return await db
    .withRecursive('branch', (qb) =>
      qb
        .selectFrom('messages')
        .select(['messages.id', 'messages.parent_id', sql<number>`1`.as('depth')])
        .where('messages.id', '=', leafId)
        .unionAll((recursive) =>
          recursive
            .selectFrom('messages')
            .innerJoin('branch', 'branch.parent_id', 'messages.id')
            .select(['messages.id', 'messages.parent_id', sql<number>`branch.depth + 1`.as('depth')])
            .where('branch.depth', '<', limit),
        ),
    )
    .selectFrom('branch')
    .innerJoin('messages', 'messages.id', 'branch.id')
    .selectAll('messages')
    .orderBy('branch.depth', 'desc')
    .execute()
}

/** Returns the ids of the branch that ends in `leafId`, or of its last `limit` messages, from the end on. */
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

/** Returns messages in the order of their creation, which is that of a branch. */
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

/** Selects up to `limit` messages above a question in its branch, oldest first, as they are visible in these layers. */
export const selectHistory = (questionId: string, visible: Layer[], limit: number) => sql<HistoryRow>`(
  with recursive branch as (
    select parent_id as id, 1 as depth from messages where id = ${questionId}
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
): Promise<{ total: number; regenerated: number }> {
  const { rows } = await sql<{ total: number; regenerated: number }>`
    select count(*)::int as total,
      (count(*) filter (where role = 'assistant' and parent_id is not null)
        - count(distinct parent_id) filter (where role = 'assistant'))::int as regenerated
    from messages where conversation_id = ${conversationId}`.execute(db)
  return rows[0] ?? { total: 0, regenerated: 0 }
}

/** Returns those of these messages that have attachments, the latest first. */
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

/** Returns the documents that these answers rest on, by message. */
export async function listDocuments(
  db: Db,
  messageIds: string[],
): Promise<Pick<MessageRow, 'id' | 'documents'>[]> {
  if (messageIds.length === 0) return []
  return await db
    .selectFrom('messages')
    .select(['id', 'documents'])
    .where(sql<boolean>`id = any(${messageIds}::uuid[])`)
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

/** Stores the passages that an answer is given, so that a continuation after a crash keeps their numbers. */
export async function saveGrounding(
  db: Db,
  messageId: string,
  grounding: {
    citations: CitedPassage[]
    /** Those of the answer that this one continues. */
    documents: string[]
    model: string
    reason: string
    layer: Layer
  },
): Promise<void> {
  await db
    .updateTable('messages')
    .set({
      citations: JSON.stringify(grounding.citations),
      documents: [
        ...new Set([...grounding.documents, ...grounding.citations.map(({ document_id }) => document_id)]),
      ],
      model: grounding.model,
      model_reason: grounding.reason,
      layer_used: grounding.layer,
    })
    .where('id', '=', messageId)
    .where('status', '=', 'streaming')
    .execute()
}

/** Stores the end of an answer. A finished answer does not change, so that retries have no effect. */
export async function finishMessage(
  db: Db,
  messageId: string,
  end: {
    content: string
    status: Exclude<MessageStatus, 'streaming'>
    citations: CitedPassage[]
    toolCalls: ToolCall[]
    usage?: Usage
    finishReason?: string
    reasoning: string
    model?: string
    details?: AnswerDetails
    error?: { code: string; message: string }
  },
): Promise<void> {
  await db
    .updateTable('messages')
    .set({
      content: end.content,
      status: end.status,
      citations: JSON.stringify(end.citations),
      tool_calls: JSON.stringify(end.toolCalls),
      usage: end.usage ? JSON.stringify(end.usage) : null,
      finish_reason: end.finishReason ?? null,
      reasoning: end.reasoning === '' ? null : end.reasoning,
      details: end.details ? JSON.stringify(end.details) : null,
      ...(end.model !== undefined && { model: end.model }),
      error: end.error ? JSON.stringify(end.error) : null,
    })
    .where('id', '=', messageId)
    .where('status', '=', 'streaming')
    .execute()
}

/** Lists ended answers that rest on one of these documents, from the message after `seq` on. */
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
