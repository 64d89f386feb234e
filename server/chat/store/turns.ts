import { type Insertable, type QueryCreator, type RawBuilder, sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { AnswerDetails, CitedPassage, MessageStatus, Usage } from '../../../contract/messages.ts'
import type { Failure } from '../../../contract/runs.ts'
import type { ToolCall } from '../../../contract/tools.ts'
import { columnsOf, type Db, type Queries, type RowsTogether, type Tables, type Trx } from '../../db/index.ts'
import type { RunStatement } from '../../runs/index.ts'
import { conversationNotFound } from '../errors.ts'
import { updateConversation } from './conversations.ts'

/** Locks a conversation until the end of the transaction, so that its leaf does not change. */
function lockConversation(trx: Trx, id: string): Promise<{ leaf_id: string | null } | undefined> {
  return trx.selectFrom('conversations').select('leaf_id').where('id', '=', id).forUpdate().executeTakeFirst()
}

/**
 * The common table expressions that add a turn to a conversation, for a statement with the expression `run`, whose row
 * has the id of the run. Without `question`, the question is already stored; without `question.parentId`, it follows
 * the last message. @throws conversation_not_found
 */
export function turnExpressions(turn: {
  conversationId: string
  layer: Layer
  userMessageId: string
  messageId: string
  /** Makes the conversation local only. */
  localOnly: boolean
  /** The model that will answer, if known. */
  model: string | null
  modelReason: string | null
  question?:
    | { content: string; parentId: string | null | undefined; title: string; attachments: string[] }
    | undefined
}): RawBuilder<unknown> {
  const { conversationId, layer, userMessageId, messageId, question } = turn
  const parent = question?.parentId === undefined ? sql`leaf_id` : sql`${question.parentId}::uuid`
  // If the conversation no longer exists, a random id violates the foreign key, which is reported as
  // conversation_not_found.
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
          returning id, conversation_id, parent_id`
        : sql`select ${userMessageId}::uuid as id, ${lockedId} as conversation_id from run left join locked on true`
    }), answer as (
      insert into messages (id, conversation_id, layer_used, parent_id, content, role, status, run_id, model,
        model_reason)
      select ${messageId}, question.conversation_id, ${layer}, question.id, '', 'assistant', 'streaming', run.id,
        ${turn.model}, ${turn.modelReason}
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

/**
 * Adds a turn with a new question in the statement that stores its run, and reads `queries` there. `onRead` gets their
 * rows, unless the message before the question was stored or changed while the statement ran.
 */
export const turnStatement = <Each extends Queries>(
  turn: Parameters<typeof turnExpressions>[0],
  queries: Each,
  onRead: (rows: RowsTogether<Each>) => void,
): RunStatement => ({
  expressions: turnExpressions(turn),
  columns: [
    ...columnsOf(queries),
    sql<boolean>`(
      select question.parent_id is null or messages.status is distinct from 'streaming' and messages.id is not null
      from question left join messages on messages.id = question.parent_id)`.as('is_current'),
  ],
  onStored(row) {
    if ((row as { is_current: boolean }).is_current) onRead(row as RowsTogether<Each>)
  },
})

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

/** Stores the passages of an answer's prompt, so that a continuation after a crash keeps their numbers. */
export async function saveGrounding(
  db: Db,
  messageId: string,
  grounding: {
    citations: CitedPassage[]
    /** The documents of the answer that this one continues. */
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

/**
 * Stores the end of an answer, and updates the time of `conversationId`, if given. A finished answer does not change, so
 * that retries have no effect.
 */
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
    error?: Failure
    conversationId?: string
  },
): Promise<void> {
  const { conversationId } = end
  const query: QueryCreator<Tables> =
    conversationId === undefined
      ? db
      : db.with('conversation', (also) =>
          also.updateTable('conversations').set({ updated_at: new Date() }).where('id', '=', conversationId),
        )
  await query
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
