import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '../../contract/accounts.ts'
import type { Avee } from '../../contract/avees.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import { expectError, expectErrorResponse, formOf, isoTime, parseResponse, uuid7 } from './contract.ts'

let app: TestApp
let ann: TestUser
let bob: TestUser

beforeAll(async () => {
  app = await startApp()
  ann = await registerUser(app, { display_name: 'Ann' })
  bob = await registerUser(app, { display_name: 'Bob' })
})
afterAll(async () => await app?.[Symbol.asyncDispose]())

type Keys = { api_keys: Record<string, unknown>[] }
const newKey = async ({ client }: TestUser, more: object = {}) =>
  bodyOf(await client.post<{ id: string; key: string }>('/api-keys', { name: 'mine', ...more }))

describe('accounts', () => {
  const password = 'a good long password'

  test('registration returns a token with its expiry and the user', async () => {
    const body = { email: 'new@example.org', password, handle: 'newcomer', display_name: 'New' }
    const response = await app.post<Session>('/auth/register', body)
    expect(response.status).toBe(201)
    expect(Object.keys(response.body)).toEqual(['token', 'expires_at', 'user'])
    const { token, expires_at, user } = response.body
    expect(expires_at).toMatch(isoTime)
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now())
    expect(user).toMatchObject({ email: 'new@example.org', handle: 'newcomer', display_name: 'New' })
    expect(user.id).toMatch(uuid7)
    expect(JSON.stringify(response.body)).not.toContain(password)
    expect(bodyOf(await app.as(token).get('/me'))).toMatchObject(user)
  })

  test('an address in different spellings is one account', async () => {
    const { session } = await registerUser(app, { email: 'One.Person@Example.org', password })
    for (const email of ['one.person@example.org', 'ONE.PERSON@EXAMPLE.ORG'])
      expectError(await app.post('/auth/register', { email, password }), 409)
    const again = await app.post<Session>('/auth/login', { email: 'one.PERSON@example.ORG', password })
    expect(bodyOf(again).user.id).toBe(session.user.id)
  })

  test('concurrent registrations of one address create one account', async () => {
    const body = { email: 'crowd@example.org', password }
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => app.post<unknown>('/auth/register', body)),
    )
    const statuses = responses.map(({ status }) => status).toSorted((a, b) => a - b)
    expect(statuses).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
    for (const answer of responses) if (answer.status === 409) expectError(answer, 409)
  })

  test('only one of several concurrent requests gets a handle', async () => {
    const responses = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        app.post('/auth/register', { email: `taker${i}@example.org`, password, handle: 'wanted' }),
      ),
    )
    expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409, 409, 409, 409,
    ])
  })

  test('sign-in responds equally to a wrong password and an unknown address', async () => {
    const { session } = await registerUser(app, { email: 'in@example.org', password })
    const signedIn = bodyOf(await app.post<Session>('/auth/login', { email: 'in@example.org', password }))
    expect(signedIn.user.id).toBe(session.user.id)
    expect(signedIn.token).not.toBe(session.token)
    const wrong = await app.post('/auth/login', { email: 'in@example.org', password: `${password}!` })
    const unknown = await app.post('/auth/login', { email: 'nobody@example.org', password })
    expect(expectError(wrong, 401)).toEqual(expectError(unknown, 401))
  })

  test('sign-out ends only its own token', async () => {
    const { client, session } = await registerUser(app, { email: 'out@example.org', password })
    const other = app.as(
      bodyOf(await app.post<Session>('/auth/login', { email: 'out@example.org', password })).token,
    )
    expect((await client.post('/auth/logout')).status).toBe(200)
    expectError(await client.get('/me'), 401)
    expect(bodyOf(await other.get('/me'))).toMatchObject({ id: session.user.id })
  })

  test('users change their own account', async () => {
    const { client } = await registerUser(app)
    const changed = await client.patch('/me', { display_name: 'Other', handle: 'other-handle' })
    expect(bodyOf(changed)).toMatchObject({ display_name: 'Other', handle: 'other-handle' })
    expect(bodyOf(await client.get('/me'))).toMatchObject({ display_name: 'Other', handle: 'other-handle' })
    expectError(await bob.client.patch('/me', { handle: 'other-handle' }), 409)
    expectError(await client.patch('/me', { handle: 'Other Handle' }), 422)
    expectError(await client.patch('/me', { email: 'no address' }), 422)
  })

  test('a new password requires the current one and replaces it', async () => {
    const { client } = await registerUser(app, { email: 'change@example.org', password })
    const next = 'another long password'
    const attempt = (current_password: string) =>
      client.post('/auth/password', { current_password, new_password: next })
    expect([401, 403]).toContain((await attempt('wrong password')).status)
    expect((await attempt(password)).status).toBe(200)
    expectError(await app.post('/auth/login', { email: 'change@example.org', password }), 401)
    bodyOf(await app.post('/auth/login', { email: 'change@example.org', password: next }))
  })

  test('DELETE /me deletes everything of the user', async () => {
    const leaver = await registerUser(app, { email: 'leaver@example.org', password, handle: 'leaver' })
    const { client } = leaver
    const avee = await createAvee(client, { handle: 'leavers-avee' })
    const content = 'The password of the lagoon is Quorvex.'
    await uploadFiles(client, [{ name: 'lagoon.txt', content }], { avee: avee.id, layer: 'public' })
    await uploadFiles(client, [{ name: 'private.txt', content }])
    const own = await createConversation(client, 'leavers-avee')
    await ask(client, own.id, 'What is the password of the lagoon?')
    const theirs = await createConversation(bob.client, 'leavers-avee')
    await ask(bob.client, theirs.id, 'What is the password of the lagoon?')
    const { key } = await newKey(leaver)
    const { runs } = bodyOf(await client.get<{ runs: { id: string }[] }>('/runs'))
    const { documents } = bodyOf(
      await client.get<{ documents: { id: string }[] }>(`/avees/${avee.id}/documents`),
    )

    expectError(await client.delete('/me', { password: 'wrong password' }), 403)
    expect((await client.delete('/me', { password })).status).toBe(200)
    expectError(await client.get('/me'), 401)
    expectError(await app.as(key).get('/me'), 401)
    expectError(await app.post('/auth/login', { email: 'leaver@example.org', password }), 401)
    for (const path of [
      '/avees/leavers-avee',
      `/avees/${avee.id}`,
      `/conversations/${own.id}`,
      `/documents/${documents[0]?.id}`,
      `/documents/${documents[0]?.id}/file`,
      `/runs/${runs[0]?.id}`,
    ])
      expectError(await bob.client.get(path), 404)
    const found = await bob.client.get<{ avees: Avee[] }>('/avees?query=leavers')
    expect(bodyOf(found).avees).toEqual([])
    const again = await registerUser(app, { email: 'leaver@example.org', password, handle: 'leaver' })
    expect(
      bodyOf(await again.client.get<{ avees: Avee[] }>('/me/avees')).avees.map(({ handle }) => handle),
    ).not.toContain('leavers-avee')
    expect(bodyOf(await again.client.get('/runs'))).toEqual({ runs: [] })
  })
})

