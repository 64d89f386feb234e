import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { tooManyAttempts } from './errors.ts'

const windowSeconds = 15 * 60
/** A spent budget still allows one attempt per this interval, so that others cannot lock a user out. */
const backoffSeconds = 30
/** Several users may share an address; password spraying needs many accounts. */
const addressFactor = 3
/** NIST SP 800-63B, 3.2.2: no more than 100 consecutive failed attempts on one account, at the default limit of 10. */
const accountFactor = 10
/** All clients behind a proxy that TRUST_PROXY does not list share one address. */
const sharedAddressFactor = 10
const maxKnownClients = 10_000
const knownForMs = 30 * 24 * 60 * 60_000

/** Where an attempt comes from. */
export type Client = {
  /** The address of the connection, or the one that a trusted proxy names. */
  ip: string
  /** The forwarding header of an untrusted proxy: it distinguishes clients but grants nothing. */
  forwardedFor?: string | undefined
}

export type Attempt = {
  /** Whether this client has signed in to the account before; its password check takes precedence. */
  isKnown: boolean
  /** Returns the attempt to all budgets. */
  succeed(): Promise<void>
}

/**
 * Limits password guessing. Every attempt is counted before its password is hashed, in three budgets per quarter of an
 * hour: client and account together, the address over all accounts, and the account over all addresses. A client that
 * has signed in to the account before is subject to the first budget only.
 */
export function createSignInThrottle({ limit, redis }: { limit: number; redis?: Redis | undefined }) {
  const pairs = createBudget('sign-in-pair', limit, redis)
  const addresses = createBudget('sign-in-address', limit * addressFactor, redis)
  const sharedAddresses = createBudget('sign-in-shared-address', limit * sharedAddressFactor, redis)
  const accounts = createBudget('sign-in-account', limit * accountFactor, redis)
  const knownClients = new LRUCache<string, true>({ max: maxKnownClients, ttl: knownForMs })

  return {
    /** Counts an attempt. @throws 429 with the seconds to wait */
    async begin(client: Client, account: string): Promise<Attempt> {
      const address = addressKey(client.ip)
      const pair = hash(`${address} ${client.forwardedFor ?? ''} ${account}`)
      const isKnown = knownClients.has(pair)
      const refunds: (() => Promise<void>)[] = []
      if (limit > 0 && !isKnown) {
        const budget = client.forwardedFor === undefined ? addresses : sharedAddresses
        refunds.push(await budget.consume(address), await accounts.consume(hash(account)))
      }
      if (limit > 0) await pairs.consume(pair)
      return {
        isKnown,
        async succeed() {
          knownClients.set(pair, true)
          await Promise.all([pairs.reset(pair), ...refunds.map((refund) => refund())])
        },
      }
    },
  }
}
/** Counts registrations per address. */
export function createRegistrationLimit(redis?: Redis) {
  const limiter = createLimiter('registration', 100, 60 * 60, redis)
  return {
    async consume({ ip }: Client): Promise<void> {
      await limiter.consume(addressKey(ip)).catch(refuse)
    },
  }
}

/** A number of attempts per window, then one per back-off interval. */
function createBudget(name: string, points: number, redis: Redis | undefined) {
  const budget = createLimiter(name, points, windowSeconds, redis)
  const backoff = createLimiter(`${name}-backoff`, 1, backoffSeconds, redis)
  return {
    /** Returns a function that gives the attempt back. */
    async consume(key: string): Promise<() => Promise<void>> {
      try {
        const { remainingPoints } = await budget.consume(key)
        // The first back-off interval begins with the last attempt of the budget.
        if (remainingPoints === 0) await backoff.consume(key).catch(() => {})
        return async () => void (await budget.reward(key))
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown
        await backoff.consume(key).catch(refuse)
        return async () => {}
      }
    },
    async reset(key: string): Promise<void> {
      await Promise.all([budget.delete(key), backoff.delete(key)])
    },
  }
}

/** Counts in memory, or in Redis for all servers; while Redis is unavailable, in memory. */
function createLimiter(name: string, points: number, duration: number, redis: Redis | undefined) {
  const options = { keyPrefix: `gabee:${name}`, points, duration }
  const memory = new RateLimiterMemory(options)
  return redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory
}

function refuse(thrown: unknown): never {
  if (thrown instanceof RateLimiterRes)
    throw tooManyAttempts(Math.max(1, Math.ceil(thrown.msBeforeNext / 1000)))
  throw thrown
}

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

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
