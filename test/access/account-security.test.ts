import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromBufferPromise } from 'yauzl'
import type { ActiveSession, Session } from '../../contract/accounts.ts'
import type { AdminUser } from '../../contract/admin.ts'
import type { ErrorResponse } from '../../contract/common.ts'
import type { Run } from '../../contract/runs.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'

type Failure = { error: { code: string; details?: { path: string }[] } }
const password = 'a good long password'
const codeOf = (response: { body: unknown }) => (response.body as Failure).error.code

describe.each(ONE_DATABASE)('account security on %s', (kind) => {
  let app: TestApp
  let admin: TestUser
  beforeAll(async () => {
    app = await startApp({ REGISTRATION: 'invite' }, kind)
    admin = await registerUser(app, { email: 'admin@example.org' })
  })
  afterAll(async () => await app[Symbol.asyncDispose]())

  const invite = async (fields: Record<string, unknown> = {}) =>
    bodyOf(await admin.client.post<{ id: string; token: string; url: string }>('/invitations', fields))
  const join = async (fields: Record<string, string> = {}) =>
    registerUser(app, { invitation: (await invite()).token, ...fields } as never)
  const me = async (client: TestClient) => (await client.get('/me')).status

  describe('invitations', () => {
    test('create one account each, while registration without one is refused', async () => {
      const refused = await app.post('/auth/register', { email: 'ann@example.org', password })
      expect(refused.status).toBe(403)
      expect(codeOf(refused)).toBe('invitation_required')

      const { token, url } = await invite()
      expect(url).toBe(`${app.url}/login#invitation=${token}`)
      const body = { email: 'ann@example.org', password, invitation: token }
      expect((await app.post('/auth/register', body)).status).toBe(201)
      const again = await app.post('/auth/register', { ...body, email: 'bob@example.org' })
      expect(again.status).toBe(403)
      expect(codeOf(again)).toBe('invitation_invalid')
    })

    test('for an address work for that address only, and stay valid after an attempt with another', async () => {
      const { token } = await invite({ email: 'Carla@Example.org' })
      const other = await app.post('/auth/register', {
        email: 'dora@example.org',
        password,
        invitation: token,
      })
      expect(codeOf(other)).toBe('invitation_for_another_address')
      const body = { email: 'carla@example.org', password, invitation: token }
      expect((await app.post('/auth/register', body)).status).toBe(201)
    })

    test('are listed without their token, revoked, and managed by administrators only', async () => {
      const { id, token } = await invite({ expires_in: 3_600 })
      const { body } = await admin.client.get<{ invitations: { id: string }[] }>('/invitations')
      expect(body.invitations.map((invitation) => invitation.id)).toContain(id)
      expect(JSON.stringify(body)).not.toContain(token)
      expect((await admin.client.delete(`/invitations/${id}`)).status).toBe(200)
      const revoked = await app.post('/auth/register', {
        email: 'eve@example.org',
        password,
        invitation: token,
      })
      expect(revoked.status).toBe(403)

      const user = await join()
      expect((await user.client.post('/invitations', {})).status).toBe(403)
      expect((await user.client.get('/invitations')).status).toBe(403)
    })
  })

  test('rejects short and common passwords with the field', async () => {
    for (const [given, path] of [
      ['short', 'password'],
      ['password123', 'password'],
      ['Qwertyuiop', 'password'],
    ]) {
      const { token } = await invite()
      const refused = await app.post('/auth/register', {
        email: 'frida@example.org',
        password: given,
        invitation: token,
      })
      expect(refused.status).toBe(422)
      expect((refused.body as Failure).error.details?.[0]?.path).toBe(path)
    }
    const user = await join()
    const change = await user.client.post('/auth/password', {
      current_password: user.password,
      new_password: '1234567890',
    })
    expect(change.status).toBe(422)
  })

  test('changes the e-mail address only with the current password', async () => {
    const user = await join()
    const body = { email: 'new-address@example.org' }
    expect((await user.client.patch('/me', body)).status).toBe(403)
    expect((await user.client.patch('/me', { ...body, current_password: 'wrong password' })).status).toBe(403)
    expect((await user.client.patch('/me', { display_name: 'Gina' })).status).toBe(200)
    expect((await user.client.patch('/me', { ...body, current_password: user.password })).status).toBe(200)
  })

  test('lists sessions, signs out one of them, and signs out everywhere', async () => {
    const user = await join()
    const credentials = { email: user.session.user.email, password: user.password }
    const signIn = async () => app.as(bodyOf(await app.post<Session>('/auth/login', credentials)).token)
    const [second, third] = [await signIn(), await signIn()]

    const { sessions } = bodyOf(await second.get<{ sessions: ActiveSession[] }>('/sessions'))
    expect(sessions).toHaveLength(3)
    expect(sessions.filter(({ is_current }) => is_current)).toHaveLength(1)
    expect(sessions.every(({ address }) => address === '127.0.0.1')).toBe(true)
    expect(JSON.stringify(sessions)).not.toContain('token')

    const current = sessions.find(({ is_current }) => is_current)
    expect((await third.delete(`/sessions/${current?.id}`)).status).toBe(200)
    expect([await me(second), await me(third)]).toEqual([401, 200])
    const others = await admin.client.get<{ sessions: ActiveSession[] }>('/sessions')
    expect((await third.delete(`/sessions/${others.body.sessions[0]?.id}`)).status).toBe(404)

    expect((await third.delete('/sessions')).status).toBe(200)
    expect([await me(third), await me(user.client)]).toEqual([401, 401])
  })

  test('a key is limited to its scopes, until it expires', async () => {
    const user = await join()
    const avee = await createAvee(user.client)
    const { id } = await createConversation(user.client, avee.handle)
    const key = async (fields: Record<string, unknown>) =>
      app.as(bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key', ...fields })).key)
    const ask = async (client: TestClient) =>
      (await client.post('/chat/ask', { conversation_id: id, question: 'Hello?' })).status
    const change = async (client: TestClient) =>
      (await client.patch(`/avees/${avee.id}`, { bio: 'Changed' })).status

    const reader = await key({ scopes: ['read'] })
    expect([await me(reader), await ask(reader), await change(reader)]).toEqual([200, 403, 403])
    expect(codeOf(await reader.patch(`/avees/${avee.id}`, { bio: 'x' }))).toBe('scope_missing')
    expect((await reader.post('/search', { query: 'tide' })).status).toBe(200)
    const chatter = await key({ scopes: ['read', 'chat'] })
    expect([await me(chatter), await ask(chatter), await change(chatter)]).toEqual([200, 200, 403])
    const manager = await key({})
    expect([await ask(manager), await change(manager)]).toEqual([200, 200])

    expect((await user.client.post('/api-keys', { scopes: ['everything'] })).status).toBe(422)
    const brief = await user.client.post<{ expires_at: string }>('/api-keys', { expires_in: 3_600 })
    expect(Date.parse(brief.body.expires_at) - Date.now()).toBeLessThanOrEqual(3_600_000)
  })

  test('a key with the scope chat only reads and resumes its answers, and no uploads', async () => {
    const user = await join()
    const [avee, other] = [await createAvee(user.client), await createAvee(user.client)]
    const file = { name: 'tide.txt', content: 'The tide turns at six.' }
    await uploadFiles(user.client, [file], { avee: avee.id, layer: 'public' })
    const { runs } = bodyOf(await user.client.get<{ runs: Run[] }>('/runs'))
    const upload = runs.find((run) => run.kind === 'ingest')
    const { id } = await createConversation(user.client, avee.handle)
    const key = async (fields: object) =>
      app.as(bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key', ...fields })).key)
    const chatter = await key({ scopes: ['chat'] })
    const answer = await chatter.post('/chat/stream', {
      conversation_id: id,
      question: 'When does the tide turn?',
    })
    const run = answer.headers.get('x-run-id')
    await uploadFiles(chatter, [file], { conversation: id })
    const after = bodyOf(await user.client.get<{ runs: Run[] }>('/runs')).runs
    const attached = after.find((run) => run.kind === 'ingest' && run.id !== upload?.id)?.id
    for (const own of [run, attached]) {
      expect((await chatter.get<{ status: string }>(`/runs/${own}`)).body.status).toBe('complete')
      expect((await chatter.get(`/runs/${own}/events?after=1`)).status).toBe(200)
      expect((await chatter.delete(`/runs/${own}`)).status).toBe(200)
      const bound = await key({ scopes: ['chat'], avee_id: other.id })
      for (const path of [`/runs/${own}`, `/runs/${own}/events`])
        expect((await bound.get(path)).status).toBe(404)
    }
    expect(
      (await (await key({ scopes: ['chat'], avee_id: avee.id })).get(`/runs/${run}/events`)).status,
    ).toBe(200)
    for (const path of [`/runs/${upload?.id}`, `/runs/${upload?.id}/events`]) {
      const refused = await chatter.get<ErrorResponse>(path)
      expect([refused.status, refused.body.error.message]).toEqual([
        403,
        'This API key lacks the scope "read". Create one that has it.',
      ])
      expect((await user.client.get(path)).status).toBe(200)
    }
    const manager = await (await key({ scopes: ['manage'] })).get<ErrorResponse>(`/runs/${run}`)
    expect([manager.status, manager.body.error.message]).toEqual([
      403,
      'This API key lacks the scope "read" or "chat". Create one that has it.',
    ])
  })

  test('a key has its own limit of requests per minute', async () => {
    const user = await join()
    const key = async (requests_per_minute?: number) =>
      bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key', requests_per_minute })).key
    const limited = app.as(await key(2))
    expect([await me(limited), await me(limited)]).toEqual([200, 200])
    const refused = await limited.get<ErrorResponse>('/me')
    expect([refused.status, codeOf(refused)]).toEqual([429, 'too_many_requests'])
    expect(refused.body.error.message).toMatch(
      /^The limit of this API key is 2 requests per minute\. Try again in (a second|\d+ seconds)\.$/,
    )
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)

    const others = [app.as(await key(1)), app.as(await key()), user.client]
    expect(await Promise.all(others.map(me))).toEqual([200, 200, 200])
    const { api_keys } = bodyOf(
      await user.client.get<{ api_keys: { requests_per_minute: number | null }[] }>('/api-keys'),
    )
    expect(api_keys.map((each) => each.requests_per_minute)).toEqual([null, 1, 2])
    for (const wrong of [0, 1.5, 10_001, '2', null])
      expect((await user.client.post('/api-keys', { requests_per_minute: wrong })).status).toBe(422)
  })

  test('a server without mail refuses to send a link', async () => {
    expect(bodyOf(await app.get('/auth/state'))).toMatchObject({ mail: false })
    const refused = await app.post('/auth/forgot-password', { email: 'admin@example.org' })
    expect([refused.status, codeOf(refused)]).toEqual([409, 'mail_not_configured'])
  })

  test('a reset link sets a new password once and ends all sessions', async () => {
    const user = await join()
    const { email } = user.session.user
    expect((await user.client.post(`/admin/users/${email}/password-reset`)).status).toBe(403)
    const link = async () =>
      new URL(bodyOf(await admin.client.post<{ url: string }>(`/admin/users/${email}/password-reset`)).url)
    const [replaced, valid] = [await link(), await link()]
    expect(`${valid.origin}${valid.pathname}`).toBe(`${app.url}/login`)
    const reset = (url: URL, new_password: string) =>
      app.post('/auth/reset', { token: new URLSearchParams(url.hash.slice(1)).get('reset'), new_password })

    expect(codeOf(await reset(replaced, 'another long password'))).toBe('reset_link_invalid')
    expect((await reset(valid, 'password123')).status).toBe(422)
    expect((await reset(valid, 'another long password')).status).toBe(200)
    expect((await reset(valid, 'a third long password')).status).toBe(403)
    expect(await me(user.client)).toBe(401)
    expect((await app.post('/auth/login', { email, password: user.password })).status).toBe(401)
    expect((await app.post('/auth/login', { email, password: 'another long password' })).status).toBe(200)
  })

  describe('administration', () => {
    test('a disabled user is signed out everywhere and cannot sign in until enabled', async () => {
      const user = await join()
      const { email } = user.session.user
      const key = bodyOf(await user.client.post<{ key: string }>('/api-keys', { name: 'key' })).key
      const unchanged = await admin.client.patch<AdminUser>(`/admin/users/${email}`, {})
      expect(bodyOf(unchanged)).toMatchObject({ email, disabled: false, is_admin: false })
      const disabled = await admin.client.patch<AdminUser>(`/admin/users/${email}`, { disabled: true })
      expect(disabled.body.disabled).toBe(true)
      expect([await me(user.client), await me(app.as(key))]).toEqual([401, 401])
      const refused = await app.post('/auth/login', { email, password: user.password })
      expect([refused.status, codeOf(refused)]).toEqual([403, 'account_disabled'])
      expect((await app.post('/auth/login', { email, password: 'a wrong password' })).status).toBe(401)

      await admin.client.patch(`/admin/users/${email}`, { disabled: false })
      expect((await app.post('/auth/login', { email, password: user.password })).status).toBe(200)
      expect(await me(app.as(key))).toBe(200)
    })

    test('is refused to others, and protects the last administrator', async () => {
      const user = await join()
      const paths = ['users', 'usage', 'runs', 'jobs', 'storage', 'logs', 'audit'].map(
        (name) => `/admin/${name}`,
      )
      for (const path of paths) {
        expect([path, (await user.client.get(path)).status]).toEqual([path, 403])
        expect([path, (await admin.client.get(path)).status]).toEqual([path, 200])
      }
      const own = `/admin/users/${admin.session.user.id}`
      expect((await user.client.patch(own, { is_admin: false })).status).toBe(403)
      expect((await admin.client.patch(own, { is_admin: false })).status).toBe(409)
      expect((await admin.client.patch(own, { disabled: true })).status).toBe(409)
      expect((await admin.client.delete(own)).status).toBe(409)
    })

    test('deletes a disabled administrator while another administrator remains', async () => {
      const user = await join()
      const path = `/admin/users/${user.session.user.id}`
      bodyOf(await admin.client.patch(path, { is_admin: true, disabled: true }))
      expect((await admin.client.delete(path)).status).toBe(200)
    })

    test('deletes a user with their avees', async () => {
      const user = await join()
      const avee = await createAvee(user.client)
      expect((await admin.client.delete(`/admin/users/${user.session.user.id}`)).status).toBe(200)
      expect(await me(user.client)).toBe(401)
      expect((await admin.client.get(`/avees/${avee.id}`)).status).toBe(404)
      const { users } = bodyOf(await admin.client.get<{ users: AdminUser[] }>('/admin/users'))
      expect(users.map(({ id }) => id)).not.toContain(user.session.user.id)
    })

    test('counts questions and storage by user', async () => {
      const user = await join()
      const avee = await createAvee(user.client)
      await uploadFiles(user.client, [{ name: 'tide.txt', content: 'The tide turns at six.' }], {
        avee: avee.id,
        layer: 'public',
      })
      const { id } = await createConversation(user.client, avee.handle)
      await user.client.post('/chat/ask', { conversation_id: id, question: 'When does the tide turn?' })
      const own = { user_id: user.session.user.id }
      const today = new Date().toISOString().slice(0, 10)
      const { body } = await admin.client.get(`/admin/usage?from=2026-01-01&to=${today}`)
      expect(body).toMatchObject({
        usage: expect.arrayContaining([expect.objectContaining({ ...own, questions: 1 })]),
        storage: expect.arrayContaining([expect.objectContaining({ ...own, documents: 1, bytes: 22 })]),
      })
      const { body: before } = await admin.client.get<{ usage: unknown[] }>(
        '/admin/usage?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z',
      )
      expect(before.usage).toEqual([])
    })

    test('the audit log records who did what from where, without contents', async () => {
      const user = await join()
      const avee = await createAvee(user.client, { display_name: 'Secret Harbour' })
      await user.client.put(`/avees/${avee.id}/permissions/${admin.session.user.id}`, {
        max_layer: 'friends',
      })
      const { body: key } = await user.client.post<{ id: string }>('/api-keys', { name: 'Secret Key' })
      await app.post('/auth/login', { email: user.session.user.email, password: 'a wrong password' })
      await user.client.delete(`/avees/${avee.id}`)
      type Entries = { entries: { action: string; target: string | null; actor: { id: string } | null }[] }
      const { body } = await admin.client.get<Entries & { next_cursor: string }>('/admin/audit?limit=5')
      expect(body.entries.map(({ action, target, actor }) => [action, target, actor?.id])).toEqual([
        ['avee.delete', avee.id, user.session.user.id],
        ['session.create_failed', null, undefined],
        ['api_key.create', key.id, user.session.user.id],
        ['permission.set', `${avee.id}/${admin.session.user.id}`, user.session.user.id],
        ['avee.create', avee.id, user.session.user.id],
      ])
      expect(body.entries[0]).toMatchObject({ address: '127.0.0.1' })
      expect(JSON.stringify(body)).not.toMatch(/Secret|password"/)
      const older = await admin.client.get<Entries>(`/admin/audit?limit=1&cursor=${body.next_cursor}`)
      expect(older.body.entries[0]).toMatchObject({ action: 'account.register' })

      const library = bodyOf(await user.client.get<{ id: string }>('/avees/local'))
      bodyOf(await user.client.delete('/api/documents/clear'))
      bodyOf(await user.client.delete(`/memories?avee=${library.id}`))
      bodyOf(await admin.client.post('/api/models/active', { model: 'extractive' }))
      const { entries } = bodyOf(await admin.client.get<Entries>('/admin/audit?limit=3'))
      expect(entries.map(({ action, target }) => [action, target])).toEqual([
        ['model.activate', 'extractive'],
        ['memory.delete_all', library.id],
        ['document.delete_all', library.id],
      ])
    })
  })
})

test('an export contains what its user owns and may read now', async () => {
  await using app = await startApp({ REGISTRATION: 'open' })
  const owner = await registerUser(app, { email: 'owner@example.org' })
  const visitor = await registerUser(app, { email: 'visitor@example.org' })
  const avee = await createAvee(owner.client, { handle: 'ada', persona: 'A retired sailor.' })
  const tide = [{ name: '../tide.md', content: 'The tide turns at noon.' }]
  await uploadFiles(owner.client, tide, { avee: avee.id, layer: 'intimate' })
  await uploadFiles(owner.client, [{ name: 'list.txt', content: 'Rope and tar.' }])
  const spec =
    'openapi: 3.1.0\nservers: [{ url: https://tides.example }]\npaths: { /tide: { get: { operationId: tide } } }'
  const tool = { kind: 'openapi', name: 'Tides', spec, headers: { 'x-key': 'key-of-the-tides' } }
  bodyOf(await owner.client.post('/avees/ada/tools', tool))
  const talk = await createConversation(visitor.client, 'ada')
  const moon = [{ name: 'moon.txt', content: 'The moon is full.' }]
  await uploadFiles(visitor.client, moon, { conversation: talk.id })
  await ask(visitor.client, talk.id, 'Who are you?')
  const kept = { model: 'avee/ada', input: 'Which rope?' }
  bodyOf(await visitor.client.post('/v1/responses', kept))
  bodyOf(await visitor.client.post('/v1/responses', { ...kept, input: 'Not kept.', store: false }))
  const filesOf = async ({ client }: TestUser) => {
    const response = await client.fetch('/me/export')
    expect(response.headers.get('content-type')).toBe('application/zip')
    const zip = await fromBufferPromise(Buffer.from(await response.arrayBuffer()), { lazyEntries: true })
    const files: Record<string, string> = {}
    for await (const entry of zip.eachEntry())
      files[entry.fileName] = await text(await zip.openReadStreamPromise(entry))
    return files
  }

  const own = await filesOf(owner)
  expect(own).toMatchObject({
    'documents/ada/tide.md': 'The tide turns at noon.',
    'documents/library/list.txt': 'Rope and tar.',
    'account.json': expect.stringContaining('owner@example.org'),
    'avees.json': expect.stringContaining('A retired sailor.'),
    'tools.json': expect.stringMatching(/"Tides"[^]*"x-key"[^]*"tide"/),
  })
  expect(JSON.stringify(own)).not.toMatch(/Who are you\?|moon|key-of-the-tides/)

  const visited = await filesOf(visitor)
  const responses = Object.entries(visited).filter(([name]) => name.startsWith('responses/'))
  expect(responses).toEqual([[expect.stringMatching(/\.json$/), expect.stringContaining('Which rope?')]])
  expect(Object.keys(visited).filter((name) => name.startsWith('conversations/'))).toEqual([
    expect.stringMatching(/\.json$/),
    expect.stringMatching(/\.md$/),
    expect.stringMatching(/Who are you_\/moon\.txt$/),
  ])
  expect(JSON.stringify(visited)).toContain('The moon is full.')
  expect(JSON.stringify(visited)).toContain('Who are you?')
  expect(JSON.stringify(visited)).not.toMatch(/noon|retired sailor|Tides/)
  await owner.client.patch('/avees/ada', { visibility: 'private' })
  expect(JSON.stringify(await filesOf(visitor))).not.toContain('Who are you?')
})

describe.each(ONE_DATABASE)('the first account of a server on %s that others can reach', (kind) => {
  test('requires the setup token, which is valid once', async () => {
    await using app = await startApp({ HOST: '0.0.0.0' }, kind)
    const register = (fields: Record<string, unknown>) =>
      app.post('/auth/register', { email: 'first@example.org', password, ...fields })
    const refused = await register({})
    expect([refused.status, codeOf(refused)]).toEqual([403, 'setup_token_required'])
    expect(codeOf(await register({ setup_token: 'wrong' }))).toBe('setup_token_required')
    const token = await app.app.accounts.setupToken()
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(await app.app.accounts.setupToken()).toBe(token)

    const both = await Promise.all([
      register({ setup_token: token }),
      register({ setup_token: token, email: 'second@example.org' }),
    ])
    const admins = both.filter(({ body }) => (body as Session).user?.is_admin)
    expect(admins).toHaveLength(1)
    expect(await app.app.accounts.setupToken()).toBeUndefined()
  })
})
