import { createHash } from 'node:crypto'
import type { Log } from '../../log.ts'
import { createRedisVectors } from './redis.ts'

/** Vectors already made, by space and text. */
export type VectorCache = {
  /** One entry per text, in order; undefined where it is not known. */
  get(space: string, texts: string[]): Promise<(Float32Array | undefined)[]>
  put(space: string, entries: { text: string; vector: Float32Array }[]): void
  stats(): CacheStats
  [Symbol.asyncDispose](): Promise<void>
}

/** `size` counts the entries in memory; `hit_rate` is 0 to 1. */
export type CacheStats = {
  kind: 'memory' | 'redis'
  hits: number
  misses: number
  size: number | null
  hit_rate: number
}

const defaultBytes = 64 * 1024 * 1024
/** Key, map entry and array header beside the numbers themselves. */
const entryBytes = 200

/** Least recently used vectors go first when the bytes run out. */
export function createMemoryVectors(maxBytes = defaultBytes) {
  const entries = new Map<string, Float32Array>()
  let bytes = 0
  const cost = (vector: Float32Array) => vector.byteLength + entryBytes
  return {
    get size() {
      return entries.size
    },
    get(key: string): Float32Array | undefined {
      const vector = entries.get(key)
      if (vector === undefined) return undefined
      entries.delete(key)
      entries.set(key, vector)
      return vector
    },
    put(key: string, vector: Float32Array): void {
      const old = entries.get(key)
      if (old) bytes -= cost(old)
      entries.delete(key)
      entries.set(key, vector)
      bytes += cost(vector)
      for (const [oldest, its] of entries) {
        if (bytes <= maxBytes) break
        entries.delete(oldest)
        bytes -= cost(its)
      }
    },
  }
}

/** Memory in front, Redis behind it where one is named; Redis away only means fewer hits. */
export function createVectorCache(options: {
  redisUrl?: string | undefined
  log: Log
  maxBytes?: number
}): VectorCache {
  const memory = createMemoryVectors(options.maxBytes)
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
          if (vector) memory.put(key, vector)
        })
        let next = 0
        found.forEach((vector, i) => {
          if (vector === undefined) found[i] = stored[next++]
        })
      }
      const known = found.filter((vector) => vector !== undefined).length
      hits += known
      misses += found.length - known
      return found
    },

    put(space, entries) {
      const keyed = entries.map(({ text, vector }) => ({ key: keyOf(space, text), vector }))
      for (const { key, vector } of keyed) memory.put(key, vector)
      redis?.put(keyed)
    },

    stats: () => ({
      kind: redis?.isThere() ? 'redis' : 'memory',
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
