import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import type { Conversation } from '../../contract/conversations.ts'
import type { Document } from '../../contract/knowledge.ts'
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
import type { TestResponse } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { expectError, formOf, parseResponse, sendRaw, streamOf } from './contract.ts'

/** PostgreSQL text cannot contain NUL; an unpaired surrogate is not a character. */
const nul = 'a\u0000b'
const half = 'a\ud83db'

describe.each(ONE_DATABASE)('odd input on %s', (kind) => {
  let ollama: ScriptedOllama
  let app: TestApp
  let ann: TestUser
  let avee: Avee
  let conversation: string

  beforeAll(async () => {
    ollama = await startOllama()
    app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
    ann = await registerUser(app)
    avee = await createAvee(ann.client)
    conversation = (await createConversation(ann.client, avee.id)).id
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await ollama?.[Symbol.asyncDispose]()
  })

  /** Expects success or a client error, never a server error. */
  const notServerError = (answer: TestResponse<unknown>, what: string) => {
    expect(answer.status, `${what}: ${JSON.stringify(answer.body)}`).toBeLessThan(500)
    if (answer.status >= 400) expectError(answer, answer.status)
    return answer
  }

  const texts = [
    ['NUL', nul],
    ['an unpaired surrogate', half],
    ['control characters', 'a\u0001\u001b[31m\u007f\u0085b'],
    ['format characters', '\u202ea\ufeffb\ufffe\uffff\u2028c'],
  ] as const
  test.each(texts)('%s in any stored text', async (_name, text) => {
    const { client } = ann
    const fresh = () => `x${Math.random().toString(36).slice(2, 12)}`
    const { id } = await createConversation(client, avee.id)
    for (const [method, path, body] of [
      ['post', '/avees', { handle: fresh(), display_name: text }],
      ['patch', `/avees/${avee.id}`, { bio: text, persona: text, greeting: text, persona_notes: text }],
      ['patch', `/avees/${avee.id}`, { display_name: text }],
      ['patch', `/avees/${avee.id}`, { model: text }],
      ['patch', '/me', { display_name: text }],
      [
        'post',
        '/auth/register',
        { email: `${fresh()}@example.org`, password: `long enough ${text}`, display_name: text },
      ],
      ['post', '/auth/login', { email: text, password: text }],
      ['post', '/auth/login', { email: ann.session.user.email, password: text }],
      ['post', '/api-keys', { name: text }],
      ['patch', `/conversations/${id}`, { title: text }],
      ['post', '/conversations', { avee: text }],
      [
        'post',
        `/avees/${avee.id}/documents`,
        { title: text, text: `The ${text} of the text.`, layer: 'public' },
      ],
      ['post', '/search', { avee: avee.id, query: text }],
      ['post', '/search', { avee: text, query: 'x' }],
      ['post', '/api/documents/test', { query: text }],
      ['post', '/api/documents/search-text', { search_text: text }],
      ['post', '/api/models/active', { model: text }],
      ['post', '/api/chat', { message: 'Hello', model: text }],
      ['post', '/api/chat', { message: 'Hello', history: [{ role: 'user', content: text }] }],
    ] as const)
      notServerError(await client[method](path, body), `${method} ${path}`)
    const encoded = encodeURIComponent(text.toWellFormed())
    for (const path of [
      `/avees/${encoded}`,
      `/avees?query=${encoded}`,
      `/avees?cursor=${encoded}`,
      `/conversations?query=${encoded}`,
      `/conversations?avee=${encoded}`,
      `/conversations/${encoded}`,
      `/documents/${encoded}`,
      `/avees/${avee.id}/documents?query=${encoded}`,
      `/runs/${encoded}/events`,
      `/messages/${encoded}`,
    ])
      notServerError(await client.get(path), path)
    for (const name of [`${text}.txt`.toWellFormed(), text.toWellFormed()]) {
      const form = formOf([{ name, content: `A file named oddly, ${fresh()}.` }])
      notServerError(
        await parseResponse(await client.fetch('/api/documents/upload', { method: 'POST', body: form })),
        name,
      )
    }
    bodyOf(await client.patch(`/avees/${avee.id}`, { model: null }))
  })

  test.each(texts)(
    '%s in a question, an answer and a file is stored as far as possible',
    async (_name, text) => {
      const { id } = await createConversation(ann.client, avee.id)
      const words = ['Said', ` ${text}`, '.']
      ollama.script('/api/chat', { tokens: words })
      const events = await ask(ann.client, id, `What of ${text}?`)
      expect(events.at(-1)?.data).toMatchObject({ event: 'complete' })
      const [question, answer] = await listMessages(ann.client, id)
      const streamed = events.map(({ data }) => data['token'] ?? '').join('')
      expect(answer).toMatchObject({ status: 'complete', content: streamed })
      expect(question?.content).toMatch(/^What of \W*a[^]*[bc]\?$/su)
      for (const format of ['json', 'markdown'])
        expect((await ann.client.get(`/conversations/${id}/export?format=${format}`)).status).toBe(200)

      const content = `The zebra says ${text} to everybody.`
      const [stored] = await uploadFiles(ann.client, [{ name: 'odd.txt', content }], {
        avee: avee.id,
        layer: 'public',
      })
      expect(stored).toMatchObject({ success: true })
      const found = await ann.client.post<{ results: { text: string }[] }>('/search', {
        avee: avee.id,
        query: 'zebra',
      })
      expect(bodyOf(found).results[0]?.text).toMatch(/The zebra says \W*a/)
      bodyOf(await ann.client.delete(`/documents/${stored?.doc_id}`))
    },
  )

  test('streams unpaired surrogates as valid JSON', async () => {
    const { id } = await createConversation(ann.client, avee.id)
    ollama.script('/api/chat', { tokens: ['😀'.slice(0, 1), '😀'.slice(1), ' done'] })
    const response = await ann.client.fetch('/chat/stream', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ conversation_id: id, question: 'Smile!' }),
    })
    const events = await streamOf(response)
    const [, answer] = await listMessages(ann.client, id)
    expect(events.map(({ token }) => token ?? '').join('')).toBe(answer?.content)
  })

  test('very long names', async () => {
    const long = 'é'.repeat(100_000)
    for (const body of [
      { handle: 'a'.repeat(100_000), display_name: 'A' },
      { handle: 'longname', display_name: long },
    ])
      expectError(await ann.client.post('/avees', body), 422)
    expectError(await ann.client.patch(`/conversations/${conversation}`, { title: long }), 422)
    expectError(
      await app.post('/auth/register', { email: `${'a'.repeat(300)}@example.org`, password: 'long enough' }),
      422,
    )
    expectError(
      await app.post('/auth/register', { email: 'a@example.org', password: 'é'.repeat(1_000) }),
      422,
    )
    expectError(await app.post('/auth/register', { email: 'a@example.org', password: long }), 413)
    notServerError(await ann.client.get(`/avees/${'a'.repeat(5000)}`), 'a long handle')
    notServerError(await ann.client.get(`/avees?query=${'a'.repeat(5000)}`), 'a long query')
    const name = `${'ü'.repeat(2000)}.txt`
    const [stored] = await uploadFiles(ann.client, [{ name, content: 'A file with a long name.' }])
    expect(stored).toMatchObject({ success: true })
    const file = await ann.client.fetch(`/documents/${stored?.doc_id}/file`)
    expect(file.status).toBe(200)
    await file.text()
  })

  test('file names with paths and in any script', async () => {
    for (const name of [
      '../../../etc/passwd.txt',
      '..\\..\\boot.txt',
      '/abs/olute.txt',
      'a"b\'c;d.txt',
      '.txt',
      '..',
      'CON.txt',
      '日本語 名.txt',
      'e\u0301.txt',
      '😀.txt',
      '%2e%2e%2f.txt',
      'a\r\nx-header: 1.txt',
    ]) {
      const content = `Something about ${encodeURIComponent(name)}.`
      const form = formOf([{ name, content }])
      const response = await parseResponse(
        await ann.client.fetch('/api/documents/upload', { method: 'POST', body: form }),
      )
      expect(response.status, name).toBeLessThan(500)
      const result = /"doc_id":"([^"]+)"/.exec(String(response.body))?.[1]
      if (result === undefined) continue
      const { filename } = bodyOf(await ann.client.get<Document>(`/documents/${result}`))
      expect(filename).not.toMatch(/[/\\\r\n]/)
      const file = await ann.client.fetch(`/documents/${result}/file`)
      expect(file.headers.get('content-disposition')).toMatch(/filename/)
      expect(file.headers.get('x-header')).toBeNull()
      expect(await file.text()).toBe(content)
    }
  })

  test('an address in two Unicode normalization forms is one account', async () => {
    const password = 'a good long password'
    for (const email of ['jose\u0301@example.org', 'jos\u00e9@example.org', 'ｊｏｓｅ@example.org'])
      notServerError(await app.post('/auth/register', { email, password }), email)
    expect(
      (await app.post('/auth/register', { email: ' spaced@example.org ', password })).status,
    ).toBeLessThan(500)
  })

  test('wrong types in every field', async () => {
    const { client } = ann
    for (const wrong of [[], {}, 7, true, null, ['x'], { $ne: null }])
      for (const [path, field] of [
        ['/auth/login', 'email'],
        ['/auth/register', 'password'],
        ['/avees', 'handle'],
        ['/conversations', 'avee'],
        ['/chat/ask', 'question'],
        ['/chat/stream', 'conversation_id'],
        ['/api/chat', 'message'],
        ['/api/chat', 'history'],
        ['/search', 'query'],
        ['/api/models/pull', 'model'],
        ['/api/documents/test', 'top_k'],
        ['/api-keys', 'expires_at'],
      ] as const) {
        const response = notServerError(await client.post(path, { [field]: wrong }), `${path} ${field}`)
        if (path !== '/api-keys' || response.status >= 400)
          expect(response.status).toBeGreaterThanOrEqual(400)
      }
    // Some servers parse a repeated parameter as a list.
    notServerError(
      await client.post(`/chat/ask?conversation_id=${conversation}&conversation_id=x&question=a&question=b`),
      'twice',
    )
    notServerError(await client.get('/avees?limit=1&limit=2&query=a&query=b'), 'twice')
    notServerError(
      await client.get('/avees?__proto__[x]=1&constructor=1&limit[]=1'),
      'names of object properties',
    )
    notServerError(
      await client.post('/avees', JSON.parse('{"handle":"protos","display_name":"P","toString":1}')),
      'toString',
    )
  })

  test('invalid limits and cursors', async () => {
    for (const list of ['/avees', '/conversations', `/avees/${avee.id}/documents`, '/runs']) {
      for (const limit of ['-1', '0', '1.5', '1e9', 'x', '', '9'.repeat(40), 'Infinity'])
        expectError(await ann.client.get(`${list}?limit=${limit}`), 422)
    }
    for (const list of ['/avees', '/conversations', `/avees/${avee.id}/documents`])
      for (const cursor of [
        'x',
        '%00',
        'null',
        'e30',
        'W10',
        'WzEsMiwzXQ',
        Buffer.from('["a","b","c"]').toString('base64url'),
        '🙂',
        'a'.repeat(399),
      ]) {
        const response = await ann.client.get(`${list}?cursor=${encodeURIComponent(cursor)}`)
        expect([400, 422], `${list} ${cursor}`).toContain(response.status)
        expectError(response, response.status)
      }
  })

  test('a cursor of another list', async () => {
    const other = await createAvee(ann.client, { visibility: 'public' })
    await Promise.all([createConversation(ann.client, other.id), createConversation(ann.client, other.id)])
    for (let i = 0; i < 2; i += 1)
      await ann.client.post(`/avees/${other.id}/documents`, {
        title: `T${i}`,
        text: `Text ${i}.`,
        layer: 'public',
      })
    const lists = ['/avees', '/conversations', `/avees/${other.id}/documents`]
    const cursors = await Promise.all(
      lists.map(
        async (list) => bodyOf(await ann.client.get<{ next_cursor: string }>(`${list}?limit=1`)).next_cursor,
      ),
    )
    for (const cursor of cursors) expect(cursor).toEqual(expect.any(String))
    for (const list of lists)
      for (const cursor of cursors)
        notServerError(await ann.client.get(`${list}?limit=1&cursor=${cursor}`), `${list} ${cursor}`)
  })

  test('ids in upper case', async () => {
    const { id } = await createConversation(ann.client, avee.id)
    const upper = id.toUpperCase()
    expect(bodyOf(await ann.client.get<Conversation>(`/conversations/${upper}`)).id).toBe(id)
    expect(bodyOf(await ann.client.get<Avee>(`/avees/${avee.id.toUpperCase()}`)).id).toBe(avee.id)
    const response = await ann.client.post<{ conversation_id: string }>('/chat/ask', {
      conversation_id: upper,
      question: 'Hello',
    })
    expect(bodyOf(response).conversation_id).toBe(id)
    const running = Promise.all(
      [upper, id].map((each) =>
        ann.client.post<unknown>('/chat/ask', { conversation_id: each, question: 'Once more' }),
      ),
    )
    for (const each of await running) expect([200, 409]).toContain(each.status)
    const [, message] = await listMessages(ann.client, upper)
    const run = message?.run_id ?? ''
    expect(bodyOf(await ann.client.get(`/runs/${run.toUpperCase()}`))).toMatchObject({ id: run })
    const events = await streamOf(await ann.client.fetch(`/runs/${run}/events`))
    expect(
      (await (await ann.client.fetch(`/runs/${run.toUpperCase()}/events`)).text()).match(/^id: /gm),
    ).toHaveLength(events.length)
  })

  test('deeply nested and large JSON', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const headers = { 'content-type': 'application/json' }
    for (const body of [deep, `{"handle":${deep}}`, `{"a":${'1'.repeat(100_000)}}`, '"\\ud800"'])
      notServerError(
        await parseResponse(await ann.client.fetch('/avees', { method: 'POST', headers, body })),
        body.slice(0, 20),
      )
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]))
    notServerError(await ann.client.post('/avees', many), 'many keys')
  })

  test('unusual headers', async () => {
    const headers = { host: new URL(app.url).host, authorization: `Bearer ${ann.client.token}` }
    const question = `/chat/ask?conversation_id=${conversation}&question=Hello`
    for (const key of ['', ' ', 'x'.repeat(201), 'ümlaut', 'a\tb']) {
      const { status } = await sendRaw(app, 'POST', question, {
        headers: { ...headers, 'idempotency-key': Buffer.from(key).toString('latin1') },
      })
      expect([200, 400, 422], key).toContain(status)
    }
    for (const id of ['x'.repeat(10_000), '<script>', 'a b', '\u00ff'])
      expect(
        (await sendRaw(app, 'GET', '/health', { headers: { ...headers, 'x-request-id': id } })).status,
      ).toBeLessThan(500)
    for (const accept of ['text/html', 'application/xml', '*/*;q=0', ''])
      expect((await sendRaw(app, 'GET', '/me', { headers: { ...headers, accept } })).status).toBe(200)
  })

  test('one idempotency key for two kinds of runs of an avee', async () => {
    const headers = { 'idempotency-key': `both-${kind}` }
    const form = formOf([{ name: 'key.txt', content: 'The key opens the gate.' }])
    const uploaded = await streamOf(
      await ann.client.fetch('/api/documents/upload', { method: 'POST', body: form, headers }),
    )
    expect(uploaded.at(-1)).toMatchObject({ done: true })
    const { id } = await createConversation(ann.client, 'local')
    const question = { conversation_id: id, question: 'With a used key?' }
    for (const path of ['/chat/ask', '/chat/stream'])
      expectError(await ann.client.post(path, question, { headers }), 409)
  })

  test('fifty concurrent uploads of the same file create one document', async () => {
    const person = await registerUser(app)
    const file = { name: 'same.txt', content: 'The very same words, fifty times.' }
    const results = await Promise.all(Array.from({ length: 50 }, () => uploadFiles(person.client, [file])))
    const all = results.flat()
    expect(all).toHaveLength(50)
    for (const result of all) expect(result).toMatchObject({ success: true, filename: 'same.txt' })
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(all.map(({ doc_id }) => doc_id)).size).toBe(1)
    expect(bodyOf(await person.client.get('/api/documents/stats'))).toMatchObject({
      document_count: 1,
      chunk_count: 1,
    })
  })
})
