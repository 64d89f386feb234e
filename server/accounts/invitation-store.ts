import { sql } from 'kysely'
import { type Db, newId, type Row, type Trx } from '../db/index.ts'
import { invitationForAnother, invitationInvalid, invitationNotFound, invitationsDisabled } from './errors.ts'
import type { RegistrationPolicy } from './sign-in.ts'
import { hashToken, newInvitationToken } from './tokens.ts'

export type Invitation = Omit<Row<'invitations'>, 'token_hash' | 'created_by'>

/** Invitations create one account each; a used one is deleted. Only hashes of their tokens are stored. */
export function createInvitations(db: Db, registration: RegistrationPolicy) {
  return {
    async list(): Promise<Invitation[]> {
      return await db
        .selectFrom('invitations')
        .select(['id', 'email', 'created_at', 'expires_at'])
        .where('expires_at', '>', sql<Date>`now()`)
        .orderBy('id', 'desc')
        .execute()
    },

    /**
     * Creates an invitation that only `email` can use, if given. `token` cannot be read again. @throws 409 if registration
     * is closed
     */
    async create(
      userId: string,
      { email, expiresInSeconds }: { email: string | null; expiresInSeconds: number },
    ): Promise<{ token: string; row: Invitation }> {
      if (registration === 'closed') throw invitationsDisabled()
      await db.deleteFrom('invitations').where('expires_at', '<=', sql<Date>`now()`).execute()
      const token = newInvitationToken()
      const row = await db
        .insertInto('invitations')
        .values({
          id: newId(),
          created_by: userId,
          email,
          token_hash: hashToken(token),
          expires_at: new Date(Date.now() + expiresInSeconds * 1000),
        })
        .returning(['id', 'email', 'created_at', 'expires_at'])
        .executeTakeFirstOrThrow()
      return { token, row }
    },

    async revoke(id: string): Promise<void> {
      const { numDeletedRows } = await db.deleteFrom('invitations').where('id', '=', id).executeTakeFirst()
      if (numDeletedRows === 0n) throw invitationNotFound()
    },
  }
}

/** Redeems an invitation. @throws 403 if it is unknown, used, expired or for another address */
export async function redeemInvitation(trx: Trx, token: string, email: string): Promise<void> {
  const invitation = await trx
    .deleteFrom('invitations')
    .where('token_hash', '=', hashToken(token))
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('email')
    .executeTakeFirst()
  if (!invitation) throw invitationInvalid()
  if (invitation.email !== null && invitation.email !== email) throw invitationForAnother()
}
