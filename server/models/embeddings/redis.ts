import { Redis } from 'ioredis'
import type { Log } from '../../log.ts'

const keyPrefix = 'gabee:vector:'
const thirtyDays = 30 * 24 * 3600
const checkAgainMs = 5_000

/**
 * Vectors in Redis, as float32 bytes. Nothing here ever throws or makes anybody wait long: while Redis is away, or
 * refuses the password, nothing is found and nothing kept; one warning says so, and it is tried again in the background.
 */
export function createRedisVectors(url: string, log: Log) {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 3_000,
    commandTimeout: 1_000,
    retryStrategy: (times) => Math.min(30_000, 250 * 2 ** Math.min(times, 10)),
  })
  let there = false
  let warned = false

  let again: NodeJS.Timeout | undefined

  const away = (error: unknown) => {
    there = false
    if (client.status === 'ready') {
      clearTimeout(again)
      again = setTimeout(check, checkAgainMs)
      again.unref()
    }
    if (warned) return
    warned = true
    const why = reasonOf(error)
    log.warn({ why }, 'Redis (REDIS_URL) cannot be used; the cache in memory serves until it is back')
  }
  /** A server that wants a password lets anybody connect; only a command tells. */
  const check = () => {
    client
      .ping()
      .then(() => {
        there = true
        if (warned) log.info('Redis is back')
        warned = false
      })
      .catch(away)
  }
  // Without a listener an error event would end the process.
  client.on('error', away)
  client.on('close', () => away(new Error('the connection was closed')))
  client.on('ready', check)

  return {
    isThere: () => there,

    async get(keys: string[]): Promise<(Float32Array | undefined)[]> {
      if (!there) return keys.map(() => undefined)
      try {
        const values = await client.mgetBuffer(keys.map((key) => keyPrefix + key))
        return values.map((value) => (value ? floats(value) : undefined))
      } catch (error) {
        away(error)
        return keys.map(() => undefined)
      }
    },

    put(entries: { key: string; vector: Float32Array }[]): void {
      if (!there) return
      const pipeline = client.pipeline()
      for (const { key, vector } of entries) pipeline.set(keyPrefix + key, bytes(vector), 'EX', thirtyDays)
      pipeline.exec().catch(away)
    },

    async [Symbol.asyncDispose](): Promise<void> {
      clearTimeout(again)
      client.removeAllListeners('close')
      client.disconnect()
    },
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password/i.test(message)) return 'it refuses the password'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code || message.slice(0, 100)
}

const bytes = (vector: Float32Array) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

function floats(value: Buffer): Float32Array | undefined {
  if (value.length === 0 || value.length % 4 !== 0) return undefined
  const vector = new Float32Array(value.length / 4)
  new Uint8Array(vector.buffer).set(value)
  return vector
}
