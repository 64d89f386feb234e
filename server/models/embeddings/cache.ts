import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Log } from '../../log.ts'
import { createRedisVectors } from './redis.ts'

/** Caches vectors by space and text. */
export type VectorCache = {
  /** Returns one entry per text, in order; undefined for a text that is not cached. */
  get(space: string, texts: string[]): Promise<(Float32Array | undefined)[]>
  put(space: string, entries: { text: string; vector: Float32Array }[]): void
  stats(): CacheStats
  [Symbol.asyncDispose](): Promise<void>
}

/** `size` is the number of entries in memory; `hit_rate` is from 0 to 1. */
export type CacheStats = {
  kind: 'memory' | 'redis'
  hits: number
  misses: number
  size: number | null
  hit_rate: number
}

const defaultMaxBytes = 64 * 1024 * 1024
/** Approximate size of the key, the cache entry and the array header. */
const entryBytes = 200

/** Evicts the least recently used vectors beyond `maxBytes`. */
export const createMemoryVectors = (maxBytes: number) =>
  new LRUCache<string, Float32Array>({
    maxSize: maxBytes,
    sizeCalculation: (vector) => vector.byteLength + entryBytes,
  })

/** Creates a cache in memory, backed by Redis if configured. While Redis is unavailable there are fewer hits. */
export function createVectorCache(options: {
  redisUrl?: string | undefined
  log: Log
  maxBytes?: number
}): VectorCache {
  const memory = createMemoryVectors(options.maxBytes ?? defaultMaxBytes)
  const redis = options.redisUrl === undefined ? undefined : createRedisVectors(options.redisUrl, options.log)
  let hits = 0
  let misses = 0

  return {
    async get(space, texts) {
      const keys = texts.map((text) => keyOf(space, text))
      const found = keys.map((key) => memory.get(key))
      if (redis && found.includes(undefined)) {
        const missing = keys.filter((_, i) => found[i] === undefined)
        const stored = await redis.get(missing)
        missing.forEach((key, i) => {
          const vector = stored[i]
          if (vector) memory.set(key, vector)
        })
        let next = 0
        found.forEach((vector, i) => {
          if (vector === undefined) found[i] = stored[next++]
        })
      }
      const cached = found.filter((vector) => vector !== undefined).length
      hits += cached
      misses += found.length - cached
      return found
    },

    put(space, entries) {
      const keyed = entries.map(({ text, vector }) => ({ key: keyOf(space, text), vector }))
      for (const { key, vector } of keyed) memory.set(key, vector)
      redis?.put(keyed)
    },

    stats: () => ({
      kind: redis?.isAvailable() ? 'redis' : 'memory',
      hits,
      misses,
      size: memory.size,
      hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
    }),

    [Symbol.asyncDispose]: async () => redis?.[Symbol.asyncDispose](),
  }
}

const keyOf = (space: string, text: string) =>
  `${space}:${createHash('sha256').update(text).digest('base64url')}`