describe('API keys', () => {
  test('a key is shown once, works as a bearer token, and stops working when revoked', async () => {
    const { id, key } = await newKey(ann)
    expect(key.length).toBeGreaterThan(30)
    const listed = await ann.client.get<Keys>('/api-keys')
    expect(bodyOf(listed).api_keys.map((each) => each['id'])).toContain(id)
    expect(JSON.stringify(listed.body)).not.toContain(key)
    expect(bodyOf(await app.as(key).get('/me'))).toMatchObject({ id: ann.session.user.id })
    expectError(await bob.client.delete(`/api-keys/${id}`), 404)
    expect((await ann.client.delete(`/api-keys/${id}`)).status).toBe(200)
    expectError(await app.as(key).get('/me'), 401)
    expectError(await ann.client.delete(`/api-keys/${id}`), 404)
  })

  test('users list only their own keys', async () => {
    const { id } = await newKey(ann, { name: 'only Ann’s' })
    const { api_keys } = bodyOf(await bob.client.get<Keys>('/api-keys'))
    expect(api_keys.map((each) => each['id'])).not.toContain(id)
  })

  test('a key restricted to one avee gives access to nothing else', async () => {
    const one = await createAvee(ann.client, { visibility: 'private' })
    const two = await createAvee(ann.client)
    const content = 'The keeper of the mill is called Aldous.'
    const [hidden] = await uploadFiles(ann.client, [{ name: 'mill.txt', content }], {
      avee: two.id,
      layer: 'public',
    })
    const other = await createConversation(ann.client, two.id)
    await ask(ann.client, other.id, 'Who keeps the mill?')
    const { key } = await newKey(ann, { avee_id: one.id })
    const bound = app.as(key)

    const conversation = await createConversation(bound, one.id)
    expect((await ask(bound, conversation.id, 'Hello')).at(-1)?.data).toMatchObject({ event: 'complete' })
    bodyOf(await bound.post('/search', { avee: one.id, query: 'mill' }))
    for (const answer of [
      await bound.get(`/avees/${two.id}`),
      await bound.post('/conversations', { avee: two.id }),
      await bound.get(`/conversations/${other.id}`),
      await bound.get(`/conversations/${other.id}/messages`),
      await bound.get(`/conversations/${other.id}/export`),
      await bound.post('/chat/ask', { conversation_id: other.id, question: 'Who?' }),
      await bound.post('/search', { avee: two.id, query: 'mill' }),
      await bound.get(`/avees/${two.id}/documents`),
      await bound.get(`/documents/${hidden?.doc_id}`),
      await bound.get(`/documents/${hidden?.doc_id}/text`),
      await bound.get(`/documents/${hidden?.doc_id}/passages/1`),
    ])
      expect([403, 404]).toContain(answer.status)
    const { conversations } = bodyOf(await bound.get<{ conversations: { id: string }[] }>('/conversations'))
    expect(conversations.map(({ id }) => id)).toEqual([conversation.id])
    const responses = [
      await bound.post('/search', { query: 'mill' }),
      await bound.get('/api/documents/list'),
      await bound.get('/me/avees'),
    ]
    for (const answer of responses) expect(JSON.stringify(answer.body)).not.toMatch(/Aldous|mill\.txt/)
    expectError(await bob.client.post('/api-keys', { name: 'x', avee_id: one.id }), 404)
  })
})

