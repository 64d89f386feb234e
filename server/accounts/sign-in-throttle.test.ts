import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Client, createSignInThrottle } from './sign-in-throttle.ts'

const client = (n: number): Client => ({ ip: `198.51.${n >> 8}.${n & 255}` })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Makes failing attempts and returns how many were admitted. */
async function countAdmitted(attempts: Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(attempts)
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

describe('sign-in throttle', () => {
  test('admits no more than the limit of simultaneous attempts on one account', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    const attempts = Array.from({ length: 99 }, () => throttle.begin(client(1), 'ann'))
    expect(await countAdmitted(attempts)).toBe(10)
  })

  test('stops one address from trying forty accounts', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    const attempts = Array.from({ length: 40 }, (_, n) => throttle.begin(client(1), `user ${n}`))
    expect(await countAdmitted(attempts)).toBe(30)
  })

  test('stops many addresses from guessing the password of one account', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    const attempts = Array.from({ length: 500 }, (_, n) => throttle.begin(client(n), 'ann'))
    expect(await countAdmitted(attempts)).toBe(100)
  })

  test('admits a client that has signed in before while strangers guess', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    await (await throttle.begin(client(1), 'ann')).succeed()
    await countAdmitted(Array.from({ length: 500 }, (_, n) => throttle.begin(client(n + 2), 'ann')))
    await countAdmitted(Array.from({ length: 50 }, (_, n) => throttle.begin(client(1), `user ${n}`)))
    expect(await throttle.begin(client(1), 'ann')).toMatchObject({ isKnown: true })
  })

  test('distinguishes clients behind an untrusted proxy', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    const from = (forwardedFor: string) => ({ ip: '10.0.0.1', forwardedFor })
    await countAdmitted(Array.from({ length: 20 }, () => throttle.begin(from('203.0.113.9'), 'owner')))
    await expect(throttle.begin(from('203.0.113.9'), 'owner')).rejects.toMatchObject({ status: 429 })
    await expect(throttle.begin(from('198.51.100.7'), 'owner')).resolves.toMatchObject({ isKnown: false })
  })

  test('admits one attempt per back-off interval once the budget is spent', async () => {
    const throttle = createSignInThrottle({ limit: 1 })
    await throttle.begin(client(1), 'ann')
    await expect(throttle.begin(client(1), 'ann')).rejects.toMatchObject({ status: 429, retryAfter: 30 })
    await vi.advanceTimersByTimeAsync(30_001)
    await expect(throttle.begin(client(1), 'ann')).resolves.toBeDefined()
    await expect(throttle.begin(client(1), 'ann')).rejects.toMatchObject({ status: 429 })
  })

  test('admits attempts again after a quarter of an hour', async () => {
    const throttle = createSignInThrottle({ limit: 10 })
    await countAdmitted(Array.from({ length: 20 }, () => throttle.begin(client(1), 'ann')))
    await vi.advanceTimersByTimeAsync(15 * 60_000 + 1)
    expect(await countAdmitted(Array.from({ length: 10 }, () => throttle.begin(client(1), 'ann')))).toBe(10)
  })

  test('does not count successful attempts', async () => {
    const throttle = createSignInThrottle({ limit: 1 })
    for (let n = 0; n < 20; n++) await (await throttle.begin(client(1), `user ${n}`)).succeed()
  })

  test('is off with a limit of 0', async () => {
    const throttle = createSignInThrottle({ limit: 0 })
    expect(await countAdmitted(Array.from({ length: 200 }, () => throttle.begin(client(1), 'ann')))).toBe(200)
  })
})
