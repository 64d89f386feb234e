import { sql } from 'kysely'
import { type Db, newId, type Row } from '../db/index.ts'
import { hashToken, newSessionToken } from './tokens.ts'

export type SessionClient = { ip: string; userAgent?: string | undefined }

const maxUserAgentCharacters = 300

/** Starts a session. Only the hash of its token is stored. */
export async function createSession(
  db: Db,
  userId: string,
  expiresAt: Date,
  { ip, userAgent }: SessionClient,
): Promise<string> {
  await deleteExpiredSessions(db)
  const token = newSessionToken()
  await db
    .insertInto('sessions')
    .values({
      id: newId(),
      user_id: userId,
      token_hash: hashToken(token),
      address: ip,
      user_agent: userAgent?.slice(0, maxUserAgentCharacters) ?? null,
      expires_at: expiresAt,
    })
    .execute()
  return token
}

/**
 * Returns the user of a session, `isFresh` for ten minutes after the sign-in, and updates the time and address of its
 * last use at most once a minute.
 */
export async function findSessionUser(db: Db, token: string, ip: string) {
  const tokenHash = hashToken(token)
  const found = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('users')
    .select(sql<boolean>`last_used_at < now() - interval '1 minute'`.as('stale'))
    .select(sql<boolean>`sessions.created_at > now() - interval '10 minutes'`.as('isFresh'))
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .where('disabled_at', 'is', null)
    .where('visited_avee_id', 'is', null)
    .executeTakeFirst()
  if (!found) return undefined
  const { stale, ...user } = found
  if (stale) {
    const lastUse = { last_used_at: sql<Date>`now()`, address: ip }
    await db.updateTable('sessions').set(lastUse).where('token_hash', '=', tokenHash).execute()
  }
  return user
}

export type ActiveSession = Omit<Row<'sessions'>, 'token_hash' | 'user_id'> & { is_current: boolean }

/** Lists the sessions of a user, the most recently used first. `token` is that of the current one. */
export async function listSessions(
  db: Db,
  userId: string,
  token: string | undefined,
): Promise<ActiveSession[]> {
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('last_used_at', 'desc')
    .execute()
  const current = token === undefined ? undefined : hashToken(token)
  return rows.map(({ token_hash, user_id: _, ...session }) => ({
    ...session,
    is_current: token_hash === current,
  }))
}

/** Ends one session of a user. Returns false if there is none with this id. */
export async function deleteSession(db: Db, userId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function deleteSessionByToken(db: Db, token: string): Promise<void> {
  await db.deleteFrom('sessions').where('token_hash', '=', hashToken(token)).execute()
}

/** Ends the sessions of a user except the one with the token `kept`. */
export async function deleteSessionsOf(db: Db, userId: string, kept?: string): Promise<void> {
  const sessions = db.deleteFrom('sessions').where('user_id', '=', userId)
  await (kept === undefined ? sessions : sessions.where('token_hash', '<>', hashToken(kept))).execute()
}

export async function deleteExpiredSessions(db: Db): Promise<void> {
  await db.deleteFrom('sessions').where('expires_at', '<=', sql<Date>`now()`).execute()
}
