import { expect, test } from 'vitest'
import { ApiError, createClient, type RequestOptions } from './client.ts'

const answering = (status: number, body: string, headers: Record<string, string> = {}) => {
  const signedOut: string[] = []
  const sent: { url: string; init: RequestInit }[] = []
  const client = createClient({
    token: () => 'key',
    onSignedOut: () => signedOut.push('out'),
    fetch: async (url, init) => {
      sent.push({ url: String(url), init: init ?? {} })
      return new Response(status === 204 ? null : body, { status, headers })
    },
  })
  return { client, signedOut, sent }
}
const failure = async (status: number, body: string, headers?: Record<string, string>): Promise<ApiError> => {
  const { client } = answering(status, body, headers)
  const error = await client.request('GET', '/x').catch((thrown: unknown) => thrown)
  if (!(error instanceof ApiError)) throw new Error('not an ApiError')
  return error
}

test('what the server says is what is thrown', async () => {
  const body = JSON.stringify({
    error: { code: 'taken', message: 'That handle is taken.', details: [1] },
    detail: '',
  })
  expect(await failure(409, body, { 'X-Request-Id': 'r1' })).toMatchObject({
    status: 409,
    code: 'taken',
    message: 'That handle is taken.',
    details: [1],
    requestId: 'r1',
    passing: false,
  })
})

test('an answer that is not of this server still becomes a sentence', async () => {
  expect(await failure(502, '<html>Bad gateway</html>')).toMatchObject({
    code: 'http_502',
    message: 'The server is not ready yet. Try again in a moment.',
    passing: true,
  })
  expect((await failure(418, '')).message).toContain('418')
  expect((await failure(429, '', { 'Retry-After': '3' })).retryAfter).toBe(3_000)
})

test('no answer at all is told as such, a request that was given up as what it is', async () => {
  const client = createClient({ fetch: () => Promise.reject(new TypeError('fetch failed')) })
  await expect(client.request('GET', '/x')).rejects.toMatchObject({
    status: 0,
    code: 'unreachable',
    passing: true,
  })
  const signal = AbortSignal.abort(new DOMException('gone', 'AbortError'))
  await expect(client.request('GET', '/x', { signal })).rejects.not.toBeInstanceOf(ApiError)
})

test('a 401 signs out, except where one is just signing in', async () => {
  const elsewhere = answering(401, '')
  await expect(elsewhere.client.request('GET', '/me')).rejects.toThrow()
  expect(elsewhere.signedOut).toEqual(['out'])
  const login = answering(401, '')
  await expect(login.client.request('POST', '/auth/login')).rejects.toThrow()
  expect(login.signedOut).toEqual([])
})

test.each<[string, RequestOptions, string, string | undefined]>([
  ['left-out values', { query: { a: 1, b: undefined, c: 'ä&b' } }, '/x?a=1&c=%C3%A4%26b', undefined],
  ['no query', { query: { b: undefined } }, '/x', undefined],
  ['a body', { body: { a: 1 } }, '/x', '{"a":1}'],
])('a request with %s', async (_, options, url, body) => {
  const { client, sent } = answering(200, '{}')
  await client.request('POST', '/x', { ...options, idempotencyKey: 'k' })
  expect(sent[0]?.url).toBe(url)
  expect(sent[0]?.init.body).toBe(body)
  const headers = new Headers(sent[0]?.init.headers)
  expect(headers.get('Authorization')).toBe('Bearer key')
  expect(headers.get('Idempotency-Key')).toBe('k')
  expect(headers.get('Content-Type')).toBe(body ? 'application/json' : null)
})

test('an answer without content is undefined', async () => {
  expect(await answering(204, '').client.request('DELETE', '/x')).toBeUndefined()
})
