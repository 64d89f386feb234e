import { sql } from 'kysely'
import type { Db, Trx } from '../db/index.ts'
import { hashToken } from './tokens.ts'

/** Returns the visit with a token, while it has not expired and the avee is public and open to visitors. */
export const findVisit = (db: Db, token: string) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .innerJoin('avees', 'avees.id', 'users.visited_avee_id')
    .select(['users.id as userId', 'avees.id as aveeId', 'expires_at as expiresAt'])
    .where('token_hash', '=', hashToken(token))
    .where('expires_at', '>', sql<Date>`now()`)
    .where('anonymous', '=', true)
    .where('visibility', '=', 'public')
    .executeTakeFirst()

/** Lists visitors whose session has ended. */
export async function listEndedVisitors(db: Db, limit: number): Promise<string[]> {
  const ended = db
    .selectFrom('users')
    .select('id')
    .where('visited_avee_id', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('sessions')
            .select('sessions.id')
            .whereRef('sessions.user_id', '=', 'users.id')
            .where('expires_at', '>', sql<Date>`now()`),
        ),
      ),
    )
  return (await ended.limit(limit).execute()).map(({ id }) => id)
}

export async function deleteUsers(trx: Trx, ids: string[]): Promise<void> {
  await trx.deleteFrom('users').where('id', 'in', ids).execute()
}
