import { type Insertable, sql, type Updateable } from 'kysely'
import type { Db, Row, Tables } from '../db/index.ts'

export type UserRow = Row<'users'>
export type ApiKeyRow = Row<'api_keys'>
export type UserChanges = Updateable<Tables['users']>

const owner = 'owner'

/** Finds the owner: the user that is created at the first start and claimed by the first registration. */
export async function findOwner(db: Db, { lock = false } = {}): Promise<UserRow | undefined> {
  const found = db
    .selectFrom('users')
    .selectAll('users')
    .where('users.id', 'in', (eb) =>
      eb
        .selectFrom('settings')
        .select(sql<string>`(settings.value ->> 'user_id')::uuid`.as('id'))
        .where('settings.key', '=', owner),
    )
  return await (lock ? found.forUpdate() : found).executeTakeFirst()
}

/** Creates the owner unless there is one. Servers that start concurrently create only one. */
export async function insertOwner(trx: Db, id: string, displayName: string): Promise<void> {
  const claimed = await trx
    .insertInto('settings')
    .values({ key: owner, value: JSON.stringify({ user_id: id }) })
    .onConflict((on) => on.doNothing())
    .returning('key')
    .executeTakeFirst()
  if (claimed) await insertUser(trx, { id, display_name: displayName, is_admin: true })
}

export async function deleteOwnerSetting(trx: Db, id: string): Promise<void> {
  await trx
    .deleteFrom('settings')
    .where('key', '=', owner)
    .where(sql<boolean>`value ->> 'user_id' = ${id}`)
    .execute()
}

/** Returns whether anybody can sign in. */
export async function hasAccounts(db: Db): Promise<boolean> {
  const accounts = db
    .selectFrom('users')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('password_hash', 'is not', null),
        eb('id', 'in', eb.selectFrom('user_identities').select('user_id')),
      ]),
    )
  return (await accounts.limit(1).executeTakeFirst()) !== undefined
}

export async function countUsers(db: Db) {
  const { all, admins } = await db
    .selectFrom('users')
    .select(({ fn }) => [
      fn.countAll<string>().as('all'),
      fn
        .countAll<string>()
        .filterWhere('is_admin', '=', true)
        .filterWhere('disabled_at', 'is', null)
        .as('admins'),
    ])
    .where('visited_avee_id', 'is', null)
    .executeTakeFirstOrThrow()
  return { all: Number(all), admins: Number(admins) }
}

/** Locks all administrators until the transaction ends. */
export async function lockAdministrators(trx: Db): Promise<void> {
  await trx.selectFrom('users').select('id').where('is_admin', '=', true).orderBy('id').forUpdate().execute()
}

export async function insertUser(db: Db, user: Insertable<Tables['users']>): Promise<UserRow> {
  return await db.insertInto('users').values(user).returningAll().executeTakeFirstOrThrow()
}

export async function findUser(db: Db, id: string): Promise<UserRow | undefined> {
  return await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
}

/** `email` must be normalized. */
export async function findUserByEmail(db: Db, email: string): Promise<UserRow | undefined> {
  return await db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst()
}

export async function findUserByHandle(db: Db, handle: string): Promise<UserRow | undefined> {
  return await db.selectFrom('users').selectAll().where('handle', '=', handle).executeTakeFirst()
}

/** Lists all users with an account, the newest first. */
export async function listUsers(db: Db): Promise<UserRow[]> {
  const users = db.selectFrom('users').selectAll().where('visited_avee_id', 'is', null)
  return await users.orderBy('id', 'desc').execute()
}

export async function updateUser(db: Db, id: string, changes: UserChanges): Promise<UserRow | undefined> {
  return await db.updateTable('users').set(changes).where('id', '=', id).returningAll().executeTakeFirst()
}

export async function deleteUser(db: Db, id: string): Promise<void> {
  await db.deleteFrom('users').where('id', '=', id).execute()
}

/** Returns undefined if the user has `max` keys already. */
export async function insertApiKey(
  db: Db,
  max: number,
  key: Insertable<Tables['api_keys']>,
): Promise<ApiKeyRow | undefined> {
  return await db.transaction().execute(async (trx) => {
    await trx.selectFrom('users').select('id').where('id', '=', key.user_id).forUpdate().execute()
    if ((await listApiKeys(trx, key.user_id)).length >= max) return undefined
    return await trx.insertInto('api_keys').values(key).returningAll().executeTakeFirstOrThrow()
  })
}

export async function listApiKeys(db: Db, userId: string): Promise<ApiKeyRow[]> {
  const keys = db.selectFrom('api_keys').selectAll().where('user_id', '=', userId)
  return await keys.orderBy('id', 'desc').execute()
}

export async function deleteApiKey(db: Db, userId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('api_keys')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Returns the user of a key, and updates when the key was last used at most once a minute. */
export async function findKeyUser(db: Db, keyHash: string) {
  const found = await db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .select(['api_keys.id', 'user_id as userId', 'avee_id as aveeId', 'is_admin as isAdmin', 'scopes'])
    .select('requests_per_minute as requestsPerMinute')
    .select(sql<boolean>`coalesce(last_used_at < now() - interval '1 minute', true)`.as('stale'))
    .where('key_hash', '=', keyHash)
    .where('disabled_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  if (!found) return undefined
  const { stale, ...user } = found
  if (stale) {
    const lastUsed = { last_used_at: sql<Date>`now()` }
    await db.updateTable('api_keys').set(lastUsed).where('id', '=', user.id).execute()
  }
  return user
}
