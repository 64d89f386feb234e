import type { Redis } from 'ioredis'
import type { Work } from '../contract/operation.ts'
import type { DiskSpace } from './disk-space.ts'
import type { Caller } from './http/caller.ts'
import {
  addressKey,
  createRateLimiter,
  type RateLimiter,
  tooManyRequests,
  toRetryAfter,
} from './rate-limiter.ts'

/** The factor for addresses, because users of one household or office share one. */
const addressFactor = 10

const windowSeconds: Record<Work, number> = { questions: 60, uploads: 60 * 60, pulls: 60 * 60 }

/**
 * Limits of the work that a user may start: questions per minute, uploads and pulls per hour; and questions per hour
 * and address of visitors without an account. 0: no limit.
 */
type WorkLimits = Record<Work | 'anonymousQuestions', number>

/**
 * Returns a function that admits new work of a user or throws: 507 while the disk is almost full, 429 beyond the limit
 * of the user (with all sessions and API keys) or beyond ten times that limit of one address. Visitors without an account
 * have a limit by address instead.
 */
export function limitWork(limits: WorkLimits, disk: DiskSpace, redis: Redis | undefined) {
  const limiters = new Map<Work, { users: RateLimiter; addresses: RateLimiter }>()
  for (const work of Object.keys(windowSeconds) as Work[]) {
    const [points, duration] = [limits[work], windowSeconds[work]]
    if (points === 0) continue
    limiters.set(work, {
      users: createRateLimiter({ name: `${work}-user`, points, duration }, redis),
      addresses: createRateLimiter(
        { name: `${work}-address`, points: points * addressFactor, duration },
        redis,
      ),
    })
  }

  const points = limits.anonymousQuestions
  const visitors =
    points === 0
      ? undefined
      : createRateLimiter({ name: 'anonymous-questions', points, duration: 60 * 60 }, redis)

  return async (work: Work, { caller, ip }: { caller: Caller; ip: string }): Promise<void> => {
    await disk.assertFree()
    const { users, addresses } = limiters.get(work) ?? {}
    const isVisitor = caller.via === 'visitor'
    for (const counted of [
      await (isVisitor ? visitors?.consume(addressKey(ip)) : users?.consume(caller.userId)),
      await addresses?.consume(addressKey(ip)),
    ])
      if (counted && 'waitMs' in counted) throw tooManyRequests(toRetryAfter(counted.waitMs))
  }
}
