import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Session, SignInChallenge } from '../../contract/accounts.ts'
import type { AdminUser } from '../../contract/admin.ts'
import { startApp, type TestApp } from '../app.ts'
import { createAuthenticator } from '../authenticator.ts'
import { bodyOf, registerUser, type TestUser } from '../builders.ts'
import { createTestClient } from '../client.ts'
import { expectError } from '../conformance/contract.ts'
import { ONE_DATABASE } from '../databases.ts'

type Factors = { totp: boolean; recovery_codes: number }

describe.each(ONE_DATABASE)('second factors on %s', (kind) => {
  let app: TestApp
  let admin: TestUser
  beforeAll(async () => {
    // Codes depend on the time, which only `nextStep` advances.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    app = await startApp({ LIMIT_SIGN_INS_PER_QUARTER_HOUR: '5' }, kind)
    admin = await registerUser(app, { email: 'admin@example.org' })
  })
  afterAll(async () => {
    vi.useRealTimers()
    await app[Symbol.asyncDispose]()
  })

  const nextStep = () => vi.setSystemTime(Date.now() + 30_000)
  const confirmation = ({ password }: TestUser) => ({ current_password: password })
  const factorsOf = async ({ client }: TestUser) => bodyOf(await client.get<Factors>('/me/factors'))
  const codeOf = (secret: string) => new TOTP({ secret }).generate()
  const signIn = ({ session, password }: TestUser) =>
    app.post<Session & SignInChallenge>('/auth/login', { email: session.user.email, password })
  const verify = (challenge: string, code: string) =>
    app.post<Session>('/auth/second-factor', { challenge, code })

  /** Registers a user with an authenticator app. */
  async function withApp() {
    const user = await registerUser(app)
    const begun = await user.client.post<{ secret: string; uri: string }>(
      '/me/factors/totp',
      confirmation(user),
    )
    const { secret, uri } = bodyOf(begun)
    const enabled = await user.client.put<{ recovery_codes: string[] }>('/me/factors/totp', {
      code: codeOf(secret),
    })
    nextStep()
    return { user, secret, uri, codes: bodyOf(enabled).recovery_codes }
  }

  test('an app is required once its first code is confirmed, and a challenge starts one session', async () => {
    const user = await registerUser(app)
    expectError(await user.client.post('/me/factors/totp', {}), 403, 'wrong_password')
    const begin = () =>
      user.client.post<{ secret: string; uri: string }>('/me/factors/totp', confirmation(user))
    expectError(await user.client.put('/me/factors/totp', { code: '123456' }), 409, 'totp_not_begun')
    const { secret, uri } = bodyOf(await begin())
    expect(uri).toContain(`secret=${secret}`)
    expectError(await user.client.put('/me/factors/totp', { code: '000' }), 403, 'wrong_code')
    expect((await signIn(user)).status).toBe(200)
    bodyOf(await user.client.put('/me/factors/totp', { code: codeOf(secret) }))
    expect(await factorsOf(user)).toMatchObject({ totp: true, recovery_codes: 10 })
    expectError(await begin(), 409, 'totp_already_on')

    const asked = await signIn(user)
    expect(asked.status).toBe(202)
    expect(asked.body.factors).toEqual(['totp'])
    expect(asked.headers.get('set-cookie')).toBeNull()
    expect(asked.body).not.toHaveProperty('token')
    const { challenge } = asked.body
    expect((await app.as(challenge).get('/me')).status).toBe(401)
    expectError(await verify(challenge, '000000'), 403, 'wrong_code')
    nextStep()
    const finished = await verify(challenge, codeOf(secret))
    expect(finished.headers.get('set-cookie')).toContain('gabee_session=')
    expect((await app.as(bodyOf(finished).token).get('/me')).status).toBe(200)
    nextStep()
    expectError(await verify(challenge, codeOf(secret)), 401, 'challenge_expired')
  })

  test('a code is accepted once, also by simultaneous requests', async () => {
    const { user, secret } = await withApp()
    const challenges = await Promise.all([signIn(user), signIn(user), signIn(user)])
    const code = codeOf(secret)
    const answers = await Promise.all(challenges.map(({ body }) => verify(body.challenge, code)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403, 403])
  })

  test('a recovery code replaces the app once, and new codes replace the old ones', async () => {
    const { user, codes } = await withApp()
    expect(new Set(codes).size).toBe(10)
    const [first = '', second = '', third = ''] = codes
    const use = async (code: string) => (await verify((await signIn(user)).body.challenge, code)).status
    expect([await use(first), await use(first)]).toEqual([200, 403])
    expect(await use(second.toLowerCase().replaceAll('-', ' '))).toBe(200)
    expect(await factorsOf(user)).toMatchObject({ totp: true, recovery_codes: 8 })
    expectError(await user.client.post('/me/factors/recovery-codes', {}), 403, 'wrong_password')
    const renewed = await user.client.post<{ recovery_codes: string[] }>(
      '/me/factors/recovery-codes',
      confirmation(user),
    )
    expect([await use(third), await use(bodyOf(renewed).recovery_codes[0] ?? '')]).toEqual([403, 200])
  })

  test('attempts are limited over all challenges', async () => {
    const { user, secret } = await withApp()
    const statuses: number[] = []
    for (let n = 0; n < 7; n++)
      statuses.push((await verify((await signIn(user)).body.challenge, '000000')).status)
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429])
    const { body } = await signIn(user)
    expect((await verify(body.challenge, codeOf(secret))).status).toBe(429)
  })

  test('a challenge expires after five minutes', async () => {
    const { user, secret } = await withApp()
    const { challenge } = bodyOf(await signIn(user))
    await app.app.database.db
      .updateTable('challenges')
      .set({ expires_at: new Date(0) })
      .execute()
    expectError(await verify(challenge, codeOf(secret)), 401, 'challenge_expired')
  })

  test('is removed with the password or a code, together with its recovery codes', async () => {
    const { user, codes } = await withApp()
    const remove = (body: object) => user.client.delete('/me/factors/totp', body)
    expectError(await remove({}), 403, 'wrong_password')
    expectError(await remove({ code: '000000' }), 403, 'wrong_code')
    expect((await remove({ code: codes[0] })).status).toBe(200)
    expectError(await remove(confirmation(user)), 404, 'factor_not_found')
    expect(await factorsOf(user)).toMatchObject({ totp: false, recovery_codes: 0 })
    expect((await signIn(user)).status).toBe(200)
    expectError(
      await user.client.post('/me/factors/recovery-codes', confirmation(user)),
      409,
      'no_second_factor',
    )
  })

  test('API keys neither need nor manage it, and a new password keeps it', async () => {
    const { user } = await withApp()
    const { key } = bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key' }))
    expect((await app.as(key).get('/me')).status).toBe(200)
    expectError(await app.as(key).get('/me/factors'), 403, 'api_key_not_enough')
    const { email } = user.session.user
    const link = await admin.client.post<{ url: string }>(`/admin/users/${email}/password-reset`)
    const token = new URLSearchParams(new URL(bodyOf(link).url).hash.slice(1)).get('reset')
    bodyOf(await app.post('/auth/reset', { token, new_password: 'another long password' }))
    expect((await signIn({ ...user, password: 'another long password' })).status).toBe(202)
  })

  test('administrators remove it, which the audit log records like sign-ins', async () => {
    const { user } = await withApp()
    const { id } = user.session.user
    expectError(await user.client.delete(`/admin/users/${id}/factors`), 403)
    const { body } = await signIn(user)
    await verify(body.challenge, '000000')
    const listed = async () =>
      bodyOf(await admin.client.get<{ users: AdminUser[] }>('/admin/users')).users.find(
        (one) => one.id === id,
      )?.second_factor
    expect(await listed()).toBe(true)
    bodyOf(await admin.client.delete(`/admin/users/${id}/factors`))
    expect(await listed()).toBe(false)
    expect((await signIn(user)).status).toBe(200)
    type Entries = { entries: { action: string; target: string | null; actor: { id: string } }[] }
    const { entries } = bodyOf(await admin.client.get<Entries>('/admin/audit?limit=5'))
    expect(entries.map(({ action, target, actor }) => [action, target, actor.id])).toEqual([
      ['session.create', null, id],
      ['user.remove_factors', id, admin.session.user.id],
      ['session.create_failed', null, id],
      ['session.challenge', null, id],
      ['totp.enable', null, id],
    ])
  })

  describe('passkeys', () => {
    type Options = { options: { challenge: string } }
    const atLocalhost = (token?: string) =>
      createTestClient(app.url.replace('127.0.0.1', 'localhost')).as(token)

    /** Registers a user with a passkey. */
    async function withPasskey() {
      const user = await registerUser(app)
      const client = atLocalhost(user.session.token)
      const key = createAuthenticator(client.url)
      const path = '/me/factors/passkeys'
      const begin = async () =>
        bodyOf(await client.post<Options>(`${path}/options`, confirmation(user))).options
      const add = (response: object) =>
        client.post<{ id: string; recovery_codes: string[] | null }>(path, { name: 'My key', response })
      return { user, client, key, begin, add }
    }
    const challengeOf = async (user: TestUser) => (await signIn(user)).body.challenge
    const optionsFor = async (challenge: string) =>
      bodyOf(await atLocalhost().post<Options>('/auth/second-factor/passkey', { challenge })).options
    const verifyWith = (challenge: string, passkey: object) =>
      atLocalhost().post<Session>('/auth/second-factor', { challenge, passkey })

    test('sign in, once for each challenge', async () => {
      const { user, client, key, begin, add } = await withPasskey()
      const created = bodyOf(await add(key.create(await begin())))
      expect(created.recovery_codes).toHaveLength(10)
      const asked = await signIn(user)
      expect([asked.status, asked.body.factors]).toEqual([202, ['passkey']])
      const response = key.sign(await optionsFor(asked.body.challenge))
      expect((await verifyWith(asked.body.challenge, response)).status).toBe(200)
      expectError(await verifyWith(await challengeOf(user), response), 403, 'wrong_code')

      const { passkeys } = bodyOf(await client.get<{ passkeys: object[] }>('/me/factors'))
      expect(passkeys).toEqual([
        { id: created.id, name: 'My key', created_at: expect.any(String), last_used_at: expect.any(String) },
      ])
      expectError(await client.delete(`/me/factors/passkeys/${created.id}`, {}), 403, 'wrong_password')
      bodyOf(await client.delete(`/me/factors/passkeys/${created.id}`, confirmation(user)))
      expect(await factorsOf(user)).toMatchObject({ passkeys: [], recovery_codes: 0 })
      expect((await signIn(user)).status).toBe(200)
    })

    test('are refused for another origin, another user, and a counter that has not risen', async () => {
      const { user, key, begin, add } = await withPasskey()
      expectError(await add(key.create(await begin(), 'https://attacker.example')), 403, 'passkey_refused')
      const options = await begin()
      bodyOf(await add(key.create(options)))
      expectError(await add(createAuthenticator(app.url).create(options)), 403, 'passkey_refused')

      const attempt = async (respond: (given: Options['options']) => object) => {
        const challenge = await challengeOf(user)
        return (await verifyWith(challenge, respond(await optionsFor(challenge)))).status
      }
      expect(await attempt((given) => key.sign(given))).toBe(200)
      expect(await attempt((given) => key.sign(given, 'https://attacker.example'))).toBe(403)
      const copy = () => key.rewind(0)
      expect(await attempt((given) => (copy(), key.sign(given)))).toBe(403)
      const stranger = await withPasskey()
      bodyOf(await stranger.add(stranger.key.create(await stranger.begin())))
      expect(await attempt((given) => stranger.key.sign(given))).toBe(403)
      const theirs = await optionsFor(await challengeOf(stranger.user))
      key.rewind(9)
      expect(await attempt(() => key.sign(theirs))).toBe(403)
    })

    test('need a host name', async () => {
      const user = await registerUser(app)
      const begun = await user.client.post('/me/factors/passkeys/options', confirmation(user))
      expectError(begun, 409, 'passkeys_need_host_name')
    })
  })

  test('the database contains neither secrets nor codes in plain text', async () => {
    const { secret, codes } = await withApp()
    const { db } = app.app.database
    const stored = JSON.stringify([
      await db.selectFrom('totp_secrets').selectAll().execute(),
      await db.selectFrom('recovery_codes').selectAll().execute(),
    ])
    for (const text of [secret, ...codes, ...codes.map((code) => code.replaceAll('-', ''))])
      expect(stored).not.toContain(text)
  })
})
