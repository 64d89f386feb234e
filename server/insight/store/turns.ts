import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db, Row, Trx } from '../../db/index.ts'

export type TurnRow = Row<'turn_insights'>

export type NewTurn = {
  messageId: string
  questionId: string
  conversationId: string
  aveeId: string
  userId: string
  layer: Layer
}

/** Records a turn once. `may_share` is the user's consent at the time of the turn. */
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

/** Moves the turns of a user to another user. */
export async function transferTurns(trx: Trx, { from, to }: { from: string; to: string }): Promise<void> {
  for (const table of ['turn_insights', 'unanswered_questions'] as const)
    await trx.updateTable(table).set({ user_id: to }).where('user_id', '=', from).execute()
}

/** Stores the analysis of a turn. */
export async function saveTurn(
  db: Db,
  messageId: string,
  { issues, suggestions, sentences, topics, follow_ups, ...scalars }: Partial<Omit<TurnRow, 'created_at'>>,
): Promise<void> {
  const changes = {
    ...scalars,
    issues: JSON.stringify(issues),
    suggestions: JSON.stringify(suggestions),
    sentences: JSON.stringify(sentences),
    topics: JSON.stringify(topics),
    follow_ups: JSON.stringify(follow_ups),
  }
  await db.updateTable('turn_insights').set(changes).where('message_id', '=', messageId).execute()
}

/** Returns a turn, and whether it is local only: nothing from it may be sent to a model outside the private network. */
export const findTurn = (
  db: Db,
  messageId: string,
): Promise<(TurnRow & { isLocalOnly: boolean }) | undefined> =>
  db
    .selectFrom('turn_insights')
    .selectAll()
    .select(
      sql<boolean>`coalesce((select local_only from avees where id = avee_id)
        or coalesce((select local_only from all_conversations where id = conversation_id), false), true)`.as(
        'isLocalOnly',
      ),
    )
    .where('message_id', '=', messageId)
    .executeTakeFirst()

/** Lists the recorded turns among these answers, oldest first, with the user's vote. */
export const turnsOf = (db: Db, messageIds: string[]) =>
  db
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

/** Deletes the findings of turns that come from one of these documents; their scores remain. */
export async function deleteFindingsOf(db: Db, documents: string[]): Promise<void> {
  const none = '[]'
  await db
    .updateTable('turn_insights')
    .set({ sentences: none, issues: none, suggestions: none, topics: none, follow_ups: none })
    .where(sql<boolean>`sources && ${documents}::uuid[]`)
    .execute()
}
