import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../app.ts'
import { ask, bodyOf, createAvee, createConversation, registerUser, type TestUser } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { type ScriptedServer, startOpenAi } from '../model-servers.ts'
import { expectError, expectErrorResponse, isoTime, sendRaw, uuid7 } from './contract.ts'

let models: ScriptedServer
let app: TestApp
let owner: TestUser
let other: TestUser

beforeAll(async () => {
  models = await startOpenAi()
  app = await startApp({ OPENAI_BASE_URL: models.url })
  owner = await registerUser(app)
  other = await registerUser(app)
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await models?.[Symbol.asyncDispose]()
})

test('returns exactly {"ok":true} from /health without a login', async () => {
  const { status, body, headers } = await sendRaw(app, 'GET', '/health')
  expect({ status, body }).toEqual({ status: 200, body: '{"ok":true}' })
  expect(headers['content-type']).toMatch(/^application\/json/)
})

test('returns the state of the database and the models from /health/ready without a login', async () => {
  const { status, body } = await app.get<Record<string, unknown>>('/health/ready')
  expect([200, 503]).toContain(status)
  expect(body).toMatchObject({ ok: status === 200, database: { ok: true }, models: {} })
})

test('uses time-ordered UUIDv7 ids and ISO 8601 times in UTC', async () => {
  const first = await createAvee(owner.client)
  const second = await createAvee(owner.client)
  for (const { id, created_at, updated_at } of [first, second]) {
    expect(id).toMatch(uuid7)
    expect(created_at).toMatch(isoTime)
    expect(updated_at).toMatch(isoTime)
  }
  expect(first.id < second.id).toBe(true)
})

