import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Database } from '../../server/db/index.ts'
import { AppError } from '../../server/errors.ts'
import type { Http } from '../../server/http/index.ts'
import { ANY_DATABASE, openTestDatabase } from '../databases.ts'
import { parseMetrics, sumOf } from '../prometheus.ts'
import { type Call, type ErrorResponse, openServer, password, type TestServer } from './server.ts'

const frontEnd = 'http://localhost:3000'

/** Registers routes that fail in every way. */
async function failingRoutes(http: Http): Promise<void> {
  http.get('/fail/own', async () => {
    throw new AppError(409, 'too_late', 'It is too late for this.', {
      details: { since: 1 },
      retryAfter: 2.2,
    })
  })
  http.get('/fail/unknown', async () => {
    throw new Error('select secret from /home/somebody/data')
  })
  http.get(
    '/fail/answer',
    { schema: { response: { 200: z.object({ n: z.number() }) } } },
    async () => ({ n: 'secret' }) as never,
  )
  http.get('/things/:id', { schema: { params: z.object({ id: z.uuid() }) } }, async () => ({ ok: true }))
  http.get(
    '/list',
    { schema: { querystring: z.object({ limit: z.coerce.number().max(5).optional() }) } },
    async () => ({ ok: true }),
  )
  http.post(
    '/things',
    {
      schema: {
        body: z.object({
          name: z.string('is no text'),
          parts: z.array(z.object({ n: z.number() })).optional(),
        }),
      },
    },
    async () => ({ ok: true }),
  )
  http.post('/optional', { schema: { body: z.object({ n: z.number() }).optional() } }, async (request) => ({
    body: request.body ?? 'none',
  }))
  http.get('/admin', { config: { access: 'admin' } }, async () => ({ ok: true }))
  http.get('/stream', { exposeHeadRoute: false }, async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.end('data: {}\n\n')
  })
}

