import { type Db, newId } from '../db/index.ts'
import { apiKeyNotFound, expiryInPast } from './errors.ts'
import { type ApiKeyRow, deleteApiKey, insertApiKey, listApiKeys } from './store.ts'
import { hashToken, newApiKeyText, prefixOf } from './tokens.ts'

export type ApiKey = Omit<ApiKeyRow, 'key_hash'>

/** Keys for programs: shown once, kept as a hash, and each for all of a person's avees or for one. */
export function createApiKeys(db: Db) {
  return {
    async list(userId: string): Promise<ApiKey[]> {
      return (await listApiKeys(db, userId)).map(shown)
    },

    /** `key` is the only time that the key is seen. */
    async create(
      userId: string,
      wish: { name: string; avee_id?: string | undefined; expires_at?: string | undefined },
    ): Promise<{ key: string; row: ApiKey }> {
      const expires = wish.expires_at === undefined ? null : new Date(wish.expires_at)
      if (expires && expires.getTime() <= Date.now()) throw expiryInPast()
      const key = newApiKeyText()
      const row = await insertApiKey(db, {
        id: newId(),
        user_id: userId,
        avee_id: wish.avee_id ?? null,
        name: wish.name,
        prefix: prefixOf(key),
        key_hash: hashToken(key),
        expires_at: expires,
      })
      return { key, row: shown(row) }
    },

    async revoke(userId: string, id: string): Promise<void> {
      if (!(await deleteApiKey(db, userId, id))) throw apiKeyNotFound()
    },
  }
}

export type ApiKeys = ReturnType<typeof createApiKeys>

const shown = ({
  id,
  user_id,
  avee_id,
  name,
  prefix,
  created_at,
  last_used_at,
  expires_at,
}: ApiKeyRow): ApiKey => ({
  id,
  user_id,
  avee_id,
  name,
  prefix,
  created_at,
  last_used_at,
  expires_at,
})
