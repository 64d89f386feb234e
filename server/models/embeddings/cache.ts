import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Log } from '../../log.ts'
import { createRedisVectors } from './redis.ts'

const maxBytes = 64 * 1024 * 1024
/** Approximate size of the key, the cache entry and the array header. */
const entryBytes = 200

/** Evicts the least recently used vectors beyond `maxBytes`. */
export const createMemoryVectors = (maxBytes: number) =>
  new LRUCache<string, Float32Array>({
    maxSize: maxBytes,
    sizeCalculation: (vector) => vector.byteLength + entryBytes,
  })

/**
 * Creates a cache of vectors by space and text, in memory and, if configured, in Redis. While Redis is unavailable,
 * only memory is used.
 */
export function createVectorCache({ redisUrl, log }: { redisUrl?: string | undefined; log: Log }) {
  const memory = createMemoryVectors(maxBytes)
  const redis = redisUrl === undefined ? undefined : createRedisVectors(redisUrl, log)
  let hits = 0
  let misses = 0

  return {
    /** Returns one entry per text, in order; undefined for a text that is not cached. */
    async get(space: string, texts: string[]): Promise<(Float32Array | undefined)[]> {
      const keys = texts.map((text) => keyOf(space, text))
      const found = keys.map((key) => memory.get(key))
      if (redis && found.includes(undefined)) {
        const missing = keys.flatMap((key, i) => (found[i] === undefined ? [{ key, i }] : []))
        const stored = await redis.get(missing.map(({ key }) => key))
        for (const [n, { key, i }] of missing.entries()) {
          const vector = stored[n]
          if (vector) memory.set(key, vector)
          found[i] = vector
        }
      }
      const cached = found.filter((vector) => vector !== undefined).length
      hits += cached
      misses += found.length - cached
      return found
    },

    put(space: string, entries: { text: string; vector: Float32Array }[]): void {
      const keyed = entries.map(({ text, vector }) => ({ key: keyOf(space, text), vector }))
      for (const { key, vector } of keyed) memory.set(key, vector)
      redis?.put(keyed)
    },

    /** `size` is the number of entries in memory; `hit_rate` is from 0 to 1. */
    stats: () => ({
      kind: redis?.isAvailable() ? ('redis' as const) : ('memory' as const),
      hits,
      misses,
      size: memory.size,
      hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
    }),

    [Symbol.asyncDispose]: async () => redis?.[Symbol.asyncDispose](),
  }
}
export type VectorCache = ReturnType<typeof createVectorCache>

const keyOf = (space: string, text: string) =>
  `${space}:${createHash('sha256').update(text).digest('base64url')}`
