import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../server/db/index.ts'
import { ONE_DATABASE, openTestDatabase } from '../databases.ts'
import { type Call, type ErrorResponse, openServer, password, type TestServer } from './server.ts'

const evil = 'http://evil.example'
const frontEnd = 'http://localhost:3000'

describe.each(ONE_DATABASE)('personal mode on %s', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase(kind)
  })
  afterAll(async () => await database[Symbol.asyncDispose]())

  const open = (env: Record<string, string> = {}) => openServer(database, env)
  const me = (server: TestServer, how: Call = {}) =>
    server.call<{ mode: string } & ErrorResponse>('GET', '/me', how)
  const makeAvee = (server: TestServer, how: Call = {}) =>
    server.call<ErrorResponse>('POST', '/avees', { body: { handle: 'ada', display_name: 'Ada' }, ...how })

  test('treats this machine as the owner without sign-in', async () => {
    await using server = await open()
    const { status, body } = await me(server)
    expect(status).toBe(200)
    expect(body).toMatchObject({ mode: 'personal', email: null, is_admin: true })
    expect((await makeAvee(server)).status).toBe(201)
    expect((await server.call('GET', '/auth/state')).body).toEqual({
      mode: 'personal',
      registration: 'open',
      registration_open: true,
      needs_setup_token: false,
      has_accounts: false,
      oidc: null,
      mail: false,
    })
  })

  test('ignores an empty bearer token and rejects a wrong one', async () => {
    await using server = await open()
    expect((await me(server, { headers: { authorization: 'Bearer ' } })).status).toBe(200)
    expect((await me(server, { token: 'wrong' })).status).toBe(401)
    expect((await me(server, { token: 'gb_wrong' })).status).toBe(401)
  })

  test.each(['192.168.1.20', '::ffff:10.0.0.1', '2001:db8::1'])(
    'requires a token from another machine (%s)',
    async (from) => {
      await using server = await open()
      expect((await me(server, { from })).status).toBe(401)
      expect((await makeAvee(server, { from })).status).toBe(401)
    },
  )

  test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
    'treats %s as this machine',
    async (from) => {
      await using server = await open()
      expect((await me(server, { from })).status).toBe(200)
    },
  )

  describe.each([{}, { TRUST_PROXY: 'true' }, { TRUST_PROXY: '127.0.0.1' }])('with %j', (env) => {
    test.each([
      { 'x-forwarded-for': '127.0.0.1' },
      { 'x-forwarded-for': '127.0.0.1, 192.168.1.66' },
      { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'localhost' },
      { 'x-forwarded-host': 'localhost' },
      { 'x-forwarded-proto': 'http' },
      { 'x-forwarded-port': '8000' },
      { 'x-real-ip': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1;host=localhost' },
      { via: '1.1 proxy' },
    ])('requires a token through a proxy (%j)', async (headers) => {
      await using server = await open(env)
      expect((await me(server, { headers })).status).toBe(401)
      expect((await server.call('GET', '/metrics', { headers })).status).toBe(403)
      const first = { body: { email: 'thief@example.org', password }, headers }
      expect((await server.call('POST', '/auth/register', first)).status).toBe(403)
      expect((await me(server)).body.mode).toBe('personal')
    })
  })

  test('rejects other hosts (DNS rebinding)', async () => {
    await using server = await open()
    for (const host of ['evil.example', 'evil.example:8000', '127.0.0.1.evil.example', '192.168.1.20:8000']) {
      for (const { status, body } of [
        await me(server, { headers: { host } }),
        await makeAvee(server, { headers: { host, origin: `http://${host}` } }),
        await server.call<ErrorResponse>('POST', '/auth/register', {
          body: { email: 'thief@example.org', password },
          headers: { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
        }),
        await server.call<ErrorResponse>('GET', '/auth/state', { headers: { host } }),
      ]) {
        expect(status).toBe(403)
        expect(body.error.code).toBe('host_not_expected')
      }
    }
    expect((await server.call('GET', '/health', { headers: { host: 'evil.example' } })).body).toEqual({
      ok: true,
    })
  })

  test.each([
    'localhost',
    'localhost:8000',
    'LOCALHOST:8000',
    'gabee.localhost',
    '127.0.0.1:8000',
    '[::1]:8000',
  ])('accepts the host %s', async (host) => {
    await using server = await open()
    expect((await me(server, { headers: { host } })).status).toBe(200)
  })

  test('accepts the public host', async () => {
    await using server = await open({ PUBLIC_URL: 'http://gabee.home:8000' })
    expect((await me(server, { headers: { host: 'gabee.home:8000' } })).status).toBe(200)
    expect((await me(server, { headers: { host: 'gabee.home' } })).status).toBe(403)
  })

  test('rejects requests of other sites', async () => {
    await using server = await open()
    for (const headers of [
      { origin: evil },
      { origin: 'null' },
      { origin: 'http://localhost:80.evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const changed = await makeAvee(server, { headers })
      expect(changed.status).toBe(403)
      expect(changed.body.error.code).toBe('cross_site')
      expect((await me(server, { headers })).status).toBe(401)
      const deleted = await server.call('DELETE', '/me', { headers })
      expect(deleted.status).toBe(403)
    }
    expect((await server.call<{ avees: [] }>('GET', '/me/avees')).body.avees).toEqual([])
  })

  test('accepts its own page and typed addresses', async () => {
    await using server = await open()
    const own = { host: 'localhost:8000', origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' }
    expect((await makeAvee(server, { headers: own })).status).toBe(201)
    expect((await me(server, { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200)
  })

  test('requires a token from allowed origins', async () => {
    await using server = await open()
    const headers = { origin: frontEnd }
    expect((await me(server, { headers })).status).toBe(401)
    expect((await makeAvee(server, { headers })).status).toBe(401)

    const first = { body: { email: 'owner@example.org', password } }
    const elsewhere = await server.call<ErrorResponse>('POST', '/auth/register', { ...first, headers })
    expect(elsewhere.status).toBe(403)
    expect(elsewhere.body.error.code).toBe('first_account_here')
    expect((await server.call('POST', '/auth/register', first)).status).toBe(201)

    const signedIn = await server.call<{ token: string }>('POST', '/auth/login', { ...first, headers })
    expect(signedIn.status).toBe(200)
    expect(signedIn.headers['set-cookie']).toBeUndefined()
    expect((await makeAvee(server, { headers, token: signedIn.body.token })).status).toBe(201)
  })

  test('rejects the first registration from another machine', async () => {
    await using server = await open()
    const body = { email: 'thief@example.org', password }
    const afar = [{ from: '203.0.113.5' }, { headers: { 'x-forwarded-for': '203.0.113.5' } }]
    for (const how of afar) {
      expect((await server.call('POST', '/auth/register', { body, ...how })).status).toBe(403)
    }
    expect((await me(server)).body.mode).toBe('personal')
  })

  test('keeps existing data at the first registration and ends personal mode at once', async () => {
    await using server = await open({ REGISTRATION: 'closed' })
    await makeAvee(server)
    const key = await server.call<{ key: string }>('POST', '/api-keys', { body: { name: 'script' } })
    const before = (await me(server)).body

    const { token } = await server.register({ handle: 'owner-of-this', display_name: 'Olga' })
    expect((await me(server)).status).toBe(401)
    const after = await me(server, { token })
    expect(after.body).toMatchObject({
      ...before,
      mode: 'accounts',
      email: 'person1@example.org',
      display_name: 'Olga',
      handle: 'owner-of-this',
    })
    const mine = await server.call<{ avees: { handle: string }[] }>('GET', '/me/avees', { token })
    expect(mine.body.avees.map(({ handle }) => handle)).toEqual(['ada'])
    expect((await me(server, { token: key.body.key })).status).toBe(200)

    const second = await server.call<ErrorResponse>('POST', '/auth/register', {
      body: { email: 'b@example.org', password },
    })
    expect(second.status).toBe(403)
    expect(second.body.error.code).toBe('registration_closed')
    expect(await server.call('POST', '/invitations', { token })).toMatchObject({
      status: 409,
      body: { error: { code: 'invitations_disabled' } },
    })
  })

  test('ends personal mode with the first password and returns a session', async () => {
    await using server = await open()
    const set = () =>
      server.call<{ session: { token: string } } & ErrorResponse>('POST', '/auth/password', {
        body: { new_password: password },
      })
    const early = await set()
    expect(early.status).toBe(409)
    expect(early.body.error.code).toBe('email_needed')

    expect((await server.call('PATCH', '/me', { body: { email: 'Owner@Example.org' } })).status).toBe(200)
    expect((await me(server)).body.mode).toBe('personal')
    const { token } = (await set()).body.session
    expect((await me(server)).status).toBe(401)
    expect((await me(server, { token })).body.mode).toBe('accounts')
    const login = await server.call('POST', '/auth/login', { body: { email: 'owner@example.ORG', password } })
    expect(login.status).toBe(200)
  })

  test('starts in accounts mode on other addresses, where the first registration is the administrator', async () => {
    await using server = await open({ HOST: '0.0.0.0' })
    expect((await me(server)).status).toBe(401)
    expect((await me(server, { headers: { host: 'gabee.example' } })).status).toBe(401)
    const first = await server.call<{ user: { is_admin: boolean } }>('POST', '/auth/register', {
      body: { email: 'first@example.org', password, setup_token: await server.accounts.setupToken() },
      from: '192.168.1.20',
      headers: { host: 'gabee.example' },
    })
    expect(first.body.user.is_admin).toBe(true)
    const second = await server.call<{ user: { is_admin: boolean } }>('POST', '/auth/register', {
      body: { email: 'second@example.org', password },
    })
    expect(second.body.user.is_admin).toBe(false)
  })

  test('creates one owner for two concurrent first registrations', async () => {
    await using server = await open()
    const both = await Promise.all([server.register(), server.register()])
    const admins = await Promise.all(
      both.map(
        async ({ token }) =>
          (await server.call<{ is_admin: boolean }>('GET', '/me', { token })).body.is_admin,
      ),
    )
    expect(new Set(admins)).toEqual(new Set([false, true]))
  })

  test('returns to the initial state when the last account is deleted', async () => {
    await using server = await open()
    const { token } = await server.register()
    await makeAvee(server, { token })
    const kept = await server.call<ErrorResponse>('DELETE', '/me', { token })
    expect(kept.status).toBe(403)
    expect(kept.body.error.code).toBe('wrong_password')
    expect((await server.call('DELETE', '/me', { token, body: { password } })).status).toBe(200)
    expect((await me(server)).body).toMatchObject({ mode: 'personal', email: null, is_admin: true })
    expect((await server.call<{ avees: [] }>('GET', '/me/avees')).body.avees).toEqual([])
  })
})