describe('the HTTP server', () => {
  let database: Database
  let server: TestServer
  beforeAll(async () => {
    database = await openTestDatabase(ANY_DATABASE)
  })
  afterAll(async () => await database[Symbol.asyncDispose]())
  beforeEach(async () => {
    server = await openServer(database, {}, { routes: failingRoutes })
    return async () => await server.http.close()
  })
  const get = async (url: string, how: Call = {}) => await server.call<ErrorResponse>('GET', url, how)
  const post = async (
    url: string,
    payload: string,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => await server.call<ErrorResponse>('POST', url, { body: payload, headers })

  test('forbids caches to store responses of the API', async () => {
    const { token } = await server.register()
    for (const response of [
      await server.call('GET', '/me', { token }),
      await server.call('GET', '/me/avees', { token }),
      await server.call('POST', '/auth/login', { body: { email: 'person1@example.org', password } }),
      await server.call('POST', '/avees', { token, body: { handle: 'ada', display_name: 'Ada' } }),
    ])
      expect([response.status < 300, response.headers['cache-control']]).toEqual([true, 'no-store'])
  })

  describe('returns errors in one format', () => {
    test('for errors of modules', async () => {
      const { status, body, headers } = await get('/fail/own')
      expect(status).toBe(409)
      expect(body).toEqual({
        error: { code: 'too_late', message: 'It is too late for this.', details: { since: 1 } },
        detail: 'It is too late for this.',
      })
      expect(headers['retry-after']).toBe('3')
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
    })

    test.each(['/fail/unknown', '/fail/answer'])(
      'an internal error does not reveal its cause: %s',
      async (url) => {
        const { status, body } = await get(url)
        expect(status).toBe(500)
        expect(body.error.code).toBe('internal')
        expect(body.detail).toBe(body.error.message)
        expect(JSON.stringify(body)).not.toMatch(/secret|select|home|stack|node_modules/)
      },
    )

    test('for invalid fields', async () => {
      const { status, body } = await post('/things', '{"name":1,"parts":[{"n":2},{"n":"x"},{}]}')
      expect(status).toBe(422)
      expect(body.error.details).toEqual([
        { path: 'name', problem: 'is no text' },
        { path: 'parts.1.n', problem: 'must be a number' },
        { path: 'parts.2.n', problem: 'is missing' },
      ])
      expect(body.detail).toBe('The field name is no text. 2 more fields are invalid.')
      const empty = await post('/things', '')
      expect(empty.body.error.details).toEqual([{ path: '', problem: 'The body is missing.' }])
      expect(empty.body.detail).toBe('The body is missing.')
      const one = await post('/things', '{"name":"a","parts":[{}]}')
      expect(one.body.detail).toBe('The field parts.0.n is missing.')
      expect((await get('/list?limit=6')).status).toBe(422)
    })

    test.each([
      ['{', 400, 'malformed_json'],
      ['{"__proto__":{"isAdmin":true}}', 400, 'malformed_json'],
      [`{"name":"${'x'.repeat(5_000_000)}"}`, 413, 'too_large'],
    ])('an invalid body (%#)', async (payload, status, code) => {
      const response = await post('/things', payload)
      expect([response.status, response.body.error.code]).toEqual([status, code])
      expect(response.body.detail).toBe(response.body.error.message)
    })

    test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])(
      'an unsupported content type: %s',
      async (type) => {
        const response = await post('/things', 'name=x', { 'content-type': type })
        expect([response.status, response.body.error.code]).toEqual([415, 'type_not_supported'])
      },
    )

    test.each([
      ['GET', '/nowhere'],
      ['GET', '/api/nowhere'],
      ['GET', '/v1/nowhere'],
      ['POST', '/nowhere'],
      ['DELETE', '/nowhere?secret=1'],
    ] as const)('unknown route %s %s', async (method, url) => {
      const { status, body } = await server.call<ErrorResponse>(method, url, {
        headers: { accept: 'application/json' },
      })
      expect([status, body.error.code]).toEqual([404, 'not_found'])
      expect(body.detail).not.toContain('secret')
    })

    test('for an invalid id', async () => {
      for (const id of ['1', 'not-an-id', '%00', `${'9'.repeat(300)}`, "';drop table users"]) {
        const { status, body } = await get(`/things/${encodeURIComponent(id)}`)
        expect([id, status, body.error.code]).toEqual([id, 404, 'not_found'])
      }
    })

    test('for an unknown path', async () => {
      const { status, body, headers } = await get('/things/%E0%A4%A')
      expect([status, body.error.code]).toEqual([400, 'malformed'])
      expect(headers['x-request-id']).toBeTruthy()
    })

    test('for malformed HTTP', async () => {
      const port = Number(new URL(await server.http.listen({ port: 0, host: '127.0.0.1' })).port)
      const sendRaw = async (bytes: string) => {
        const socket = connect(port, '127.0.0.1')
        let text = ''
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        socket.write(bytes)
        await once(socket, 'close')
        return text
      }
      const garbage = await sendRaw('GARBAGE\r\n\r\n')
      expect(garbage).toMatch(/^HTTP\/1\.1 400 /)
      expect(JSON.parse(garbage.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'malformed' } })
      const large = await sendRaw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
      expect(large).toMatch(/^HTTP\/1\.1 431 /)
    })

    test('for an optional body', async () => {
      expect((await server.call('POST', '/optional')).body).toEqual({ body: 'none' })
      expect((await post('/optional', '')).body).toEqual({ body: 'none' })
      expect((await post('/optional', '{"n":1}')).body).toEqual({ body: { n: 1 } })
    })
  })

  describe('sets headers of every response', () => {
    const urls = ['/health', '/nowhere', '/fail/unknown', '/stream', '/docs', '/openapi.json', '/']

    test('a request id, the client’s if it is valid', async () => {
      for (const url of urls) {
        const given = await get(url, { headers: { 'x-request-id': 'abc-123' } })
        expect([url, given.headers['x-request-id']]).toEqual([url, 'abc-123'])
        const created = await get(url, { headers: { 'x-request-id': 'no "quotes", please' } })
        expect(created.headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/)
      }
    })

    test('the security headers', async () => {
      for (const url of urls) {
        const { headers } = await get(url)
        expect(headers['content-security-policy']).toContain("default-src 'self'")
        expect(headers['content-security-policy']).toContain("img-src 'self' data: blob:")
        expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
        expect(headers['content-security-policy']).not.toMatch(/script-src|unsafe-eval|https?:|\*/)
        expect(headers['x-content-type-options']).toBe('nosniff')
        expect(headers['referrer-policy']).toBe('no-referrer')
      }
    })

    test('CORS headers for allowed origins, also of errors and streams', async () => {
      const { token } = await server.register()
      for (const url of [...urls, '/me', '/fail/own', '/things/x']) {
        for (const how of [{}, { token }]) {
          const { headers } = await get(url, { ...how, headers: { origin: frontEnd } })
          expect([url, headers['access-control-allow-origin']]).toEqual([url, frontEnd])
          for (const name of ['X-Run-Id', 'X-Request-Id', 'Location', 'Retry-After']) {
            expect(headers['access-control-expose-headers']).toContain(name)
          }
          expect(headers['vary']).toContain('Origin')
          expect(headers['access-control-allow-credentials']).toBeUndefined()
        }
      }
      const refused = await post('/things', '{', {
        'content-type': 'application/json',
        origin: frontEnd,
        authorization: `Bearer ${token}`,
      })
      expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([400, frontEnd])
    })

    test('no CORS headers for other origins', async () => {
      const { token } = await server.register()
      for (const origin of [
        'http://evil.example',
        'null',
        'http://localhost:3002',
        'https://localhost:3000',
        'http://localhost:3000.evil.example',
      ]) {
        for (const url of ['/me', '/stream', '/nowhere']) {
          const { headers } = await get(url, { token, headers: { origin } })
          expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
        }
        const preflight = await server.call('OPTIONS', '/me', {
          headers: { origin, 'access-control-request-method': 'PATCH' },
        })
        expect(preflight.headers['access-control-allow-origin']).toBeUndefined()
      }
    })
  })

  test.each([
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://localhost:3001',
    'http://127.0.0.1:3001',
  ])('a preflight of %s is answered without a token', async (origin) => {
    const { status, headers, body } = await server.call('OPTIONS', '/chat/stream', {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,last-event-id',
      },
    })
    expect([status, body]).toEqual([204, ''])
    expect(headers['access-control-allow-origin']).toBe(origin)
    expect(headers['access-control-allow-headers']).toBe('authorization,content-type,last-event-id')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(headers['access-control-allow-methods']).toContain(method)
    }
  })

  test('replaces the default origins by ALLOWED_ORIGINS', async () => {
    await using other = await openServer(database, {
      ALLOWED_ORIGINS: 'https://app.example/, http://x.test:81',
    })
    const allowed = async (origin: string) =>
      (await other.call('GET', '/health', { headers: { origin } })).headers['access-control-allow-origin']
    expect(await allowed('https://app.example')).toBe('https://app.example')
    expect(await allowed('http://x.test:81')).toBe('http://x.test:81')
    expect(await allowed(frontEnd)).toBeUndefined()
  })

  test('answers HEAD like GET and OPTIONS without a body', async () => {
    const head = await server.call('HEAD', '/health')
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '11'])
    expect((await server.call('HEAD', '/nowhere')).status).toBe(404)
    const options = await server.call('OPTIONS', '/health')
    expect([options.status, options.body]).toEqual([204, ''])
  })

  test('returns 403 to other users on administrator routes', async () => {
    const { token } = await server.register()
    const other = await server.register()
    expect((await get('/admin', { token })).status).toBe(200)
    const refused = await get('/admin', { token: other.token })
    expect([refused.status, refused.body.error.code]).toEqual([403, 'admins_only'])
    const created = await server.call<{ id: string }>('POST', '/avees', {
      token,
      body: { handle: 'sage', display_name: 'Sage' },
    })
    const key = await server.call<{ key: string }>('POST', '/api-keys', {
      token,
      body: { avee_id: created.body.id },
    })
    expect((await get('/admin', { token: key.body.key })).status).toBe(403)
  })

  test('answers /health without any dependency', async () => {
    const away = async () => await Promise.reject(new AppError(503, 'database_away', 'The database is away.'))
    await using broken = await openServer(
      database,
      {},
      {
        identity: { mode: away, owner: away, byToken: away, visitor: away },
        readiness: async () => ({
          ok: false,
          database: { ok: false, kind: 'embedded', message: 'The database is away.' },
          storage: { ok: true },
          models: { ok: true, chat: 'extractive', embedding: null, message: '' },
        }),
      },
    )
    for (const headers of [
      {},
      { authorization: 'Bearer x' },
      { host: 'evil.example' },
      { cookie: 'gabee_session=x' },
    ]) {
      const response = await broken.http.inject({ url: '/health', headers })
      expect([response.statusCode, response.body]).toEqual([200, '{"ok":true}'])
    }
    const me = await broken.call<ErrorResponse>('GET', '/me')
    expect([me.status, me.body.error.code]).toEqual([503, 'database_away'])
    const ready = await server.call('GET', '/health/ready')
    expect([ready.status, ready.body]).toMatchObject([200, { ok: true, database: { kind: database.kind } }])
  })

  test('returns 503 on /health/ready while a dependency is unavailable', async () => {
    await using unready = await openServer(
      database,
      {},
      {
        readiness: async () => ({
          ok: false,
          database: { ok: false, kind: 'embedded', message: 'The database is away.' },
          storage: { ok: true },
          models: { ok: true, chat: 'extractive', embedding: null, message: '' },
        }),
      },
    )
    const { status, body } = await unready.call('GET', '/health/ready')
    expect([status, body]).toMatchObject([503, { ok: false, database: { message: 'The database is away.' } }])
  })

  test('serves /metrics to this machine or with a token', async () => {
    await using measured = await openServer(
      database,
      { METRICS_TOKEN: 'let-me-see' },
      {
        metrics: {
          runs_running: { help: 'Runs that run.', read: async () => 3 },
          events_total: { help: 'Events.', isCounter: true, read: () => 7 },
          unknown: {
            help: 'A figure that cannot be read.',
            read: () => Promise.reject<number>(new Error('away')),
          },
        },
      },
    )
    await measured.call('GET', '/avees/some-handle')
    const here = await measured.call<string>('GET', '/metrics')
    expect(here.status).toBe(200)
    expect(here.headers['content-type']).toContain('text/plain')
    const metrics = parseMetrics(here.body)
    expect(sumOf(metrics, 'gabee_runs_running')).toBe(3)
    expect(metrics.get('gabee_events_total')).toMatchObject({ type: 'counter', samples: [{ value: 7 }] })
    expect(metrics.get('gabee_unknown')?.samples).toEqual([])
    expect(here.body).toMatch(
      /gabee_http_request_duration_seconds_count\{method="GET",route="\/avees\/:id",status="404"\} 1/,
    )
    expect(here.body).toMatch(/^nodejs_eventloop_lag_p99_seconds \S+$/m)
    expect(here.body).not.toContain('some-handle')

    const from = '192.168.1.20'
    expect((await measured.call('GET', '/metrics', { from })).status).toBe(403)
    expect((await measured.call('GET', '/metrics', { from, token: 'let-me-guess' })).status).toBe(403)
    expect((await measured.call('GET', '/metrics', { from, token: 'let-me-see' })).status).toBe(200)
    await measured.register()
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { 'x-forwarded-for': '127.0.0.1' },
    ]) {
      expect((await measured.call('GET', '/metrics', { headers })).status).toBe(403)
    }
  })
})
