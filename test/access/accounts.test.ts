import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../server/db/index.ts'
import { ONE_DATABASE, openTestDatabase } from '../databases.ts'
import { type ErrorResponse, openServer, password, reopenServer, type TestServer } from './server.ts'

type SessionBody = { token: string; expires_at: string; user: { id: string; email: string } }
type KeyBody = { id: string; key: string; prefix: string }

describe.each(ONE_DATABASE)('accounts on %s', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase(kind)
  })
  afterAll(async () => await database[Symbol.asyncDispose]())

  /** Opens a server in accounts mode: its owner is registered. */
  async function open(env: Record<string, string> = {}) {
    const server = await openServer(database, env)
    return Object.assign(server, {
      owner: await server.register({ email: 'owner@example.org', handle: 'owner1' }),
    })
  }
  const login = (server: TestServer, email: string, given = password, from = '198.51.100.7') =>
    server.call<SessionBody & ErrorResponse>('POST', '/auth/login', {
      body: { email, password: given },
      from,
    })
  const statusWith = async (server: TestServer, token: string) =>
    (await server.call('GET', '/me', { token })).status

  test('returns 401 without a token', async () => {
    await using server = await open()
    const { status, body, headers } = await server.call<ErrorResponse>('GET', '/me')
    expect(status).toBe(401)
    expect(body).toEqual({
      error: { code: 'not_signed_in', message: 'Sign in first, or send a valid token.' },
      detail: 'Sign in first, or send a valid token.',
    })
    expect(headers['www-authenticate']).toBe('Bearer')
  })

  test('registers, signs in and signs out', async () => {
    await using server = await open()
    const registered = await server.call<SessionBody>('POST', '/auth/register', {
      body: { email: ' Ann@Example.org '.trim(), password, handle: 'ann', display_name: 'Ann' },
    })
    expect(registered.status).toBe(201)
    expect(registered.body.user).toMatchObject({
      email: 'ann@example.org',
      handle: 'ann',
      display_name: 'Ann',
      is_admin: false,
    })
    expect(Date.parse(registered.body.expires_at)).toBeGreaterThan(Date.now())

    const first = (await login(server, 'ANN@example.ORG')).body.token
    const second = (await login(server, 'ann@example.org')).body.token
    expect(new Set([registered.body.token, first, second]).size).toBe(3)
    expect((await server.call('POST', '/auth/logout', { token: first })).body).toEqual({ ok: true })
    expect(await statusWith(server, first)).toBe(401)
    expect(await statusWith(server, second)).toBe(200)
  })

  test('answers a wrong password and an unknown address alike', async () => {
    await using server = await open()
    const wrong = await login(server, 'owner@example.org', 'not the password')
    const unknown = await login(server, 'nobody@example.org')
    expect(wrong.status).toBe(401)
    expect(wrong.body.error.code).toBe('wrong_credentials')
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body])
  })

  test('stores tokens and passwords only as hashes', async () => {
    await using server = await open()
    const { body } = await server.call<KeyBody>('POST', '/api-keys', { token: server.owner.token, body: {} })
    const stored = JSON.stringify(
      await Promise.all(
        ['users', 'sessions', 'api_keys'].map(
          async (table) => (await sql`select * from ${sql.table(table)}`.execute(database.db)).rows,
        ),
      ),
    )
    expect(stored).toContain('$argon2id$v=19$m=19456,t=2,p=1$')
    expect(stored).toContain(body.prefix)
    for (const secret of [server.owner.token, body.key, password]) expect(stored).not.toContain(secret)
  })

  test('accepts a password hashed with other parameters and rehashes it', async () => {
    await using server = await open()
    const other = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    await sql`update users set password_hash = ${other}`.execute(database.db)
    expect((await login(server, 'owner@example.org', 'Password')).status).toBe(401)
    expect((await login(server, 'owner@example.org', 'password')).status).toBe(200)
    const { rows } = await sql<{ password_hash: string }>`select password_hash from users`.execute(
      database.db,
    )
    expect(rows[0]?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await login(server, 'owner@example.org', 'password')).status).toBe(200)
  })

  test('ends a session when it expires', async () => {
    await using server = await open()
    await sql`update sessions set expires_at = now() - interval '1 second'`.execute(database.db)
    expect(await statusWith(server, server.owner.token)).toBe(401)
    await login(server, 'owner@example.org')
    const { rows } = await sql`select 1 from sessions`.execute(database.db)
    expect(rows.length).toBe(1)
  })

  test('returns 409 for taken values and 422 for invalid ones', async () => {
    await using server = await open()
    const register = (body: Record<string, unknown>) =>
      server.call<ErrorResponse>('POST', '/auth/register', { body })
    const code = async (body: Record<string, unknown>) => {
      const response = await register({ email: 'new@example.org', password, ...body })
      return `${response.status} ${response.body.error.code}`
    }
    expect(await code({ email: 'OWNER@example.org' })).toBe('409 email_taken')
    expect(await code({ handle: 'owner1' })).toBe('409 handle_taken')
    expect(await code({ handle: 'admin' })).toBe('409 handle_reserved')
    expect(await code({ handle: 'Ann' })).toBe('422 invalid_fields')
    expect(await code({ email: 'nonsense' })).toBe('422 invalid_fields')
    const short = await register({ email: 'new@example.org', password: 'short' })
    expect(short.status).toBe(422)
    expect(short.body.error.details).toEqual([
      { path: 'password', problem: 'A password has at least 10 characters.' },
    ])
    expect(short.body.detail).toBe('A password has at least 10 characters.')
  })

  test('does not let a user and an avee of another owner share a handle', async () => {
    await using server = await open()
    const { token } = server.owner
    await server.call('POST', '/avees', { token, body: { handle: 'sage', display_name: 'Sage' } })
    const other = await server.register({ handle: 'otto' })
    const mine = await server.call<ErrorResponse>('PATCH', '/me', {
      token: other.token,
      body: { handle: 'sage' },
    })
    expect(mine.status).toBe(409)
    const body = { handle: 'otto', display_name: 'Otto' }
    expect((await server.call('POST', '/avees', { token, body })).status).toBe(409)
    expect((await server.call('POST', '/avees', { token: other.token, body })).status).toBe(201)
    expect((await server.call('PATCH', '/me', { token, body: { handle: 'sage' } })).status).toBe(200)
  })

  test('updates one’s own account without taking another user’s values', async () => {
    await using server = await open()
    const { token } = await server.register()
    const patch = (body: Record<string, unknown>) =>
      server.call<ErrorResponse & { display_name: string; email: string }>('PATCH', '/me', { token, body })
    expect((await patch({ display_name: ' Zoë ', handle: 'zoe' })).body).toMatchObject({
      display_name: 'Zoë',
      handle: 'zoe',
    })
    expect((await patch({ email: 'Zoe@Example.org', current_password: password })).body.email).toBe(
      'zoe@example.org',
    )
    expect((await patch({ email: 'Owner@example.org', current_password: password })).body.error.code).toBe(
      'email_taken',
    )
    expect((await patch({ handle: 'owner1' })).body.error.code).toBe('handle_taken')
    expect((await patch({ display_name: '' })).status).toBe(422)
    expect((await patch({})).body.display_name).toBe('Zoë')
  })

  test('requires the current password for a new one and ends all other sessions', async () => {
    await using server = await open()
    const { token } = server.owner
    const other = (await login(server, 'owner@example.org')).body.token
    const change = (body: Record<string, string>) =>
      server.call<ErrorResponse>('POST', '/auth/password', {
        token,
        body: { new_password: 'another long password', ...body },
      })
    expect((await change({})).body.error.code).toBe('wrong_password')
    expect((await change({ current_password: 'wrong' })).status).toBe(403)
    expect((await change({ current_password: password })).body).toEqual({ ok: true, session: null })
    expect(await statusWith(server, token)).toBe(200)
    expect(await statusWith(server, other)).toBe(401)
    expect((await login(server, 'owner@example.org')).status).toBe(401)
    expect((await login(server, 'owner@example.org', 'another long password')).status).toBe(200)
  })

  test('returns 429 after ten wrong passwords of one client for one account, and no other', async () => {
    await using server = await open()
    await server.register({ email: 'ann@example.org' })
    for (let attempt = 1; attempt <= 10; attempt++) {
      expect((await login(server, 'ann@example.org', 'wrong')).status).toBe(401)
    }
    const refused = await login(server, 'Ann@example.org')
    expect(refused.status).toBe(429)
    expect(refused.body.error.code).toBe('too_many_attempts')
    expect(refused.body.error.message).toMatch(/^Too many attempts\. Try again in (a second|\d+ seconds)\.$/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(15 * 60)
    expect((await login(server, 'owner@example.org')).status).toBe(200)
    expect((await login(server, 'ann@example.org', password, '198.51.100.8')).status).toBe(200)
  })

  test('counts attempts before it hashes passwords', async () => {
    await using server = await open()
    const responses = await Promise.all(
      Array.from({ length: 99 }, () => login(server, 'owner@example.org', 'wrong')),
    )
    const count = (status: number) => responses.filter((answer) => answer.status === status).length
    expect([count(401), count(429)]).toEqual([10, 89])
  })

  test('returns 429 to an address that tries one password on many accounts', async () => {
    await using server = await open()
    const responses = await Promise.all(
      Array.from({ length: 40 }, (_, n) => login(server, `user${n}@example.org`, 'wrong')),
    )
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(10)
  })

  test('lets a known client sign in while many addresses guess', async () => {
    await using server = await open()
    await login(server, 'owner@example.org')
    const guesses = Array.from({ length: 250 }, (_, n) =>
      login(server, n % 2 ? 'owner@example.org' : `user${n}@example.org`, 'wrong', `203.0.113.${n}`),
    )
    expect((await login(server, 'owner@example.org')).status).toBe(200)
    await Promise.all(guesses)
    expect((await login(server, 'owner@example.org')).status).toBe(200)
  })

  test('does not lock out the owner behind a proxy that TRUST_PROXY does not name', async () => {
    await using server = await open()
    const from = (client: string, given: string) =>
      server.call('POST', '/auth/login', {
        body: { email: 'owner@example.org', password: given },
        from: '10.0.0.1',
        headers: { 'x-forwarded-for': client },
      })
    for (let n = 0; n < 20; n++) await from('203.0.113.9', 'wrong')
    expect((await from('203.0.113.9', password)).status).toBe(429)
    expect((await from('198.51.100.7', password)).status).toBe(200)
  })

  test('LIMIT_SIGN_INS_PER_QUARTER_HOUR sets the limit', async () => {
    await using server = await open({ LIMIT_SIGN_INS_PER_QUARTER_HOUR: '2' })
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await login(server, 'owner@example.org', 'wrong')).status)
    expect(statuses).toEqual([401, 401, 429])
  })

  test('does not limit successful sign-ins', async () => {
    await using server = await open()
    for (let round = 1; round <= 3; round++) {
      for (let attempt = 1; attempt <= 9; attempt++) await login(server, 'owner@example.org', 'wrong')
      expect((await login(server, 'owner@example.org')).status).toBe(200)
    }
  })

  test('returns 429 after a hundred registrations per hour from one address', async () => {
    await using server = await open({ REGISTRATION: 'closed' })
    const from = '198.51.100.9'
    const attempt = () =>
      server.call('POST', '/auth/register', { body: { email: 'x@example.org', password }, from })
    for (let count = 1; count <= 100; count++) expect((await attempt()).status).toBe(403)
    const refused = await attempt()
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('accepts an API key until it is revoked and shows it once', async () => {
    await using server = await open()
    const { token } = server.owner
    const created = await server.call<KeyBody>('POST', '/api-keys', { token, body: { name: 'laptop' } })
    expect(created.status).toBe(201)
    expect(created.body.key).toMatch(/^gb_[\w-]{43}$/)
    expect(created.body.key.startsWith(created.body.prefix)).toBe(true)
    expect(await statusWith(server, created.body.key)).toBe(200)

    const list = await server.call<{ api_keys: Record<string, unknown>[] }>('GET', '/api-keys', { token })
    expect(list.body.api_keys).toHaveLength(1)
    expect(list.body.api_keys[0]).toMatchObject({
      id: created.body.id,
      name: 'laptop',
      avee_id: null,
      expires_at: null,
    })
    expect(list.body.api_keys[0]?.['last_used_at']).not.toBeNull()
    expect(JSON.stringify(list.body)).not.toContain(created.body.key)

    const other = await server.register()
    expect((await server.call('DELETE', `/api-keys/${created.body.id}`, { token: other.token })).status).toBe(
      404,
    )
    expect((await server.call('DELETE', `/api-keys/${created.body.id}`, { token })).status).toBe(200)
    expect(await statusWith(server, created.body.key)).toBe(401)
  })

  test('rejects an expired API key', async () => {
    await using server = await open()
    const { token } = server.owner
    const make = (expires_at: string) =>
      server.call<KeyBody>('POST', '/api-keys', { token, body: { expires_at } })
    expect((await make('2020-01-01T00:00:00Z')).status).toBe(422)
    const { key } = (await make('2999-01-01T00:00:00Z')).body
    expect(await statusWith(server, key)).toBe(200)
    await sql`update api_keys set expires_at = now() - interval '1 second'`.execute(database.db)
    expect(await statusWith(server, key)).toBe(401)
  })

  test('does not let an API key manage the account', async () => {
    await using server = await open()
    const created = await server.call<KeyBody>('POST', '/api-keys', { token: server.owner.token, body: {} })
    const token = created.body.key
    const attempts = [
      ['PATCH', '/me', { display_name: 'Mallory' }],
      ['DELETE', '/me', { password }],
      ['POST', '/auth/password', { current_password: password, new_password: 'a new long password' }],
      ['POST', '/auth/logout', undefined],
      ['GET', '/api-keys', undefined],
      ['POST', '/api-keys', {}],
      ['DELETE', `/api-keys/${created.body.id}`, undefined],
      ['PUT', '/users/owner1/admin', undefined],
    ] as const
    for (const [method, url, body] of attempts) {
      const response = await server.call<ErrorResponse>(method, url, { token, body })
      expect([url, response.status, response.body.error.code]).toEqual([url, 403, 'api_key_not_enough'])
    }
  })

  test('restricts a key only to an avee that its owner can see', async () => {
    await using server = await open()
    const secret = await server.call<{ id: string }>('POST', '/avees', {
      token: server.owner.token,
      body: { handle: 'secret', display_name: 'Secret', visibility: 'private' },
    })
    const body = { avee_id: secret.body.id }
    const stranger = await server.register()
    expect((await server.call('POST', '/api-keys', { token: stranger.token, body })).status).toBe(404)
    expect((await server.call('POST', '/api-keys', { token: server.owner.token, body })).status).toBe(201)
    const nowhere = { avee_id: '00000000-0000-7000-8000-000000000000' }
    expect((await server.call('POST', '/api-keys', { token: stranger.token, body: nowhere })).status).toBe(
      404,
    )
  })

  test('sets an HTTP-only cookie that works only for the page', async () => {
    await using server = await open()
    const own = { host: 'gabee.example', origin: 'http://gabee.example', 'sec-fetch-site': 'same-origin' }
    const signedIn = await server.call('POST', '/auth/login', {
      body: { email: 'owner@example.org', password },
      headers: own,
    })
    const set = String(signedIn.headers['set-cookie'])
    expect(set).toMatch(/^gabee_session=/)
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Expires=']) expect(set).toContain(part)
    expect(set).not.toContain('Secure')
    const cookie = set.split(';')[0] ?? ''

    const patch = (headers: Record<string, string>) =>
      server.call<ErrorResponse>('PATCH', '/me', {
        body: { display_name: 'Me' },
        headers: { cookie, host: 'gabee.example', ...headers },
      })
    expect((await patch(own)).status).toBe(200)
    expect((await patch({})).status).toBe(200)
    expect((await patch({ origin: 'http://evil.example' })).body.error.code).toBe('cross_site')
    expect((await patch({ 'sec-fetch-site': 'cross-site' })).body.error.code).toBe('cross_site')
    expect((await patch({ origin: 'http://localhost:3000' })).status).toBe(401)
    const read = await server.call('GET', '/me', {
      headers: { cookie, host: 'gabee.example', origin: 'http://evil.example' },
    })
    expect(read.status).toBe(401)

    const out = await server.call('POST', '/auth/logout', { headers: { ...own, cookie } })
    expect(String(out.headers['set-cookie'])).toMatch(/^gabee_session=;/)
    expect((await patch(own)).status).toBe(401)
  })

  test('sets a secure cookie behind an HTTPS proxy', async () => {
    await using server = await open({ TRUST_PROXY: 'loopback', PUBLIC_URL: 'https://gabee.example' })
    const signedIn = await server.call('POST', '/auth/login', {
      body: { email: 'owner@example.org', password },
      headers: {
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'gabee.example',
        'x-forwarded-for': '203.0.113.9',
        origin: 'https://gabee.example',
      },
    })
    expect(String(signedIn.headers['set-cookie'])).toContain('Secure')
  })

  test('deletes all data of a deleted account', async () => {
    await using server = await open()
    const { token, id } = await server.register({ email: 'gone@example.org' })
    const avee = await server.call<{ id: string }>('POST', '/avees', {
      token,
      body: { handle: 'gone-avee', display_name: 'Gone' },
    })
    await server.call('GET', '/avees/local', { token })
    const key = await server.call<KeyBody>('POST', '/api-keys', { token, body: {} })
    await server.call('PUT', `/avees/${avee.body.id}/follow`, { token: server.owner.token })

    expect((await server.call('DELETE', '/me', { token, body: { password } })).status).toBe(200)
    for (const dead of [token, key.body.key]) expect(await statusWith(server, dead)).toBe(401)
    expect((await login(server, 'gone@example.org')).status).toBe(401)
    for (const [table, column] of [
      ['users', 'id'],
      ['avees', 'owner_id'],
      ['sessions', 'user_id'],
      ['api_keys', 'user_id'],
    ] as const) {
      const { rows } = await sql`select 1 from ${sql.table(table)} where ${sql.ref(column)} = ${id}`.execute(
        database.db,
      )
      expect([table, rows.length]).toEqual([table, 0])
    }
    expect((await server.register({ email: 'gone@example.org' })).id).not.toBe(id)
  })

  test('keeps at least one administrator while other accounts exist', async () => {
    await using server = await open()
    const { token } = server.owner
    const ann = await server.register({ handle: 'ann', email: 'ann@example.org' })
    const leave = () => server.call<ErrorResponse>('DELETE', '/me', { token, body: { password } })
    expect((await leave()).body.error.code).toBe('last_administrator')
    expect((await server.call('PUT', '/users/ann/admin', { token: ann.token })).status).toBe(403)
    expect((await server.call('PUT', '/users/nobody/admin', { token })).status).toBe(404)
    expect((await server.call('PUT', '/users/ann@example.org/admin', { token })).body).toMatchObject({
      is_admin: true,
    })
    expect((await server.call('DELETE', `/users/${ann.id}/admin`, { token })).body).toMatchObject({
      is_admin: false,
    })
    expect(
      (await server.call<ErrorResponse>('DELETE', '/users/owner1/admin', { token })).body.error.code,
    ).toBe('last_administrator')
    expect((await server.call('PUT', '/users/ann/admin', { token })).status).toBe(200)
    expect((await leave()).status).toBe(200)
    expect((await server.call('GET', '/me', { token: ann.token })).body).toMatchObject({
      is_admin: true,
      mode: 'accounts',
    })
  })

  test('lets only one of the last two administrators delete their account at once', async () => {
    await using server = await open()
    const ann = await server.register({ handle: 'ann' })
    await server.register()
    await server.call('PUT', '/users/ann/admin', { token: server.owner.token })
    const both = await Promise.all(
      [server.owner.token, ann.token].map(
        async (token) => (await server.call('DELETE', '/me', { token, body: { password } })).status,
      ),
    )
    expect(both.toSorted((a, b) => a - b)).toEqual([200, 409])
  })

  test('keeps sessions after a restart and creates no second owner', async () => {
    const server = await open()
    const { token, id } = server.owner
    await server.http.close()
    await using again = await reopenServer(database)
    expect((await again.call('GET', '/me', { token })).body).toMatchObject({ id, is_admin: true })
    const { rows } = await sql`select 1 from users`.execute(database.db)
    expect(rows.length).toBe(1)
  })

  test('ends personal mode on all servers of a database', async () => {
    await using server = await openServer(database)
    await using other = await reopenServer(database)
    expect((await other.call('GET', '/me')).status).toBe(200)
    const { token } = await server.register()
    await expect.poll(async () => (await other.call('GET', '/me')).status).toBe(401)
    expect((await other.call('GET', '/me', { token })).status).toBe(200)
  })
})