describe('errors', () => {
  const json = { 'content-type': 'application/json' }
  const { stringify } = JSON

  test('400 for malformed requests', async () => {
    for (const body of ['{"handle":', 'handle=ada', '{"a":1}}', '\u0000', '﻿{'])
      await expectErrorResponse(
        await owner.client.fetch('/avees', { method: 'POST', headers: json, body }),
        400,
      )
    const boundless = { 'content-type': 'multipart/form-data' }
    await expectErrorResponse(
      await owner.client.fetch('/api/documents/upload', { method: 'POST', headers: boundless, body: 'x' }),
      400,
    )
  })

  test('400 for invalid UTF-8 in a path', async () => {
    const { status, body } = await sendRaw(app, 'GET', '/avees/%ff%fe', {
      headers: { host: new URL(app.url).host, authorization: `Bearer ${owner.client.token}` },
    })
    expect([400, 404]).toContain(status)
    expect(JSON.parse(body)).toMatchObject({
      error: { code: expect.any(String) },
      detail: expect.any(String),
    })
  })

  test('401 without a token, and with one that is invalid, of another kind, or signed out', async () => {
    expectError(await app.get('/me'), 401)
    expectError(await app.as('nothing-i-know').get('/me'), 401)
    expectError(await app.as(`${owner.client.token}x`).get('/me'), 401)
    for (const authorization of [
      'Bearer',
      'Bearer ',
      'Basic YTpi',
      'Bearer a b',
      `bearer\t${'x'.repeat(5000)}`,
    ])
      await expectErrorResponse(await app.fetch('/me', { headers: { authorization } }), 401)
    const { client } = await registerUser(app)
    expect(await client.post('/auth/logout')).toMatchObject({ status: 200 })
    expectError(await client.get('/me'), 401)
  })

  test('accept the authorization scheme in any case', async () => {
    const headers = { authorization: `bearer ${owner.client.token}` }
    expect((await app.fetch('/me', { headers })).status).toBe(200)
  })

  test('403 for what a user may see but not change, 404 for what they may not see', async () => {
    const shown = await createAvee(owner.client, { visibility: 'public' })
    const hidden = await createAvee(owner.client, { visibility: 'private' })
    expectError(await other.client.patch(`/avees/${shown.id}`, { bio: 'Mine now.' }), 403)
    expectError(await other.client.delete(`/avees/${shown.id}`), 403)
    const nobody = '0198a000-0000-7000-8000-000000000000'
    for (const ask of [
      (id: string) => other.client.get(`/avees/${id}`),
      (id: string) => other.client.patch(`/avees/${id}`, { bio: 'Mine now.' }),
      (id: string) => other.client.delete(`/avees/${id}`),
      (id: string) => other.client.get(`/avees/${id}/documents`),
      (id: string) => other.client.get(`/avees/${id}/permissions`),
      (id: string) => other.client.put(`/avees/${id}/follow`),
      (id: string) => other.client.post('/conversations', { avee: id }),
      (id: string) => other.client.post('/search', { avee: id, query: 'anything' }),
      (id: string) => other.client.post(`/avees/${id}/documents`, { title: 'a', text: 'b' }),
    ]) {
      const there = expectError(await ask(hidden.id), 404)
      const none = expectError(await ask(nobody), 404)
      const sentence = (message: string, id: string) => message.replaceAll(id, 'ID')
      expect({ ...there, message: sentence(there.message, hidden.id) }, 'the messages are the same').toEqual({
        ...none,
        message: sentence(none.message, nobody),
      })
    }
  })

  test('404 for unknown routes and objects', async () => {
    for (const path of ['/nothing', '/api/nothing', '/avees/x/y/z', '/chat', '/runs/x/y', '/v9/models'])
      expectError(await owner.client.get(path), 404)
    expectError(await owner.client.get('/avees/nobody-here'), 404)
    expectError(await owner.client.get('/documents/not-an-id'), 404)
    expectError(await owner.client.get('/conversations/not-an-id'), 404)
    expectError(await owner.client.get('/runs/not-an-id'), 404)
    expectError(await owner.client.delete('/api-keys/not-an-id'), 404)
  })

  test('405 with Allow for methods that a path does not have', async () => {
    for (const [response, allowed] of [
      [await owner.client.post('/health'), 'GET, HEAD'],
      [await owner.client.put('/avees'), 'GET, HEAD, POST'],
    ] as const) {
      expectError(response, 405)
      expect(response.headers.get('allow')).toBe(allowed)
    }
  })

  test('409 for a handle or address that is taken', async () => {
    const { handle } = await createAvee(owner.client)
    expectError(await other.client.post('/avees', { handle, display_name: 'Another' }), 409)
  })

  test('413 for a body that is too large', async () => {
    const body = stringify({ handle: 'large', display_name: 'x'.repeat(40_000_000) })
    await expectErrorResponse(
      await owner.client.fetch('/avees', { method: 'POST', headers: json, body }),
      413,
    )
  })

  test('415 for a type that is not supported', async () => {
    for (const type of ['text/xml', 'application/octet-stream'])
      await expectErrorResponse(
        await owner.client.fetch('/avees', {
          method: 'POST',
          headers: { 'content-type': type },
          body: '<handle/>',
        }),
        415,
      )
  })

  test('422 for invalid fields, with the path and the problem of each', async () => {
    const { details } = expectError(await owner.client.post('/avees', { handle: 'No!', bio: 7 }), 422)
    const list = details as { path: string; problem: string }[]
    expect(list.map(({ path }) => path).toSorted()).toEqual(['bio', 'display_name', 'handle'])
    for (const { problem } of list) expect(problem).toMatch(/\S/)
    for (const body of [[], 'text', 7, null, true, { handle: ['ada'], display_name: { a: 1 } }])
      expectError(await owner.client.post('/avees', body), 422)
  })

  test('429 with Retry-After for too many wrong passwords', async () => {
    const { session } = await registerUser(app)
    const attempt = () => app.post('/auth/login', { email: session.user.email, password: 'wrong password' })
    for (let i = 0; i < 10; i += 1) expectError(await attempt(), 401)
    const response = await attempt()
    expectError(response, 429)
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  })

  test('503 names the unavailable service and how to fix it', async () => {
    const { message } = expectError(
      await owner.client.post('/api/models/pull', { model: 'llama3.2:1b' }),
      503,
    )
    expect(message).toMatch(/Ollama/)
  })

  test('in a stream are its last event, after which the connection ends normally', async () => {
    const avee = await createAvee(owner.client)
    const conversation = await createConversation(owner.client, avee.id)
    models.script('/v1/chat/completions', { status: 400, message: 'I will not.' })
    const events = await ask(owner.client, conversation.id, 'Hello')
    const last = events.at(-1)?.data as { error?: { code: string; message: string } }
    expect(last.error).toMatchObject({
      code: expect.stringMatching(/^[a-z0-9_]+$/),
      message: expect.any(String),
    })
  })
})

