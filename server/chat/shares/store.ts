import { createHash, randomBytes } from 'node:crypto'
import { type Insertable, sql } from 'kysely'
import type { Db, Row, Tables } from '../../db/index.ts'

export type ShareRow = Pick<Row<'shares'>, 'id' | 'created_at' | 'expires_at'>

export const newShareToken = (): string => randomBytes(24).toString('base64url')
const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

const isValid = sql<boolean>`coalesce(shares.expires_at > now(), true)`

/** Stores a link. Only the hash of its token is stored. */
export async function insertShare(
  db: Db,
  { token, ...share }: Omit<Insertable<Tables['shares']>, 'token_hash'> & { token: string },
): Promise<ShareRow> {
  return await db
    .insertInto('shares')
    .values({ ...share, token_hash: hashToken(token) })
    .returning(['id', 'created_at', 'expires_at'])
    .executeTakeFirstOrThrow()
}

/** Lists the links to a conversation that have not expired, the newest first. */
export async function listShares(db: Db, conversationId: string): Promise<ShareRow[]> {
  return await db
    .selectFrom('shares')
    .select(['id', 'created_at', 'expires_at'])
    .where('conversation_id', '=', conversationId)
    .where(isValid)
    .orderBy('id', 'desc')
    .execute()
}

/** Finds a link that has not expired, with the user who created it. */
export async function findShare(db: Db, by: { token: string } | { id: string }) {
  return await db
    .selectFrom('shares')
    .innerJoin('conversations', 'conversations.id', 'shares.conversation_id')
    .selectAll('shares')
    .select('conversations.user_id')
    .where((eb) => ('token' in by ? eb('token_hash', '=', hashToken(by.token)) : eb('shares.id', '=', by.id)))
    .where(isValid)
    .executeTakeFirst()
}

export async function deleteShare(db: Db, id: string): Promise<void> {
  await db.deleteFrom('shares').where('id', '=', id).execute()
}
