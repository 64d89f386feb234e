import { sql } from 'kysely'
import type { Vote } from '../../../contract/insight.ts'
import type { Db } from '../../db/index.ts'

export type FeedbackRow = { message_id: string; vote: Vote; note: string }

/** Sets or changes a vote; null deletes it. Without a note, an earlier one is kept. */
export async function putFeedback(
  db: Db,
  {
    messageId,
    userId,
    vote,
    note,
  }: { messageId: string; userId: string; vote: Vote | null; note: string | undefined },
): Promise<FeedbackRow | undefined> {
  if (vote === null) {
    await db
      .deleteFrom('message_feedback')
      .where('message_id', '=', messageId)
      .where('user_id', '=', userId)
      .execute()
    return undefined
  }
  return await db
    .insertInto('message_feedback')
    .values({ message_id: messageId, user_id: userId, vote, note: note ?? '', updated_at: new Date() })
    .onConflict((conflict) =>
      conflict
        .columns(['message_id', 'user_id'])
        .doUpdateSet({ vote, updated_at: new Date(), ...(note === undefined ? {} : { note }) }),
    )
    .returning(['message_id', 'vote', 'note'])
    .executeTakeFirstOrThrow()
}

export async function feedbackIn(db: Db, conversationId: string, userId: string): Promise<FeedbackRow[]> {
  return await db
    .selectFrom('message_feedback')
    .innerJoin('messages', 'messages.id', 'message_feedback.message_id')
    .select(['message_feedback.message_id', 'vote', 'note'])
    .where('messages.conversation_id', '=', conversationId)
    .where('user_id', '=', userId)
    .orderBy(sql`message_feedback.message_id`)
    .execute()
}