describe('X-Request-Id', () => {
  test('is on every response: pages, errors, streams, preflights', async () => {
    const avee = await createAvee(owner.client)
    const conversation = await createConversation(owner.client, avee.id)
    const responses = await Promise.all([
      owner.client.fetch('/'),
      owner.client.fetch('/health'),
      owner.client.fetch('/me'),
      app.fetch('/me'),
      owner.client.fetch('/nothing'),
      owner.client.fetch('/avees', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      }),
      owner.client.fetch('/health', { method: 'HEAD' }),
      app.fetch('/me', {
        method: 'OPTIONS',
        headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'GET' },
      }),
      owner.client.fetch(`/chat/stream?conversation_id=${conversation.id}&question=Hello`, {
        method: 'POST',
      }),
    ])
    const ids = await Promise.all(
      responses.map(async (answer) => {
        await answer.text()
        return answer.headers.get('x-request-id')
      }),
    )
    for (const id of ids) expect(id).toMatch(/^\S+$/)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('CORS', () => {
  const exposed = ['x-run-id', 'x-request-id', 'location', 'retry-after']
  const listOf = (value: string | null) => (value ?? '').toLowerCase().split(/\s*,\s*/)
  const origins = ['localhost:3000', '127.0.0.1:3000', 'localhost:3001', '127.0.0.1:3001'].map(
    (host) => `http://${host}`,
  )

  test.each(origins)(
    'allows %s to call with a bearer token: preflights, responses, errors, streams',
    async (origin) => {
      const preflight = await app.fetch('/chat/stream', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type, last-event-id, idempotency-key',
        },
      })
      expect(preflight.status).toBeLessThan(300)
      expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
      for (const header of ['authorization', 'content-type', 'last-event-id', 'idempotency-key'])
        expect(listOf(preflight.headers.get('access-control-allow-headers'))).toContain(header)
      for (const method of ['get', 'post', 'put', 'patch', 'delete'])
        expect(listOf(preflight.headers.get('access-control-allow-methods'))).toContain(method)

      const avee = await createAvee(owner.client)
      const conversation = await createConversation(owner.client, avee.id)
      const headers = { origin }
      for (const [answer, status] of [
        [await owner.client.fetch('/me', { headers }), 200],
        [await app.fetch('/me', { headers }), 401],
        [await owner.client.fetch('/nothing', { headers }), 404],
        [
          await owner.client.fetch(`/chat/stream?conversation_id=${conversation.id}`, {
            method: 'POST',
            headers,
          }),
          400,
        ],
        [
          await owner.client.fetch(`/chat/stream?conversation_id=${conversation.id}&question=Hello`, {
            method: 'POST',
            headers,
          }),
          200,
        ],
      ] as const) {
        await answer.text()
        expect(answer.status).toBe(status)
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
        for (const header of exposed)
          expect(listOf(answer.headers.get('access-control-expose-headers'))).toContain(header)
        expect(listOf(answer.headers.get('vary'))).toContain('origin')
      }
    },
  )

  test.each([
    'http://localhost:3002',
    'https://localhost:3000',
    'http://localhost:3000.evil.example',
    'null',
  ])('does not allow %s', async (origin) => {
    const response = await app.fetch('/health', { headers: { origin } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('HEAD and OPTIONS', () => {
  test('HEAD is GET without a body', async () => {
    const get = await sendRaw(app, 'GET', '/health')
    const head = await sendRaw(app, 'HEAD', '/health')
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-type']).toBe(get.headers['content-type'])
    expect(await sendRaw(app, 'HEAD', '/me')).toMatchObject({ status: 401, body: '' })
  })

  test('OPTIONS without an Origin header succeeds', async () => {
    const { status } = await sendRaw(app, 'OPTIONS', '/me')
    expect(status).toBeLessThan(500)
  })
})

describe('personal mode', () => {
  let home: TestApp
  beforeAll(async () => {
    home = await startApp({ PUBLIC_URL: 'https://gabee.example' })
  })
  afterAll(async () => await home?.[Symbol.asyncDispose]())

  const as = (host: string, headers: Record<string, string> = {}) => ({ host, ...headers })
  const here = () => new URL(home.url).host
  const port = () => new URL(home.url).port

  test('treats requests from this machine as the owner', async () => {
    expect(await home.get('/me')).toMatchObject({ status: 200, body: { mode: 'personal', is_admin: true } })
    const { status } = await home.post('/avees', { handle: 'mine', display_name: 'Mine' })
    expect(status).toBe(201)
  })

  test('returns 403 for a host that is neither loopback nor the configured public one', async () => {
    for (const host of ['localhost', `localhost:${port()}`, `127.0.0.1:${port()}`, `[::1]:${port()}`])
      expect(await sendRaw(home, 'GET', '/me', { headers: as(host) })).toMatchObject({ status: 200 })
    for (const host of [
      'evil.example',
      'evil.example:8000',
      '192.168.1.5',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '0x7f.1.evil.example',
    ])
      for (const method of ['GET', 'DELETE'])
        expect(await sendRaw(home, method, '/me', { headers: as(host) })).toMatchObject({ status: 403 })
    expect((await sendRaw(home, 'GET', '/me', { headers: as('gabee.example') })).status).toBe(200)
  })

  test('returns 403 for cross-site requests that would change something', async () => {
    const body = JSON.stringify({ handle: 'theirs', display_name: 'Theirs' })
    const json = { 'content-type': 'application/json' }
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: `http://${here()}`, 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      const answer = await sendRaw(home, 'POST', '/avees', {
        headers: as(here(), { ...json, ...headers }),
        body,
      })
      expect(answer, JSON.stringify(headers)).toMatchObject({ status: 403 })
      expect(JSON.parse(answer.body)).toMatchObject({ detail: expect.any(String) })
      const plain = { ...headers, 'content-type': 'text/plain' }
      const { status } = await sendRaw(home, 'POST', '/api/chat', { headers: as(here(), plain), body: '{}' })
      expect(status).toBe(403)
    }
    expectError(await home.get('/avees/theirs'), 404)
  })

  test('requires a login from every other origin, even an allowed one, even to read', async () => {
    for (const origin of ['http://localhost:3000', 'https://evil.example']) {
      for (const method of ['GET', 'DELETE']) {
        const { status } = await sendRaw(home, method, '/me', { headers: as(here(), { origin }) })
        expect([401, 403]).toContain(status)
      }
    }
  })

  test('ends with the first password, after which the owner keeps everything and needs a token', async () => {
    const { client } = await registerUser(home)
    expectError(await home.get('/me'), 401)
    expect(await client.get('/me')).toMatchObject({ body: { mode: 'accounts', is_admin: true } })
    expect(bodyOf(await client.get<{ is_owner: boolean }>('/avees/mine')).is_owner).toBe(true)
  })
})

describe('accounts mode on other addresses', () => {
  test('requires a token or the page’s cookie from the start', async () => {
    await using wide = await startApp({ HOST: '0.0.0.0' })
    expectError(await wide.get('/me'), 401)
    const response = await wide.fetch('/auth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        email: 'a@example.org',
        password: 'a good long password',
        setup_token: await wide.app.accounts.setupToken(),
      }),
    })
    expect(response.status).toBe(201)
    const cookie = response.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly/i)
    expect(cookie).toMatch(/SameSite=(?:Lax|Strict)/i)
    const pair = cookie.split(';')[0] ?? ''
    const from = async (headers: Record<string, string>) =>
      (await (wide as TestClient).fetch('/me', { headers: { cookie: pair, ...headers } })).status
    expect(await from({})).toBe(200)
    expect(await from({ origin: 'https://evil.example' })).not.toBe(200)
  })
})
