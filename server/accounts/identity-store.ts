import type { Db, Trx } from '../db/index.ts'
import type { UserRow } from './store.ts'

type Identity = { issuer: string; subject: string }

export async function findIdentityUser(db: Db, { issuer, subject }: Identity): Promise<UserRow | undefined> {
  return await db
    .selectFrom('user_identities')
    .innerJoin('users', 'users.id', 'user_identities.user_id')
    .selectAll('users')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
}

export async function hasIdentity(db: Db, userId: string): Promise<boolean> {
  const found = db.selectFrom('user_identities').select('user_id').where('user_id', '=', userId)
  return (await found.executeTakeFirst()) !== undefined
}

/** Links an identity to a user; replaces an earlier one. Throws a unique violation if it belongs to another user. */
export async function replaceIdentity(
  trx: Trx,
  userId: string,
  { issuer, subject }: Identity,
): Promise<void> {
  await deleteIdentity(trx, userId)
  await trx.insertInto('user_identities').values({ user_id: userId, issuer, subject }).execute()
}

export async function deleteIdentity(db: Db, userId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('user_identities')
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
