import type { createApiKey } from '../../contract/accounts.ts'
import type { BodyOf } from '../../contract/operation.ts'
import { type Db, newId } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import { apiKeyNotFound, expiryInPast } from './errors.ts'
import { type ApiKeyRow, deleteApiKey, insertApiKey, listApiKeys } from './store.ts'
import { hashToken, newApiKeyText, prefixOf } from './tokens.ts'

/** API keys of a user. */
const maxKeys = 100

export type ApiKey = Omit<ApiKeyRow, 'key_hash'>

/** API keys, which are stored as hashes and may be restricted to one avee. */
export function createApiKeys(db: Db) {
  return {
    async list(userId: string): Promise<ApiKey[]> {
      return (await listApiKeys(db, userId)).map(withoutHash)
    },

    /** Creates a key. The returned `key` is not stored and cannot be read again. @throws quota_exceeded */
    async create(userId: string, fields: BodyOf<typeof createApiKey>): Promise<{ key: string; row: ApiKey }> {
      const { expires_in: seconds, expires_at: at } = fields
      const expiresAt =
        seconds === undefined
          ? at === undefined
            ? null
            : new Date(at)
          : new Date(Date.now() + seconds * 1000)
      if (expiresAt && expiresAt.getTime() <= Date.now()) throw expiryInPast()
      const key = newApiKeyText()
      const row = await insertApiKey(db, maxKeys, {
        id: newId(),
        user_id: userId,
        avee_id: fields.avee_id ?? null,
        name: fields.name,
        prefix: prefixOf(key),
        key_hash: hashToken(key),
        scopes: fields.scopes,
        expires_at: expiresAt,
      })
      if (!row) throw quotaExceeded(`${maxKeys} API keys`)
      return { key, row: withoutHash(row) }
    },

    async revoke(userId: string, id: string): Promise<void> {
      if (!(await deleteApiKey(db, userId, id))) throw apiKeyNotFound()
    },
  }
}

const withoutHash = ({ key_hash: _, ...key }: ApiKeyRow): ApiKey => key
