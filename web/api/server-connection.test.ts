import { expect, test, vi } from 'vitest'
import { createServerConnection } from './server-connection.ts'

const ok = () => Promise.resolve(Response.json({ ok: true }))
const refuse = () => Promise.reject(new TypeError('Failed to fetch'))

test('counts a connection as lost when a request and the probe fail, until the server answers', async () => {
  let answer = refuse as () => Promise<Response>
  const connection = createServerConnection(() => answer())
  const states: string[] = []
  connection.subscribe(() => states.push(connection.getSnapshot()))

  await expect(connection.fetch('/me')).rejects.toThrow()
  await expect.poll(() => states).toEqual(['lost'])

  answer = ok
  connection.check()
  await expect.poll(() => states).toEqual(['lost', 'up'])
})

test('stays up when a request fails and the server answers', async () => {
  const paths: string[] = []
  const connection = createServerConnection((input) => {
    paths.push(String(input))
    return input === '/health' ? ok() : refuse()
  })
  await expect(connection.fetch('/me')).rejects.toThrow()
  await expect.poll(() => paths).toEqual(['/me', '/health'])
  expect(connection.getSnapshot()).toBe('up')
})

test('does not check after a request that the page aborted', async () => {
  const send = vi.fn(refuse)
  const connection = createServerConnection(send)
  await expect(connection.fetch('/me', { signal: AbortSignal.abort() })).rejects.toThrow()
  expect(send).toHaveBeenCalledOnce()
})

test('counts the error page of a proxy as lost', async () => {
  const connection = createServerConnection(() =>
    Promise.resolve(new Response('Bad gateway', { status: 502 })),
  )
  await connection.fetch('/me')
  await expect.poll(() => connection.getSnapshot()).toBe('lost')
})

test('checks a request that gets no response for ten seconds', async () => {
  vi.useFakeTimers()
  try {
    const connection = createServerConnection((input) =>
      input === '/health' ? refuse() : new Promise<Response>(() => undefined),
    )
    void connection.fetch('/me')
    await vi.advanceTimersByTimeAsync(9_999)
    expect(connection.getSnapshot()).toBe('up')
    await vi.advanceTimersByTimeAsync(1)
    expect(connection.getSnapshot()).toBe('lost')
  } finally {
    vi.useRealTimers()
  }
})
