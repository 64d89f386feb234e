import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fairSemaphore } from './fair-semaphore.ts'

/** Requests a permit for each name, whose first letter is the user, and records the order in which they get one. */
function setUp(count: number) {
  const semaphore = fairSemaphore(count)
  const served: string[] = []
  return {
    served,
    release: (user: string) => semaphore.release(user),
    async request(name: string, signal = new AbortController().signal): Promise<void> {
      await semaphore.acquire(name.charAt(0), signal)
      served.push(name)
    },
  }
}

test('serves a user without a permit at once while another user has all of them', async () => {
  const { served, request, release } = setUp(2)
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) void request(name)
  await nextTick()
  expect(served).toEqual(['a1', 'a2', 'b1'])
  release('b')
  await nextTick()
  expect(served).toEqual(['a1', 'a2', 'b1', 'b2'])
})

test('serves waiting users in turn, each in order', async () => {
  const { served, request, release } = setUp(1)
  for (const name of ['a1', 'b1', 'a2', 'a3', 'b2', 'c1', 'c2']) void request(name)
  await nextTick()
  expect(served).toEqual(['a1', 'b1'])
  for (const user of ['a', 'b', 'a', 'b', 'c']) {
    release(user)
    await nextTick()
  }
  expect(served).toEqual(['a1', 'b1', 'a2', 'b2', 'c1', 'a3', 'c2'])
})

test('removes a request whose signal is aborted', async () => {
  const { served, request, release } = setUp(1)
  const aborted = new AbortController()
  await request('a1')
  const second = request('a2', aborted.signal)
  void request('a3')
  aborted.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  release('a')
  await nextTick()
  expect(served).toEqual(['a1', 'a3'])
})
