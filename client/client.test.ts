import { expect, test } from 'vitest'
import * as z from 'zod/mini'
import { operation } from '../contract/operation.ts'
import { ApiError, createClient } from './client.ts'

const createItem = operation({
  method: 'POST',
  path: '/things/:id',
  tags: [],
  summary: '',
  params: z.object({ id: z.string() }),
  query: z.object({ limit: z._default(z.coerce.number(), 10), past: z.optional(z.stringbool()) }),
  body: z.optional(z.object({ name: z.string() })),
  responses: { 200: z.object({ name: z.string() }), 204: z.undefined() },
})
const input = { params: { id: 'a/b' } }

const respondWith = (status: number, body: string, headers: Record<string, string> = {}) => {
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

const errorFor = async (
  status: number,
  body: string,
  headers?: Record<string, string>,
): Promise<ApiError> => {
  const { client } = respondWith(status, body, headers)
  const error = await client.call(createItem, input).catch((thrown: unknown) => thrown)
  if (!(error instanceof ApiError)) throw new Error('not an ApiError')
  return error
}

test('builds the request from the operation and its input', async () => {
  const { client, sent } = respondWith(200, '{"name":"x"}')
  await client.call(createItem, {
    ...input,
    query: { limit: 1, past: undefined },
    body: { name: 'ä&b' },
    idempotencyKey: 'k',
  })
  const [{ url, init } = { url: '', init: {} }] = sent
  expect([init.method, url, init.body]).toEqual(['POST', '/things/a%2Fb?limit=1', '{"name":"ä&b"}'])
  const headers = new Headers(init.headers)
  expect(headers.get('Authorization')).toBe('Bearer key')
  expect(headers.get('Idempotency-Key')).toBe('k')
  expect(headers.get('Content-Type')).toBe('application/json')
})

test('sends neither a body nor its type without one', async () => {
  const { client, sent } = respondWith(200, '{"name":"x"}')
  await client.call(createItem, input)
  expect(sent[0]?.init.body).toBeUndefined()
  expect(new Headers(sent[0]?.init.headers).get('Content-Type')).toBeNull()
})

test('returns the response parsed by the schema of the operation', async () => {
  const { client } = respondWith(200, '{"name":"x","unknown":1}')
  expect(await client.call(createItem, input)).toEqual({ name: 'x' })
})

test('returns undefined for 204', async () => {
  expect(await respondWith(204, '').client.call(createItem, input)).toBeUndefined()
})

test.each(['{"name":1}', '[]', '<html>'])('throws unreadable_answer for %s', async (body) => {
  expect(await errorFor(200, body)).toMatchObject({ code: 'unreadable_answer', isTransient: false })
})

test('throws the error of the server', async () => {
  const body = JSON.stringify({
    error: { code: 'taken', message: 'That handle is taken.', details: [1] },
    detail: '',
  })
  expect(await errorFor(409, body, { 'X-Request-Id': 'r1' })).toMatchObject({
    status: 409,
    code: 'taken',
    message: 'That handle is taken.',
    details: [1],
    requestId: 'r1',
    isTransient: false,
  })
})

test('has a message for responses that are not from this server', async () => {
  expect(await errorFor(502, '<html>Bad gateway</html>')).toMatchObject({
    code: 'http_502',
    message: 'The server is not ready. Try again in a moment.',
    isTransient: true,
  })
  expect((await errorFor(418, '')).message).toContain('418')
  expect((await errorFor(429, '', { 'Retry-After': '3' })).retryAfter).toBe(3_000)
})

test('throws unreachable without a response, and the reason of an abort', async () => {
  const client = createClient({ fetch: () => Promise.reject(new TypeError('fetch failed')) })
  await expect(client.call(createItem, input)).rejects.toMatchObject({
    status: 0,
    code: 'unreachable',
    isTransient: true,
  })
  const signal = AbortSignal.abort(new DOMException('gone', 'AbortError'))
  await expect(client.call(createItem, { ...input, signal })).rejects.not.toBeInstanceOf(ApiError)
})

test('reports the end of the session for 401, except while signing in', async () => {
  const expired = respondWith(401, '')
  await expect(expired.client.call(createItem, input)).rejects.toThrow()
  expect(expired.signedOut).toEqual(['out'])
  const login = respondWith(401, '')
  const logIn = { ...createItem, path: '/auth/login' }
  await expect(login.client.call(logIn, input)).rejects.toThrow()
  expect(login.signedOut).toEqual([])
})
