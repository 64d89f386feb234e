import type { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { createSignInThrottle } from './accounts/sign-in-throttle.ts'
import { addressKey, connectRedis, createRateLimiter } from './rate-limiter.ts'

const redisUrl = process.env['TEST_REDIS_URL'] ?? ''

test('counts by key and returns the time to wait', async () => {
  const limiter = createRateLimiter({ name: 'test', points: 2, duration: 60 }, undefined)
  expect(await limiter.consume('ann')).toEqual({ remaining: 1 })
  expect(await limiter.consume('ann')).toEqual({ remaining: 0 })
  expect(await limiter.consume('ann')).toEqual({ waitMs: expect.closeTo(60_000, -4) })
  expect(await limiter.consume('bob')).toEqual({ remaining: 1 })
  expect(await limiter.consume('bob', 1)).toEqual({ waitMs: expect.closeTo(60_000, -4) })
})

test('evicts the least recently used key when there are too many', async () => {
  const limiter = createRateLimiter({ name: 'test', points: 1, duration: 60 }, undefined)
  await limiter.consume('oldest')
  for (let n = 0; n < 100_000; n += 1) await limiter.consume(`key ${n}`)
  expect(await limiter.consume('oldest')).toEqual({ remaining: 0 })
  expect(await limiter.consume('key 99999')).toHaveProperty('waitMs')
})

describe.runIf(redisUrl !== '' || process.env['CI'] === 'true')('counts in Redis', () => {
  async function connect(): Promise<Redis> {
    const redis = connectRedis(redisUrl)
    await new Promise((resolve) => redis.once('ready', resolve))
    return redis
  }

  test('servers share them', async () => {
    const [one, other] = await Promise.all([connect(), connect()])
    const name = `test-${process.pid}`
    const limiters = [one, other].map((redis) => createRateLimiter({ name, points: 3, duration: 60 }, redis))
    const counted = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => limiters[n % 2]?.consume('ann')),
    )
    expect(counted.filter((each) => each && 'remaining' in each)).toHaveLength(3)
    expect(await one.keys(`gabee:${name}:*`)).toEqual([`gabee:${name}:ann`])
    one.disconnect()
    other.disconnect()
  })

  test('limit sign-ins on all servers together', async () => {
    const [one, other] = await Promise.all([connect(), connect()])
    const throttles = [one, other].map((redis) => createSignInThrottle({ limit: 10, redis }))
    const account = `ann-${process.pid}`
    const attempts = Array.from({ length: 60 }, async (_, n) =>
      throttles[n % 2]?.begin({ ip: '198.51.100.7' }, account),
    )
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    one.disconnect()
    other.disconnect()
  })

  test('continue in memory while Redis is unavailable', async () => {
    const redis = await connect()
    const limiter = createRateLimiter({ name: `away-${process.pid}`, points: 2, duration: 60 }, redis)
    redis.disconnect()
    expect(await limiter.consume('ann')).toEqual({ remaining: 1 })
    expect(await limiter.consume('ann')).toEqual({ remaining: 0 })
    expect(await limiter.consume('ann')).toHaveProperty('waitMs')
  })
})

test.each([
  ['198.51.100.7', '198.51.100.7'],
  ['::ffff:198.51.100.7', '198.51.100.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('addressKey of %s is %s', (ip, key) => {
  expect(addressKey(ip)).toBe(key)
})
