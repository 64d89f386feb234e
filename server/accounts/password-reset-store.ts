import { sql } from 'kysely'
import type { Db, Trx } from '../db/index.ts'
import { resetLinkInvalid } from './errors.ts'
import { hashToken, newResetToken } from './tokens.ts'

/**
 * Creates the link of a user; replaces an earlier one. Returns its token, which cannot be read again. As the OWASP
 * Forgot Password Cheat Sheet says, links are single-use, random, stored as hashes and expire.
 */
export async function createPasswordReset(
  db: Db,
  userId: string,
  hours: number,
): Promise<{ token: string; expiresAt: Date }> {
  const token = newResetToken()
  const reset = {
    token_hash: hashToken(token),
    expires_at: new Date(Date.now() + hours * 3_600_000),
  }
  await db
    .insertInto('password_resets')
    .values({ user_id: userId, ...reset })
    .onConflict((on) => on.column('user_id').doUpdateSet(reset))
    .execute()
  return { token, expiresAt: reset.expires_at }
}

/** Redeems a link and returns its user. @throws 403 if it is unknown, used or expired */
export async function redeemPasswordReset(trx: Trx, token: string): Promise<string> {
  const found = await trx
    .deleteFrom('password_resets')
    .where('token_hash', '=', hashToken(token))
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('user_id')
    .executeTakeFirst()
  if (!found) throw resetLinkInvalid()
  return found.user_id
}
