import { sql } from 'kysely'
import type { ChallengePurpose, Db, Row } from '../db/index.ts'
import { hashToken, newChallengeToken } from './tokens.ts'

const minutes = 5

/** Creates a challenge, which the next request of the user must present. Only the hash of its token is stored. */
export async function createChallenge(
  db: Db,
  purpose: ChallengePurpose,
  userId: string | null,
  data?: Row<'challenges'>['data'],
) {
  await db.deleteFrom('challenges').where('expires_at', '<=', sql<Date>`now()`).execute()
  const token = newChallengeToken()
  const expiresAt = new Date(Date.now() + minutes * 60_000)
  await db
    .insertInto('challenges')
    .values({
      token_hash: hashToken(token),
      purpose,
      user_id: userId,
      data: data ? JSON.stringify(data) : null,
      expires_at: expiresAt,
    })
    .execute()
  return { token, expiresAt }
}

/** Returns a challenge; undefined if it is unknown, used or expired. */
export async function findChallenge(db: Db, purpose: ChallengePurpose, token: string) {
  return await db
    .selectFrom('challenges')
    .selectAll()
    .where('token_hash', '=', hashToken(token))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
}

/** Redeems a challenge and returns it; undefined if it is unknown, used or expired. */
export async function redeemChallenge(db: Db, purpose: ChallengePurpose, token: string) {
  return await db
    .deleteFrom('challenges')
    .where('token_hash', '=', hashToken(token))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', sql<Date>`now()`)
    .returningAll()
    .executeTakeFirst()
}
