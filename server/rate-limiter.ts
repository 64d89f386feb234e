import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from './errors.ts'

/** The least recently used keys beyond this number are evicted. */
const maxKeys = 100_000

export const tooManyRequests = (retryAfter: number): AppError =>
  new AppError(
    429,
    'too_many_requests',
    `Too many requests. Try again in ${retryAfter === 1 ? 'a second' : `${retryAfter} seconds`}.`,
    { retryAfter },
  )

/** Connects for counting. While Redis is unavailable, commands fail at once and counts are in memory. */
export function connectRedis(url: string): Redis {
  const client = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 1_000 })
  // Without a listener an error event ends the process; commands report the error as well.
  client.on('error', () => {})
  return client
}

/**
 * Counts by key in fixed windows of `duration` seconds. The counts are in memory; with Redis, all servers share them,
 * and memory is used while Redis is unavailable.
 */
export function createRateLimiter(
  { name, points, duration }: { name: string; points: number; duration: number },
  redis: Redis | undefined,
) {
  const options = { keyPrefix: `gabee:${name}`, points, duration }
  const memory = new RateLimiterMemory(options)
  const keys = new LRUCache<string, true>({
    // With `max`, each limiter would allocate 2.8 MB in advance.
    maxSize: maxKeys,
    sizeCalculation: () => 1,
    dispose: (_, key, reason) => void (reason === 'evict' && memory.delete(key)),
  })
  const limiter = redis
    ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory })
    : memory
  return {
    /**
     * Counts one. Returns how many of `limit`, at most `points`, remain in the window, or the milliseconds to wait if
     * none was left.
     */
    async consume(key: string, limit = points): Promise<{ remaining: number } | { waitMs: number }> {
      keys.set(key, true)
      const { consumedPoints, msBeforeNext } = await limiter.consume(key).catch((thrown: unknown) => {
        if (thrown instanceof RateLimiterRes) return thrown
        throw thrown
      })
      const remaining = limit - consumedPoints
      return remaining < 0 ? { waitMs: msBeforeNext } : { remaining }
    },
    /** Refunds one to the window. */
    reward: async (key: string): Promise<void> => void (await limiter.reward(key)),
    reset: async (key: string): Promise<void> => void (await limiter.delete(key)),
  }
}
export type RateLimiter = ReturnType<typeof createRateLimiter>

/** Converts milliseconds to the seconds of a Retry-After header. */
export const toRetryAfter = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

export const hashKey = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** An IPv4 address, or the /64 network of an IPv6 address, which one subscriber usually has to themselves (RFC 6177). */
export function addressKey(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped !== undefined || !isIPv6(ip)) return mapped ?? ip
  const [head = '', tail] = ip.toLowerCase().split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const tailGroups = tail ? tail.split(':') : []
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - tailGroups.length) }, () => '0')
  return [...groups, ...zeros, ...tailGroups]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
