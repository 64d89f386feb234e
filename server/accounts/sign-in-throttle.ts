import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { addressKey, createRateLimiter, hashKey, toRetryAfter } from '../rate-limiter.ts'
import { tooManyAttempts } from './errors.ts'

const windowSeconds = 15 * 60
/** The interval at which attempts beyond a budget are allowed, so that others cannot lock a user out. */
const backoffSeconds = 30
/** Several users may share an address; password spraying needs many accounts. */
const addressFactor = 3
/** NIST SP 800-63B, 3.2.2: no more than 100 consecutive failed attempts on one account, at the default limit of 10. */
const accountFactor = 10
/** All clients behind a proxy that TRUST_PROXY does not list share one address. */
const sharedAddressFactor = 10
const maxKnownClients = 10_000
/** As long as a session lasts by default. */
const knownForMs = 30 * 24 * 60 * 60_000

/** Where an attempt comes from. */
export type Client = {
  /** The address of the connection, or the one in the header of a trusted proxy. */
  ip: string
  /** The forwarding header of an untrusted proxy. It distinguishes clients and gives no rights. */
  forwardedFor?: string | undefined
}

export type Attempt = {
  /** Whether this client has signed in to the account before; its password check takes precedence. */
  isKnown: boolean
  /** Refunds the attempt to all budgets. */
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
      const pair = hashKey(`${address} ${client.forwardedFor ?? ''} ${account}`)
      const isKnown = knownClients.has(pair)
      const refunds: (() => Promise<void>)[] = []
      if (limit > 0 && !isKnown) {
        const budget = client.forwardedFor === undefined ? addresses : sharedAddresses
        refunds.push(await budget.consume(address), await accounts.consume(hashKey(account)))
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

export type SignInThrottle = ReturnType<typeof createSignInThrottle>

/** Counts requests without a session by address, `points` per hour. */
export function createAddressLimit(name: string, points: number, redis?: Redis) {
  const limiter = createRateLimiter({ name, points, duration: 60 * 60 }, redis)
  return {
    /** @throws 429 with the seconds to wait */
    async consume({ ip }: Client): Promise<void> {
      const counted = await limiter.consume(addressKey(ip))
      if ('waitMs' in counted) throw tooManyAttempts(toRetryAfter(counted.waitMs))
    },
  }
}

export type AddressLimit = ReturnType<typeof createAddressLimit>

/** A number of attempts per window, then one per back-off interval. */
function createBudget(name: string, points: number, redis: Redis | undefined) {
  const budget = createRateLimiter({ name, points, duration: windowSeconds }, redis)
  const backoff = createRateLimiter({ name: `${name}-backoff`, points: 1, duration: backoffSeconds }, redis)
  return {
    /** Counts an attempt and returns a function that refunds it. @throws 429 with the seconds to wait */
    async consume(key: string): Promise<() => Promise<void>> {
      const counted = await budget.consume(key)
      // The last attempt of the budget begins the first back-off interval, unless another server has already counted an
      // attempt beyond the budget in it.
      if ('waitMs' in counted || counted.remaining === 0) {
        const due = await backoff.consume(key)
        if ('waitMs' in due) throw tooManyAttempts(toRetryAfter(due.waitMs))
      }
      return async () => {
        if ('remaining' in counted) await budget.reward(key)
      }
    },
    async reset(key: string): Promise<void> {
      await Promise.all([budget.reset(key), backoff.reset(key)])
    },
  }
}
