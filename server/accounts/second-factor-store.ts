import { sql } from 'kysely'
import type { Db, Row, Trx } from '../db/index.ts'
import { hashToken } from './tokens.ts'

export async function findTotp(db: Db, userId: string): Promise<Row<'totp_secrets'> | undefined> {
  return await db.selectFrom('totp_secrets').selectAll().where('user_id', '=', userId).executeTakeFirst()
}

/** Stores a secret that is not confirmed yet; replaces an earlier one. Returns false if one is confirmed. */
export async function insertTotp(db: Db, userId: string, secret: string): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await db
    .insertInto('totp_secrets')
    .values({ user_id: userId, secret, confirmed_at: null, last_step: null })
    .onConflict((on) =>
      on
        .column('user_id')
        .doUpdateSet({ secret, last_step: null })
        .where('totp_secrets.confirmed_at', 'is', null),
    )
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/**
 * Confirms a secret, if needed, with the time step of a code. Returns false if a code of this or a later step was used.
 */
export async function useTotpStep(db: Db, userId: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('totp_secrets')
    .set({ last_step: step, confirmed_at: sql<Date>`coalesce(confirmed_at, now())` })
    .where('user_id', '=', userId)
    .where((eb) => eb.or([eb('last_step', 'is', null), eb('last_step', '<', `${step}`)]))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function deleteTotp(db: Db, userId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('totp_secrets')
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function countRecoveryCodes(db: Db, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom('recovery_codes')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Stores the hashes of codes and deletes all earlier ones. */
export async function replaceRecoveryCodes(trx: Trx, userId: string, codes: string[]): Promise<void> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
  const rows = codes.map((code) => ({ user_id: userId, code_hash: hashToken(code) }))
  if (rows.length > 0) await trx.insertInto('recovery_codes').values(rows).execute()
}

/** Redeems a code. Returns false if it is unknown or used. */
export async function redeemRecoveryCode(db: Db, userId: string, code: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('code_hash', '=', hashToken(code))
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Returns the ids of the users who have a second factor. */
export async function listUsersWithFactors(db: Db): Promise<Set<string>> {
  const rows = await db
    .selectFrom('totp_secrets')
    .select('user_id')
    .where('confirmed_at', 'is not', null)
    .union(db.selectFrom('passkeys').select('user_id'))
    .execute()
  return new Set(rows.map(({ user_id }) => user_id))
}
