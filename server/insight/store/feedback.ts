import { sql } from 'kysely'
import type { Vote } from '../../../contract/insight.ts'
import type { Db } from '../../db/index.ts'

export type FeedbackRow = { message_id: string; vote: Vote; note: string }

/** Sets or changes a vote; null deletes it. Without a note, an earlier one is kept. */
export async function putFeedback(
  db: Db,
  key: { message_id: string; user_id: string },
  { vote, note }: { vote: Vote | null; note?: string | undefined },
): Promise<FeedbackRow | undefined> {
  if (vote === null) {
    const { message_id, user_id } = key
    const given = db.deleteFrom('message_feedback').where('message_id', '=', message_id)
    await given.where('user_id', '=', user_id).execute()
    return undefined
  }
  const feedback = { vote, note, updated_at: new Date() }
  return await db
    .insertInto('message_feedback')
    .values({ ...key, ...feedback })
    .onConflict((conflict) => conflict.columns(['message_id', 'user_id']).doUpdateSet(feedback))
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
