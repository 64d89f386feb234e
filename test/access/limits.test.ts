import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { ErrorResponse } from '../../contract/common.ts'
import type { Conversation } from '../../contract/conversations.ts'
import type { Readiness } from '../../contract/server.ts'
import { startApp } from '../app.ts'
import { createAvee, createConversation, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'

const text = (content: string) => ({ title: 'A text', text: content, layer: 'public' })

describe.each(ONE_DATABASE)('limits on %s', (kind) => {
  const ask = (client: TestClient, conversation_id: string) =>
    client.post<ErrorResponse>('/chat/ask', { conversation_id, question: 'Who are you?' })

  test('limit the questions of each user per minute, on all routes and with all keys', async () => {
    await using app = await startApp({ LIMIT_QUESTIONS_PER_MINUTE: '2' }, kind)
    const { client: ann } = await registerUser(app)
    const { client: bob } = await registerUser(app)
    const { id } = await createAvee(ann, { visibility: 'public' })
    const conversation = await createConversation(ann, id)
    const { key } = (await ann.post<{ key: string }>('/api-keys', { name: 'script' })).body

    expect((await ask(ann, conversation.id)).status).toBe(200)
    const streamed = await ann.fetch('/api/chat', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Hello?' }),
    })
    expect(streamed.status).toBe(200)
    await streamed.text()

    const refused = await ask(app.as(key), conversation.id)
    expect(refused.status).toBe(429)
    expect(refused.body.error.code).toBe('too_many_requests')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask(bob, (await createConversation(bob, id)).id)).status).toBe(200)
    expect((await ann.get('/me/avees')).status).toBe(200)
  })

  test('limit the questions of visitors without an account per hour and address', async () => {
    await using app = await startApp({ LIMIT_ANONYMOUS_QUESTIONS_PER_HOUR: '1' }, kind)
    const { client } = await registerUser(app)
    const { id } = await createAvee(client, { anonymous: true })
    const askAsVisitor = async () => {
      const { token } = (await app.post<{ token: string }>(`/avees/${id}/visits`)).body
      const headers = { 'x-visitor': token }
      const conversation = await app.post<Conversation>('/conversations', { avee: id }, { headers })
      const question = { conversation_id: conversation.body.id, question: 'Who are you?' }
      return (await app.post('/chat/ask', question, { headers })).status
    }
    expect([await askAsVisitor(), await askAsVisitor()]).toEqual([200, 429])
    expect((await ask(client, (await createConversation(client, id)).id)).status).toBe(200)
  })

  test('limit uploads and imports of each user per hour', async () => {
    await using app = await startApp({ LIMIT_UPLOADS_PER_HOUR: '1' }, kind)
    const { client } = await registerUser(app)
    const { id } = await createAvee(client)
    expect((await client.post(`/avees/${id}/documents`, text('One.'))).status).toBe(201)
    for (const [route, body] of [
      [`/avees/${id}/documents`, text('Two.')],
      [`/avees/${id}/documents/from-url`, { url: 'https://example.org', layer: 'public' }],
      ['/api/documents/upload', {}],
    ] as const)
      expect((await client.post(route, body)).status).toBe(429)
  })

  test('limit model downloads of each user per hour', async () => {
    await using app = await startApp({ LIMIT_PULLS_PER_HOUR: '1' }, kind)
    const { client } = await registerUser(app)
    expect((await client.post('/api/models/pull', { model: 'llama3' })).status).toBe(503)
    expect((await client.post('/api/models/pull', { model: 'llama3' })).status).toBe(429)
  })

  test('limit the size of the documents of each user', async () => {
    await using app = await startApp({ QUOTA_STORAGE_BYTES: '1000' }, kind)
    const { client } = await registerUser(app)
    const { id } = await createAvee(client)
    const other = await createAvee(client)
    const add = (avee: string, content: string) =>
      client.post<ErrorResponse & { id: string }>(`/avees/${avee}/documents`, text(content))
    const first = await add(id, 'Tea. '.repeat(120))
    expect(first.status).toBe(201)
    const refused = await add(other.id, 'Milk. '.repeat(100))
    expect(refused.status).toBe(403)
    expect(refused.body.error).toEqual({
      code: 'quota_exceeded',
      message:
        'You have reached your quota of 1,000 bytes of documents. Delete some, or ask the administrator for a higher quota.',
    })
    const results = await uploadFiles(
      client,
      [
        { name: 'small.txt', content: 'Small.' },
        { name: 'large.txt', content: 'Large. '.repeat(100) },
      ],
      { avee: id, layer: 'public' },
    )
    expect(results.map(({ success, code }) => [success, code])).toEqual([
      [true, undefined],
      [false, 'quota_exceeded'],
    ])
    expect((await client.delete(`/documents/${first.body.id}`)).status).toBe(200)
    expect((await add(other.id, 'Milk. '.repeat(100))).status).toBe(201)

    // Of three at the same time, one fits.
    const user = await registerUser(app)
    const avee = await createAvee(user.client)
    const added = await Promise.all(
      ['Oats. ', 'Rye.  ', 'Wheat '].map((word) =>
        user.client.post(`/avees/${avee.id}/documents`, text(word.repeat(100))),
      ),
    )
    expect(added.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  test('limit the conversations and API keys of each user', async () => {
    await using app = await startApp({ QUOTA_CONVERSATIONS: '1' }, kind)
    const { client, session } = await registerUser(app)
    const { id } = await createAvee(client)
    const { id: first } = await createConversation(client, id)
    const refused = await client.post<ErrorResponse & Conversation>('/conversations', { avee: id })
    expect([refused.status, refused.body.error.code]).toEqual([403, 'quota_exceeded'])
    expect((await client.post('/api/chat', { message: 'Hello?' })).status).toBe(403)
    expect((await client.delete(`/conversations/${first}`)).status).toBe(200)
    const { id: second } = await createConversation(client, id)

    // A conversation that contains only files of a question not asked yet does not count until its first question.
    await uploadFiles(client, [{ name: 'a.txt', content: 'A.' }], { conversation: second })
    const { id: third } = await createConversation(client, id)
    const ask = () => client.post('/chat/ask', { conversation_id: second, question: 'What is in the file?' })
    expect((await ask()).status).toBe(403)
    expect((await client.delete(`/conversations/${third}`)).status).toBe(200)
    expect((await ask()).status).toBe(200)

    await sql`
      insert into api_keys (id, user_id, name, prefix, key_hash)
      select gen_random_uuid(), ${session.user.id}, 'key', 'prefix', n::text from generate_series(1, 98) as n
    `.execute(app.app.database.db)
    const created = await Promise.all([1, 2, 3].map(() => client.post('/api-keys', { name: 'key' })))
    expect(created.filter(({ status }) => status === 201)).toHaveLength(2)
  })

  test('leave reading and deleting possible while the disk is almost full', async () => {
    await using app = await startApp({ MIN_FREE_DISK_MB: '900000000' }, kind)
    const { client } = await registerUser(app)
    const { id } = await createAvee(client)
    const { id: conversation_id } = await createConversation(client, id)
    for (const [route, body] of [
      ['/chat/ask', { conversation_id, question: 'Who are you?' }],
      ['/api/chat', { message: 'Hello?' }],
      [`/avees/${id}/documents`, text('One.')],
      [`/avees/${id}/documents/from-url`, { url: 'https://example.org', layer: 'public' }],
      [`/avees/${id}/folders`, { path: '/', layer: 'public' }],
      ['/api/models/pull', { model: 'llama3' }],
    ] as const) {
      const { status, body: refused } = await client.post<ErrorResponse>(route, body)
      expect([status, refused.error.code]).toEqual([507, 'insufficient_storage'])
    }
    const ready = await app.get<Readiness>('/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.body.storage).toEqual({ ok: false, message: expect.stringContaining('almost full') })
    expect((await client.get(`/conversations/${conversation_id}/messages`)).status).toBe(200)
    expect((await client.delete(`/avees/${id}`)).status).toBe(200)
  })
  test('report a full disk of the database', async () => {
    await using app = await startApp({}, kind)
    expect((await app.get<Readiness>('/health/ready')).body.storage).toEqual({ ok: true })
    const write = sql`do $$ begin
      raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
    end $$`.execute(app.app.database.db)
    await expect(write).rejects.toMatchObject({ status: 507, code: 'insufficient_storage' })
    const { status, body } = await app.get<Readiness>('/health/ready')
    expect([status, body.ok, body.database.ok, body.storage.ok]).toEqual([503, false, true, false])
    expect((await app.get('/health')).status).toBe(200)
  })
})