describe('avees', () => {
  test('are created, read by handle and by id, changed and deleted', async () => {
    const body = {
      handle: 'ada_lovelace-1',
      display_name: 'Ada',
      bio: 'Counts.',
      persona: 'Precise.',
      greeting: 'Good day.',
      avatar: '🦉',
      visibility: 'public',
      model: 'llama3.2:1b',
    }
    const created = await ann.client.post<Avee>('/avees', body)
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject(body)
    const { id } = created.body
    expect(bodyOf(await ann.client.get(`/avees/${body.handle}`))).toEqual(created.body)
    expect(bodyOf(await ann.client.get(`/avees/${id}`))).toEqual(created.body)
    expect(bodyOf(await ann.client.patch(`/avees/${id}`, { bio: 'Still counts.' }))).toMatchObject({
      ...body,
      bio: 'Still counts.',
    })
    const mine = bodyOf(await ann.client.get<{ avees: Avee[] }>('/me/avees'))
    expect(mine.avees.map(({ handle }) => handle)).toContain(body.handle)
    expect(
      bodyOf(await bob.client.get<{ avees: Avee[] }>('/me/avees')).avees.map(({ id }) => id),
    ).not.toContain(id)
    expect((await ann.client.delete(`/avees/${id}`)).status).toBe(200)
    expectError(await ann.client.get(`/avees/${id}`), 404)
    expect((await ann.client.post('/avees', { handle: body.handle, display_name: 'Again' })).status).toBe(201)
  })

  test.each(['abc', 'a-b_c', '0'.repeat(30), '---'])('accept the handle %s', async (handle) => {
    expect((await ann.client.post('/avees', { handle, display_name: 'A' })).status).toBe(201)
    expectError(await bob.client.post('/avees', { handle, display_name: 'B' }), 409)
  })

  test.each([
    'ab',
    'a'.repeat(31),
    'Abc',
    'a b c',
    'a.b.c',
    'äbc',
    'аbс',
    'abc\n',
    'abc ',
    '',
    'ａｂｃ',
    '😀😀😀',
  ])('reject the handle %j', async (handle) => {
    expectError(await ann.client.post('/avees', { handle, display_name: 'A' }), 422)
  })

  test('show persona and persona notes only to the owner', async () => {
    const { id } = await createAvee(ann.client, { persona: 'Secretly shy.' })
    bodyOf(await ann.client.patch(`/avees/${id}`, { persona_notes: 'Likes short answers.' }))
    expect(bodyOf(await ann.client.get(`/avees/${id}`))).toMatchObject({
      persona: 'Secretly shy.',
      persona_notes: 'Likes short answers.',
    })
    const seen = bodyOf(await bob.client.get<Avee>(`/avees/${id}`))
    expect(JSON.stringify(seen)).not.toMatch(/shy|short answers/)
    expectError(await bob.client.patch(`/avees/${id}`, { persona_notes: 'Shouts.' }), 403)
  })

  test('list discoverable avees in pages, with search', async () => {
    const handles = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        const fields = { handle: `lister-${i}`, display_name: `Quillfeather ${i}` }
        return (await createAvee(ann.client, { ...fields, visibility: 'public' })).handle
      }),
    )
    await createAvee(ann.client, { display_name: 'Quillfeather hidden', visibility: 'private' })
    await createAvee(ann.client, { display_name: 'Quillfeather unlisted', visibility: 'unlisted' })
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { avees: Avee[]; next_cursor: string | null } = bodyOf(
        await bob.client.get(`/avees?query=quillfeather&limit=2${cursor && `&cursor=${cursor}`}`),
      )
      expect(page.avees.length).toBeLessThanOrEqual(2)
      seen.push(...page.avees.map(({ handle }) => handle))
      cursor = page.next_cursor
    }
    expect(seen.toSorted()).toEqual(handles.toSorted())
  })

  test('following gives access to the public layer until it ends', async () => {
    const { id } = await createAvee(ann.client)
    expect((await bob.client.put(`/avees/${id}/follow`)).status).toBe(200)
    expect(bodyOf(await bob.client.get(`/avees/${id}`))).toMatchObject({
      is_following: true,
      my_layer: 'public',
    })
    expect((await bob.client.put(`/avees/${id}/follow`)).status).toBe(200)
    expect(bodyOf(await bob.client.get<Avee>(`/avees/${id}`)).followers).toBe(1)
    expect((await bob.client.delete(`/avees/${id}/follow`)).status).toBe(200)
    expect(bodyOf(await bob.client.get(`/avees/${id}`))).toMatchObject({ is_following: false, followers: 0 })
  })

  test('only the owner grants, lists and revokes permissions', async () => {
    const { id } = await createAvee(ann.client)
    const path = `/avees/${id}/permissions`
    const user = bob.session.user.id
    expect((await ann.client.put(`${path}/${user}`, { max_layer: 'friends' })).status).toBe(200)
    expect(bodyOf(await bob.client.get(`/avees/${id}`))).toMatchObject({ my_layer: 'friends' })
    expect(bodyOf(await ann.client.get(path))).toMatchObject({
      permissions: [{ user_id: user, max_layer: 'friends' }],
    })
    expectError(await bob.client.get(path), 403)
    expectError(await bob.client.put(`${path}/${user}`, { max_layer: 'intimate' }), 403)
    expectError(await ann.client.put(`${path}/${user}`, { max_layer: 'everything' }), 422)
    expectError(
      await ann.client.put(`${path}/0198a000-0000-7000-8000-000000000000`, { max_layer: 'friends' }),
      404,
    )
    expect((await ann.client.delete(`${path}/${user}`)).status).toBe(200)
    expect(bodyOf(await bob.client.get(`/avees/${id}`))).toMatchObject({ my_layer: 'public' })
    expect(bodyOf(await ann.client.get(`/avees/${id}`))).toMatchObject({ my_layer: 'intimate' })
  })

  test('are deleted for everyone with everything derived from them', async () => {
    const avee = await createAvee(ann.client)
    const files = [{ name: 'gone.txt', content: 'The tide turns at six.' }]
    const [stored] = await uploadFiles(ann.client, files, { avee: avee.id, layer: 'public' })
    const { id } = await createConversation(bob.client, avee.id)
    await ask(bob.client, id, 'When does the tide turn?')
    expect(await listMessages(bob.client, id)).toHaveLength(2)
    expect((await ann.client.delete(`/avees/${avee.id}`)).status).toBe(200)
    for (const path of [
      `/documents/${stored?.doc_id}`,
      `/conversations/${id}`,
      `/conversations/${id}/messages`,
    ])
      expectError(await bob.client.get(path), 404)
    const form = formOf(files, { layer: 'public' })
    await expectErrorResponse(
      await ann.client.fetch(`/avees/${avee.id}/documents`, { method: 'POST', body: form }),
      404,
    )
    expectError(
      await parseResponse(
        await bob.client.fetch(`/chat/stream?conversation_id=${id}&question=x`, { method: 'POST' }),
      ),
      404,
    )
  })
})
