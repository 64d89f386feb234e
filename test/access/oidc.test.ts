import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Me } from '../../contract/accounts.ts'
import { startApp, type TestApp } from '../app.ts'
import { bodyOf, registerUser, type TestUser } from '../builders.ts'
import { expectError } from '../conformance/contract.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type OidcProvider, startOidcProvider } from '../oidc-provider.ts'

const publicUrl = 'https://gabee.example'
const newPerson = () => ({ sub: randomUUID(), name: 'Ann Example', email: `${randomUUID()}@example.org` })

describe.each(ONE_DATABASE)('sign-in at an OIDC provider on %s', (kind) => {
  let provider: OidcProvider
  let app: TestApp
  let admin: TestUser
  beforeAll(async () => {
    provider = await startOidcProvider()
    app = await startApp({ ...provider.settings, PUBLIC_URL: publicUrl, REGISTRATION: 'invite' }, kind)
    provider.person = newPerson()
    // The provider cannot create the first account.
    expect(await signIn()).toMatchObject({ error: 'first_account_needs_password' })
    admin = await registerUser(app, { email: 'admin@example.org' })
  })
  beforeEach(() => {
    Object.assign(provider, { person: newPerson(), forged: {}, signsWithOtherKey: false, hasUserInfo: false })
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  })

  type Cookie = { name: string; value: string }
  const cookiesOf = (response: { headers: Headers }): Cookie[] =>
    response.headers.getSetCookie().map((line) => {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? []
      return { name, value }
    })

  /** Begins a sign-in and returns the callback to which the provider sends the browser, with its cookie. */
  async function begin(fields: object = {}, path = '/auth/oidc', client: { post: TestApp['post'] } = app) {
    const begun = await client.post<{ url: string }>(path, fields)
    const { url } = bodyOf(begun)
    const [cookie] = cookiesOf(begun)
    const sentBack = await fetch(url, { redirect: 'manual' })
    const callback = new URL(sentBack.headers.get('location') ?? '')
    expect(callback.origin).toBe(publicUrl)
    return { url, callback, cookie }
  }
  /** Opens a callback as a browser coming from another site does. */
  async function open({ callback, cookie }: { callback: URL; cookie?: Cookie | undefined }) {
    const headers = {
      'sec-fetch-site': 'cross-site',
      ...(cookie ? { cookie: `${cookie.name}=${cookie.value}` } : {}),
    }
    const response = await app.fetch(callback.pathname + callback.search, { headers, redirect: 'manual' })
    expect(response.status).toBe(302)
    const page = new URL(response.headers.get('location') ?? '')
    const token = cookiesOf(response).find(({ name }) => name === 'gabee_session')?.value
    return { page, token, ...Object.fromEntries(new URLSearchParams(page.hash.slice(1))) } as {
      page: URL
      token?: string
      error?: string
      challenge?: string
      factors?: string
    }
  }
  const signIn = async (fields: object = {}) => open(await begin(fields))
  const me = async (token: string | undefined) => bodyOf(await app.as(token).get<Me>('/me'))
  const invite = async (fields: object = {}) =>
    bodyOf(await admin.client.post<{ token: string }>('/invitations', fields)).token

  test('a new person gets an account with an invitation, and signs in to it afterwards', async () => {
    expect(bodyOf(await app.get('/auth/state'))).toMatchObject({ oidc: 'Example Login' })
    expect(await signIn()).toMatchObject({ error: 'invitation_required' })
    expect(await signIn({ invitation: 'wrong' })).toMatchObject({ error: 'invitation_invalid' })
    const { token, page } = await signIn({ invitation: await invite(), next: '/chat/ada?x=1' })
    expect(page.href).toBe(`${publicUrl}/chat/ada?x=1`)
    const user = await me(token)
    // Nobody has verified the address.
    expect(user).toMatchObject({ display_name: 'Ann Example', email: null, is_admin: false })
    expect((await me((await signIn()).token)).id).toBe(user.id)
  })

  test('a verified address can use an invitation for it, also from the UserInfo endpoint', async () => {
    const email = `${randomUUID()}@example.org`
    const invitation = await invite({ email })
    provider.person = { ...newPerson(), email }
    expect(await signIn({ invitation })).toMatchObject({ error: 'invitation_for_another_address' })
    provider.hasUserInfo = true
    provider.person = { ...newPerson(), email, email_verified: true }
    expect(await me((await signIn({ invitation })).token)).toMatchObject({ email })
  })

  test('a matching address does not link an account; only its user can', async () => {
    const user = await registerUser(app, { invitation: await invite() } as never)
    const { email, id } = user.session.user
    provider.person = { ...newPerson(), email, email_verified: true }
    expect(await signIn({ invitation: await invite() })).toMatchObject({ error: 'email_taken' })

    const confirmation = { current_password: user.password }
    expectError(await user.client.post('/me/identity', {}), 403, 'wrong_password')
    const linked = await open(await begin(confirmation, '/me/identity', user.client))
    expect(linked).toMatchObject({ page: { pathname: '/settings' } })
    expect(linked.token).toBeUndefined()
    expect((await me((await signIn()).token)).id).toBe(id)
    const taken = await open(await begin({ current_password: admin.password }, '/me/identity', admin.client))
    expect(taken.error).toBe('identity_taken')

    expectError(await user.client.delete('/me/identity', {}), 403, 'wrong_password')
    bodyOf(await user.client.delete('/me/identity', confirmation))
    expect(await signIn()).toMatchObject({ error: 'invitation_required' })
  })

  test('an account without a password keeps its identity, and a second factor is asked for', async () => {
    const { token } = await signIn({ invitation: await invite() })
    const client = app.as(token)
    expectError(await client.delete('/me/identity', {}), 409, 'account_needs_password')
    const { db } = app.app.database
    const user_id = (await me(token)).id
    const secret = { user_id, secret: 'encrypted', confirmed_at: new Date(), last_step: null }
    await db.insertInto('totp_secrets').values(secret).execute()
    const asked = await signIn({ next: '/search' })
    expect(asked).toMatchObject({ factors: 'totp', challenge: expect.any(String) })
    expect(asked.page.pathname + asked.page.search).toBe('/login?next=%2Fsearch')
    expect(asked.token).toBeUndefined()
    expectError(await client.delete('/me/factors/totp', {}), 403, 'code_required')
    bodyOf(await client.patch('/me', { display_name: 'Ann' }))
    expectError(await client.patch('/me', { email: 'ann.other@example.org' }), 403, 'code_required')
    expectError(await client.delete('/me'), 403, 'code_required')
  })

  test('an account without a password and second factor needs a recent sign-in to be changed or deleted', async () => {
    provider.person = { ...newPerson(), email_verified: true }
    const { token } = await signIn({ invitation: await invite() })
    const client = app.as(token)
    const user_id = (await me(token)).id
    const { db } = app.app.database
    await sql`update sessions set created_at = now() - interval '11 minutes' where user_id = ${user_id}`.execute(
      db,
    )
    for (const refused of [
      await client.delete('/me'),
      await client.post('/auth/password', { new_password: 'a good long password' }),
      await client.patch('/me', { email: `${randomUUID()}@example.org` }),
      await client.post('/me/factors/totp', {}),
    ])
      expectError(refused, 403, 'sign_in_again')
    expect((await me(token)).id).toBe(user_id)

    const again = app.as((await signIn()).token)
    bodyOf(await again.patch('/me', { email: `${randomUUID()}@example.org` }))
    bodyOf(await again.delete('/me'))
    expect((await client.get('/me')).status).toBe(401)
  })

  test('a disabled account cannot sign in', async () => {
    const { id } = await me((await signIn({ invitation: await invite() })).token)
    bodyOf(await admin.client.patch(`/admin/users/${id}`, { disabled: true }))
    expect(await signIn()).toMatchObject({ error: 'account_disabled' })
  })

  test('a callback works once, in the browser that began, with its state', async () => {
    const invitation = await invite()
    const begun = await begin({ invitation })
    expect(begun.url).toContain('code_challenge_method=S256')
    expect((await open({ callback: begun.callback })).error).toBe('oidc_expired')
    const other = await begin()
    expect((await open({ callback: begun.callback, cookie: other.cookie })).error).toBe('oidc_expired')
    expect((await open(begun)).token).toBeDefined()
    expect((await open(begun)).error).toBe('oidc_expired')

    const old = await begin()
    await app.app.database.db
      .updateTable('challenges')
      .set({ expires_at: new Date(0) })
      .execute()
    expect((await open(old)).error).toBe('oidc_expired')
    const refused = await begin()
    refused.callback.searchParams.delete('code')
    refused.callback.searchParams.set('error', 'access_denied')
    expect((await open(refused)).error).toBe('oidc_refused')
  })

  test.each([
    ['another nonce', { nonce: 'another' }],
    ['another audience', { aud: 'another' }],
    ['another issuer', { iss: 'https://attacker.example' }],
    ['an end in the past', { exp: 1_000_000_000 }],
  ])('an ID token with %s is refused', async (_name, forged) => {
    provider.forged = forged
    expect(await signIn({ invitation: await invite() })).toMatchObject({ error: 'oidc_refused' })
  })

  test('an ID token with the signature of another key is refused', async () => {
    provider.signsWithOtherKey = true
    expect(await signIn({ invitation: await invite() })).toMatchObject({ error: 'oidc_refused' })
  })

  test.each([
    'https://attacker.example/',
    '//attacker.example',
    '/\\attacker.example',
    '/.//attacker.example',
    'javascript:alert(1)',
    '/\ud800',
  ])('returns to a page of this server for %s', async (next) => {
    const { page } = await signIn({ invitation: await invite(), next })
    expect(page.origin).toBe(publicUrl)
  })

  test('the audit log names who signed in', async () => {
    const { id } = await me((await signIn({ invitation: await invite() })).token)
    const { entries } = bodyOf(
      await admin.client.get<{ entries: { action: string; actor: { id: string } | null }[] }>(
        '/admin/audit?limit=1',
      ),
    )
    expect(entries[0]).toMatchObject({ action: 'session.create', actor: { id } })
  })
})
