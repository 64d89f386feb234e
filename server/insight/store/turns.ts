import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { Db, Row, Trx } from '../../db/index.ts'

export type TurnRow = Row<'turn_insights'>
type Step = TurnRow['step']
type MessageRow = Row<'messages'>

export type NewTurn = {
  messageId: string
  questionId: string
  conversationId: string
  aveeId: string
  userId: string
  layer: Layer
}

/** Writes down that an answer is to be looked at, once. What its person had agreed to at this moment stays with it. */
export async function insertTurn(trx: Trx, turn: NewTurn): Promise<void> {
  await sql`
    insert into turn_insights (message_id, question_id, conversation_id, avee_id, user_id, layer, response_ms, may_share)
    select ${turn.messageId}, ${turn.questionId}, ${turn.conversationId}, ${turn.aveeId}, ${turn.userId}, ${turn.layer},
      (select (extract(epoch from clock_timestamp() - created_at) * 1000)::int from messages where id = ${turn.messageId}),
      exists (
        select from avee_sharing
        join sharing_choices on sharing_choices.avee_id = avee_sharing.avee_id
        where avee_sharing.avee_id = ${turn.aveeId} and avee_sharing.share_unanswered
          and sharing_choices.user_id = ${turn.userId} and sharing_choices.share
      ) or exists (select from avees where id = ${turn.aveeId} and owner_id = ${turn.userId})
    on conflict (message_id) do nothing`.execute(trx)
}

/** Takes up to `limit` turns that are due at a step; whoever does not finish within `leaseMs` loses them. */
export async function claimTurns(
  db: Db,
  step: Step,
  { limit, leaseMs, maxAttempts }: { limit: number; leaseMs: number; maxAttempts: number },
): Promise<TurnRow[]> {
  const { rows } = await sql<TurnRow>`
    with due as (
      select message_id from turn_insights
      where step = ${step} and due_at <= now()
      order by due_at limit ${limit}
      for update skip locked
    )
    update turn_insights set attempts = attempts + 1, due_at = now() + ${leaseMs} * interval '1 millisecond',
      step = case when attempts >= ${maxAttempts} then 'failed' else step end
    from due where turn_insights.message_id = due.message_id
    returning turn_insights.*`.execute(db)
  return rows.filter((row) => row.step === step)
}

export async function putOff(db: Db, messageId: string, ms: number): Promise<void> {
  await db
    .updateTable('turn_insights')
    .set({ due_at: new Date(Date.now() + ms) })
    .where('message_id', '=', messageId)
    .where('step', 'in', ['measure', 'ask_model'])
    .execute()
}

export type TurnFindings = Partial<
  Pick<
    TurnRow,
    'relevance' | 'engagement' | 'grounding' | 'answered' | 'measured_by' | 'documents' | 'step'
  > & {
    issues: TurnRow['issues']
    suggestions: TurnRow['suggestions']
    sentences: TurnRow['sentences']
    topics: TurnRow['topics']
    follow_ups: TurnRow['follow_ups']
  }
>

/** Stores what was found out; a step that is named is due at once, with all its attempts. */
export async function saveTurn(db: Db, messageId: string, found: TurnFindings): Promise<void> {
  const { issues, suggestions, sentences, topics, follow_ups, step, ...plain } = found
  const json = { issues, suggestions, sentences, topics, follow_ups }
  const texts = Object.entries(json).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, JSON.stringify(value)] as const],
  )
  await db
    .updateTable('turn_insights')
    .set({
      ...plain,
      ...Object.fromEntries(texts),
      ...(step === undefined ? {} : { step, attempts: 0, due_at: new Date() }),
    })
    .where('message_id', '=', messageId)
    .execute()
}

export async function findTurn(db: Db, messageId: string): Promise<TurnRow | undefined> {
  return await db
    .selectFrom('turn_insights')
    .selectAll()
    .where('message_id', '=', messageId)
    .executeTakeFirst()
}

/** The messages of a branch that ends in one, oldest first, at most so many. */
export async function branchUpTo(db: Db, messageId: string, limit: number): Promise<MessageRow[]> {
  return await branchQuery(db, messageId, limit).execute()
}

const branchQuery = (db: Db, leafId: string, limit: number) =>
  db
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

export type ConversationFacts = {
  id: string
  title: string | null
  title_by: 'auto' | 'user'
  leaf_id: string | null
  avee_id: string
  total: number
  /** Answers beside another to the same question. */
  regenerated: number
}

export async function conversationFacts(db: Db, id: string): Promise<ConversationFacts | undefined> {
  const { rows } = await sql<ConversationFacts>`
    select conversations.id, title, title_by, leaf_id, avee_id,
      (select count(*)::int from messages where conversation_id = conversations.id) as total,
      (select count(*)::int - count(distinct parent_id)::int from messages
        where conversation_id = conversations.id and role = 'assistant' and parent_id is not null) as regenerated
    from conversations where id = ${id}`.execute(db)
  return rows[0]
}

/** What was found of the turns of a branch, oldest first, with the thumb of whose conversation it is. */
export async function turnsOf(
  db: Db,
  messageIds: string[],
): Promise<(TurnRow & { vote: 'up' | 'down' | null })[]> {
  if (messageIds.length === 0) return []
  return await db
    .selectFrom('turn_insights')
    .leftJoin('message_feedback', (join) =>
      join
        .onRef('message_feedback.message_id', '=', 'turn_insights.message_id')
        .onRef('message_feedback.user_id', '=', 'turn_insights.user_id'),
    )
    .selectAll('turn_insights')
    .select('message_feedback.vote')
    .where(sql<boolean>`turn_insights.message_id = any(${messageIds}::uuid[])`)
    .orderBy('turn_insights.created_at')
    .orderBy('turn_insights.message_id')
    .execute()
}
