import { timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../db/index.ts'
import { hashToken, newSetupToken } from './tokens.ts'

const key = 'setup_token'

/** Returns the token that the first account requires, the same on all servers of a database. */
export async function readSetupToken(db: Db): Promise<string> {
  await db
    .insertInto('settings')
    .values({ key, value: JSON.stringify({ token: newSetupToken() }) })
    .onConflict((on) => on.doNothing())
    .execute()
  const { token } = await db
    .selectFrom('settings')
    .select(sql<string>`value ->> 'token'`.as('token'))
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return token
}

export async function deleteSetupToken(db: Db): Promise<void> {
  await db.deleteFrom('settings').where('key', '=', key).execute()
}

export const isSetupToken = (given: string | undefined, expected: string): boolean =>
  given !== undefined && timingSafeEqual(Buffer.from(hashToken(given)), Buffer.from(hashToken(expected)))
