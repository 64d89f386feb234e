import type { Redis } from 'ioredis'
import { type createApiKey, maxRequestsPerMinute } from '../../contract/accounts.ts'
import type { BodyOf } from '../../contract/operation.ts'
import { type Db, newId } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import { createRateLimiter, toRetryAfter } from '../rate-limiter.ts'
import { apiKeyLimitReached, apiKeyNotFound, expiryInPast } from './errors.ts'
import { type ApiKeyRow, deleteApiKey, findKeyUser, insertApiKey, listApiKeys } from './store.ts'
import { hashToken, newApiKeyText, prefixOf } from './tokens.ts'

/** Per user. */
const maxKeys = 100

export type ApiKey = Omit<ApiKeyRow, 'key_hash'>

/** API keys, which are stored as hashes and may be restricted to one avee and to a number of requests per minute. */
export function createApiKeys(db: Db, redis: Redis | undefined) {
  const requests = createRateLimiter({ name: 'api-key', points: maxRequestsPerMinute, duration: 60 }, redis)
  return {
    /** Returns the user of a valid key and counts the request. @throws too_many_requests */
    async findUser(key: string) {
      const found = await findKeyUser(db, hashToken(key))
      if (!found) return undefined
      const { id, requestsPerMinute, ...user } = found
      if (requestsPerMinute !== null) {
        const counted = await requests.consume(id, requestsPerMinute)
        if ('waitMs' in counted) throw apiKeyLimitReached(requestsPerMinute, toRetryAfter(counted.waitMs))
      }
      return user
    },

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
        requests_per_minute: fields.requests_per_minute ?? null,
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
