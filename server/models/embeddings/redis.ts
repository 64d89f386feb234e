import { Redis } from 'ioredis'
import type { Log } from '../../log.ts'

const keyPrefix = 'gabee:vector:'
const ttlSeconds = 30 * 24 * 3600
/** Pause between two checks of a connection that rejects commands. */
const recheckMs = 5_000

/**
 * Stores vectors in Redis as float32 bytes. Never throws: while Redis is unavailable or rejects the password, `get`
 * finds nothing and `put` stores nothing. The log contains one warning, and the connection is retried in the background.
 */
export function createRedisVectors(url: string, log: Log) {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 3_000,
    commandTimeout: 1_000,
    retryStrategy: (times) => Math.min(30_000, 250 * 2 ** Math.min(times, 10)),
  })
  let isAvailable = false
  let hasWarned = false

  let recheck: NodeJS.Timeout | undefined

  const handleFailure = (error: unknown) => {
    isAvailable = false
    if (client.status === 'ready') {
      clearTimeout(recheck)
      recheck = setTimeout(check, recheckMs)
      recheck.unref()
    }
    if (hasWarned) return
    hasWarned = true
    const reason = reasonOf(error)
    log.warn({ reason }, 'Redis (REDIS_URL) is not available; using the cache in memory')
  }
  /** Sends a command, because Redis accepts connections before it checks the password. */
  const check = () => {
    client
      .ping()
      .then(() => {
        isAvailable = true
        if (hasWarned) log.info('Redis is available again')
        hasWarned = false
      })
      .catch(handleFailure)
  }
  // Without a listener an error event ends the process.
  client.on('error', handleFailure)
  client.on('close', () => handleFailure(new Error('the connection was closed')))
  client.on('ready', check)

  return {
    isAvailable: () => isAvailable,

    async get(keys: string[]): Promise<(Float32Array | undefined)[]> {
      if (!isAvailable) return keys.map(() => undefined)
      try {
        const values = await client.mgetBuffer(keys.map((key) => keyPrefix + key))
        return values.map((value) => (value ? floats(value) : undefined))
      } catch (error) {
        handleFailure(error)
        return keys.map(() => undefined)
      }
    },

    put(entries: { key: string; vector: Float32Array }[]): void {
      if (!isAvailable) return
      const pipeline = client.pipeline()
      for (const { key, vector } of entries) pipeline.set(keyPrefix + key, bytes(vector), 'EX', ttlSeconds)
      pipeline.exec().catch(handleFailure)
    },

    async [Symbol.asyncDispose](): Promise<void> {
      clearTimeout(recheck)
      client.removeAllListeners('close')
      client.disconnect()
    },
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password/i.test(message)) return 'wrong password'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code || message.slice(0, 100)
}

const bytes = (vector: Float32Array) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

const floats = (value: Buffer) =>
  value.length === 0 || value.length % 4 !== 0 ? undefined : new Float32Array(new Uint8Array(value).buffer)
