import { sql } from 'kysely'
import type { Layer } from '../../contract/layers.ts'
import { visibleAvees } from '../avees/index.ts'
import type { Db } from '../db/index.ts'

/** An avee that a user may see, up to a layer. */
export type SearchedAvee = {
  id: string
  handle: string
  display_name: string
  avatar: string | null
  layer: Layer
}

/**
 * Lists the avees that a user owns, chats with, follows, has a permission for, or that remember them, if the user may
 * still see them; the latest conversations first.
 */
export async function listSearchedAvees(db: Db, userId: string, limit: number): Promise<SearchedAvee[]> {
  const lastConversation = sql`(
    select max(updated_at) from conversations where user_id = ${userId} and avee_id = avees.id)`
  return await visibleAvees(db, userId)
    .where(
      sql<boolean>`(avees.owner_id = ${userId} or ${lastConversation} is not null
        or grants.user_id is not null
        or exists (select from follows where user_id = ${userId} and avee_id = avees.id)
        or exists (select from memories where user_id = ${userId} and avee_id = avees.id))`,
    )
    .orderBy(sql`${lastConversation} desc nulls last`)
    .orderBy('avees.id', 'desc')
    .limit(limit)
    .execute()
}
