import type { VisitorSettings } from '../../../contract/insight.ts'
import type { Db } from '../../db/index.ts'

export async function findSharing(db: Db, aveeId: string): Promise<VisitorSettings> {
  const row = await db
    .selectFrom('avee_sharing')
    .select(['share_unanswered', 'allow_pass_on'])
    .where('avee_id', '=', aveeId)
    .executeTakeFirst()
  return row ?? { share_unanswered: false, allow_pass_on: false }
}

export async function putSharing(db: Db, aveeId: string, sharing: VisitorSettings): Promise<void> {
  await db
    .insertInto('avee_sharing')
    .values({ avee_id: aveeId, ...sharing })
    .onConflict((conflict) => conflict.column('avee_id').doUpdateSet(sharing))
    .execute()
}

export async function findConsent(db: Db, aveeId: string, userId: string): Promise<boolean | null> {
  const row = await db
    .selectFrom('sharing_choices')
    .select('share')
    .where('avee_id', '=', aveeId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row?.share ?? null
}

/** Stores whether a user agrees to share unanswered questions. Withdrawing also withdraws the questions shared before. */
export async function putConsent(db: Db, aveeId: string, userId: string, share: boolean): Promise<void> {
  await db
    .insertInto('sharing_choices')
    .values({ avee_id: aveeId, user_id: userId, share })
    .onConflict((conflict) => conflict.columns(['avee_id', 'user_id']).doUpdateSet({ share }))
    .execute()
  if (share) return
  await db
    .updateTable('unanswered_questions')
    .set({ shared: false })
    .where('avee_id', '=', aveeId)
    .where('user_id', '=', userId)
    .where('passed_on_at', 'is', null)
    .execute()
}
