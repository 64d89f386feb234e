import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Layer, layers } from '../../contract/layers.ts'
import type { Message } from '../../contract/messages.ts'
import type { SearchResult } from '../../contract/search.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  ask,
  askStream,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { expectError } from '../conformance/contract.ts'
import { ONE_DATABASE } from '../databases.ts'
import { collectEvents } from '../events.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'

/** The members that some operation requires; each operation ignores the others. */
const anyBody = {
  answer: 'Answer',
  question: 'Question?',
  content: 'Text',
  text: 'Text',
  title: 'Title',
  path: '/srv',
  url: 'https://example.org/',
  layer: 'public',
  max_layer: 'friends',
  message_id: randomUUID(),
  vote: 'up',
  share: true,
  current_password: 'a good long password',
  pinned: true,
  approve: true,
  kind: 'mcp',
  name: 'Tool',
}

type Description = { paths: Record<string, Record<string, unknown>> }

for (const kind of ONE_DATABASE) {
  describe(`objects of other users on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp
    let admin: TestUser
    let owner: TestUser
    let visitor: TestUser

    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
      // The first user is the administrator.
      admin = await registerUser(app)
      owner = await registerUser(app)
      visitor = await registerUser(app)
    })
    afterAll(async () => {
      await app?.[Symbol.asyncDispose]()
      await ollama?.[Symbol.asyncDispose]()
    })

    /** Creates one object of each kind. Returns the ids by the first segment of their paths, then by parameter. */
    async function createObjects({ client }: TestUser): Promise<Record<string, string>> {
      const { id: avee } = await createAvee(client, { visibility: 'private' })
      const [uploaded] = await uploadFiles(client, [{ name: `${avee}.txt`, content: `Mill ${avee}.` }])
      const { id: conversation } = await createConversation(client, avee)
      await ask(client, conversation, 'Who are you?')
      const answer = (await listMessages(client, conversation)).at(-1) as Message
      const post = async (path: string, body: object) =>
        bodyOf(await client.post<{ id: string }>(path, body)).id
      const sessions = bodyOf(await client.get<{ sessions: { id: string }[] }>('/sessions')).sessions
      return {
        avees: avee,
        v1: encodeURIComponent(`avee/${avee}`),
        conversations: conversation,
        chat: conversation,
        messages: answer.id,
        message_id: answer.id,
        runs: answer.run_id ?? '',
        documents: uploaded?.doc_id ?? '',
        api: uploaded?.doc_id ?? '',
        memories: await post('/memories', { avee, content: 'Likes tea.', type: 'fact' }),
        shares: await post(`/conversations/${conversation}/shares`, {}),
        'api-keys': await post('/api-keys', { name: 'key' }),
        sessions: sessions[0]?.id ?? '',
        deletions: bodyOf(
          await client.delete<{ receipt: { id: string } }>(
            `/conversations/${(await createConversation(client, avee)).id}`,
          ),
        ).receipt.id,
        update_id: await post(`/avees/${avee}/updates`, { text: 'News.', layer: 'public' }),
      }
    }

    test('do not shorten the pages of the list of runs', async () => {
      const { client } = await registerUser(app)
      const avees = [await createAvee(owner.client), await createAvee(owner.client)]
      for (const { id } of avees) await ask(client, (await createConversation(client, id)).id, 'Who are you?')
      bodyOf(await owner.client.patch(`/avees/${avees[1]?.id}`, { visibility: 'private' }))
      const { runs } = bodyOf(await client.get<{ runs: { scope: string }[] }>('/runs?limit=1'))
      expect(runs).toMatchObject([{ scope: avees[0]?.id }])
    })

    test('are indistinguishable from missing ones in every operation on an id', async () => {
      const [theirs, mine] = await Promise.all([createObjects(owner), createObjects(visitor)])
      const { paths } = bodyOf(await app.get<Description>('/openapi.json'))
      const probes = Object.entries(paths).flatMap(([path, operations]) =>
        path.includes('{')
          ? Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path }))
          : [],
      )
      expect(probes.length).toBeGreaterThan(55)
      const send = async (method: string, path: string) => {
        const body = method === 'GET' ? undefined : JSON.stringify(anyBody)
        const headers: Record<string, string> =
          body === undefined ? {} : { 'content-type': 'application/json' }
        const response = await visitor.client.fetch(path, { method, headers, ...(body ? { body } : {}) })
        return { status: response.status, text: await response.text() }
      }
      const differences: string[] = []
      for (const { method, path } of probes) {
        const [, segment = ''] = path.split('/')
        /** Replaces the path's parameters: the first is the object itself, others name a part of it. */
        const fill = (own: string | undefined, idOf: (name: string) => string | undefined) => {
          let isFirst = true
          return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
            if (name === 'n') return '1'
            const id = isFirst ? own : idOf(name)
            isFirst = false
            return id ?? randomUUID()
          })
        }
        const pairs = [
          [fill(theirs[segment], (name) => theirs[name]), fill(undefined, () => undefined)],
          // A part of another user's object in an object of the caller.
          ...(path.match(/\{/g)?.length === 2 && mine[segment] && !/permissions|\{n\}/.test(path)
            ? [[fill(mine[segment], (name) => theirs[name]), fill(mine[segment], () => undefined)]]
            : []),
        ]
        for (const [existing = '', missing = ''] of pairs) {
          const [found, other] = [await send(method, existing), await send(method, missing)]
          const isForAdministrators = /^\/(?:admin|users|invitations|models|providers)\/|\/folders/.test(path)
          if (found.text !== other.text || found.status !== (isForAdministrators ? 403 : 404))
            differences.push(
              `${method} ${path}: ${found.status} ${found.text} / ${other.status} ${other.text}`,
            )
        }
      }
      expect(differences).toEqual([])
    })

    test('visitors without an account ask one open avee at the public layer, and nothing is remembered about them', async () => {
      const { id } = await createAvee(owner.client, { display_name: 'Open' })
      const document = (layer: Layer) =>
        owner.client.post(`/avees/${id}/documents`, {
          title: layer,
          text: `The ${layer} windmill grinds rye.`,
          layer,
        })
      for (const layer of layers) bodyOf(await document(layer))
      expectError(await app.post(`/avees/${id}/visits`), 404)
      bodyOf(
        await owner.client.patch(`/avees/${id}`, { anonymous: true, example_questions: ['What is ground?'] }),
      )
      const visit = async (token?: string) => {
        const headers: Record<string, string> = token === undefined ? {} : { 'x-visitor': token }
        return bodyOf(await app.post<{ token: string }>(`/avees/${id}/visits`, undefined, { headers })).token
      }
      const token = await visit()
      expect(await visit(token)).toBe(token)
      const as =
        (visitorToken: string) =>
        (path: string, init: RequestInit = {}): Promise<Response> => {
          const headers = { 'content-type': 'application/json', 'x-visitor': visitorToken }
          return app.fetch(path, { ...init, headers })
        }
      const first = as(token)
      const read = async (path: string) => (await first(path)).json() as Promise<Record<string, never>>
      const send = (path: string, body: object) => first(path, { method: 'POST', body: JSON.stringify(body) })
      expect(await read(`/avees/${id}`)).toMatchObject({
        my_layer: 'public',
        is_owner: false,
        example_questions: ['What is ground?'],
      })
      const conversation = (await (await send('/conversations', { avee: id })).json()) as { id: string }
      const question = 'Remember that I love tea. What does the windmill grind?'
      const asked = await send('/chat/ask', { conversation_id: conversation.id, question })
      const { citations } = (await asked.json()) as { citations: { text: string }[] }
      expect(citations.map(({ text }) => text)).toEqual(['The public windmill grinds rye.'])
      await app.app.jobs.idle()
      const { db } = app.app.database
      const visitors = db.selectFrom('users').select('id').where('visited_avee_id', '=', id)
      const [visitorUser] = await visitors.execute()
      const userId = visitorUser?.id ?? ''
      expect(
        await db.selectFrom('turn_index').select('user_id').where('user_id', '=', userId).execute(),
      ).toEqual([])

      // Another visitor sees nothing of it, and the token is not valid elsewhere.
      expect((await as(await visit())(`/conversations/${conversation.id}`)).status).toBe(404)
      expectError(await app.as(token).get(`/conversations/${conversation.id}`), 401)
      // All other operations respond as to people without an account.
      type Operations = Record<string, { security?: object[] }>
      const { paths } = bodyOf(await app.get<{ paths: Record<string, Operations> }>('/openapi.json'))
      const others = Object.entries(paths).flatMap(([path, operations]) =>
        Object.entries(operations).flatMap(([method, { security = [] }]) =>
          security.length === 0 || security.some((one) => 'visitor' in one)
            ? []
            : { method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, conversation.id) },
        ),
      )
      expect(others.length).toBeGreaterThan(60)
      for (const { method, path } of others)
        expect([method, path, (await first(path, { method })).status]).toEqual([method, path, 401])
      // Visitors are not users.
      const users = bodyOf(await admin.client.get<{ users: { id: string }[] }>('/admin/users')).users
      expect(users.map((user) => user.id)).not.toContain(userId)
      expectError(
        await owner.client.put(`/avees/${id}/permissions/${userId}`, { max_layer: 'intimate' }),
        404,
      )

      const { client } = await registerUser(app)
      const kept = await client.post('/me/visit', undefined, { headers: { 'x-visitor': token } })
      expect(kept.body).toEqual({ conversations: 1 })
      expect((await listMessages(client, conversation.id))[0]?.content).toBe(question)
      expect((await first(`/conversations/${conversation.id}`)).status).toBe(404)

      bodyOf(await owner.client.patch(`/avees/${id}`, { anonymous: false }))
      expect((await first(`/avees/${id}`)).status).toBe(401)
      bodyOf(await owner.client.patch(`/avees/${id}`, { anonymous: true }))
      await send('/conversations', { avee: id })
      await db
        .updateTable('sessions')
        .set({ expires_at: new Date(0) })
        .where('user_id', '=', userId)
        .execute()
      expect((await first(`/avees/${id}`)).status).toBe(401)
      await app.app.jobs.runNow('accounts.visitors')
      expect(await visitors.execute()).toHaveLength(1)
    })

    test('a key restricted to one avee does not get the run of another avee by its Idempotency-Key', async () => {
      const { client } = owner
      const [one, two] = [await createAvee(client), await createAvee(client)]
      const headers = { 'idempotency-key': 'the-same' }
      const first = await createConversation(client, one.id)
      ollama.script('/api/chat', { tokens: ['Quillwork.'] })
      const asked = await askStream(client, first.id, 'What is it?', { headers })
      await collectEvents(asked)
      const { key } = bodyOf(
        await client.post<{ key: string }>('/api-keys', { name: 'two', avee_id: two.id }),
      )
      const bound = app.as(key)
      const second = await createConversation(bound, two.id)
      const answered = await askStream(bound, second.id, 'What is it?', { headers })
      expect(answered.headers.get('x-run-id')).not.toBe(asked.headers.get('x-run-id'))
      expect(JSON.stringify(await collectEvents(answered))).not.toContain('Quillwork')
      // For one avee, the key still returns the same run.
      const again = await askStream(bound, second.id, 'What is it?', { headers })
      expect(again.headers.get('x-run-id')).toBe(answered.headers.get('x-run-id'))
    })

    test('a key restricted to one avee counts no documents of the library and has no administrator rights', async () => {
      const { client } = admin
      await uploadFiles(client, [{ name: 'mill.txt', content: 'The mill grinds rye.' }])
      const { id } = await createAvee(client)
      const { id: library } = bodyOf(await client.get<{ id: string }>('/avees/local'))
      const keyFor = async (avee_id: string) =>
        app.as(bodyOf(await client.post<{ key: string }>('/api-keys', { name: 'key', avee_id })).key)
      const bound = await keyFor(id)
      expect(bodyOf(await bound.get('/api/status'))).toMatchObject({ document_count: 0 })
      expect(bodyOf(await bound.get('/me'))).toMatchObject({ is_admin: false })
      expectError(await bound.post('/api/models/active', { model: 'extractive' }), 403)
      expect(bodyOf(await (await keyFor(library)).get('/api/status'))).toMatchObject({ document_count: 1 })
      expect(bodyOf(await client.get('/me'))).toMatchObject({ is_admin: true })
    })

    type Page = { results: SearchResult[]; answerable: string; next_cursor: string | null }
    const search = async (client: TestClient, body: object) =>
      bodyOf(await client.post<Page>('/search', { query: 'lighthouse', ...body }))
    const shown = ({ results }: Page) =>
      results.map((result) => `${result.kind} of ${result.avee.handle}: ${result.text.trim()}`).sort()

    /** Creates an avee with a document of each layer, of which a reader may see those up to `max_layer`. */
    async function createLighthouse(reader: TestUser, handle: string, max_layer: Layer) {
      const { id } = await createAvee(owner.client, { handle, visibility: 'private' })
      for (const layer of layers)
        bodyOf(
          await owner.client.post(`/avees/${id}/documents`, {
            title: layer,
            text: `The ${layer} lighthouse was lit in 1874.`,
            layer,
          }),
        )
      const grant = async (layer: Layer) =>
        bodyOf(
          await owner.client.put(`/avees/${id}/permissions/${reader.session.user.id}`, { max_layer: layer }),
        )
      await grant(max_layer)
      return { id, grant }
    }

    test('a search finds everything that the user may see: documents, conversations and memories', async () => {
      const reader = await registerUser(app)
      const { client } = reader
      const [handle, other] = [`keeper-${kind}`, `other-${kind}`]
      const { id: avee } = await createLighthouse(reader, handle, 'friends')
      await createLighthouse(reader, other, 'public')
      await createLighthouse(visitor, `hidden-${kind}`, 'intimate')
      await uploadFiles(client, [{ name: 'own.txt', content: 'My lighthouse is red.' }])
      const { id } = await createConversation(client, avee)
      ollama.script('/api/chat', { tokens: ['It is old.'] })
      await ask(client, id, 'Who keeps the lighthouse?')
      bodyOf(await client.post('/memories', { avee, content: 'Loves the lighthouse.' }))
      bodyOf(await client.patch(`/conversations/${id}`, { title: 'Towers' }))

      const all = await search(client, {})
      expect(shown(all)).toEqual([
        `conversation of ${handle}: Who keeps the lighthouse?`,
        `document of ${handle}: The friends lighthouse was lit in 1874.`,
        `document of ${handle}: The public lighthouse was lit in 1874.`,
        'document of local: My lighthouse is red.',
        `document of ${other}: The public lighthouse was lit in 1874.`,
        `memory of ${handle}: Loves the lighthouse.`,
      ])
      expect(all).toMatchObject({ answerable: 'yes', next_cursor: null })
      for (const { snippet } of all.results)
        expect(snippet.filter((part) => part.is_match).map((part) => part.text)).toEqual(['lighthouse'])
      expect(all.results.find((result) => result.kind === 'conversation')).toMatchObject({
        conversation_id: id,
        message_id: (await listMessages(client, id))[0]?.id,
        title: 'Towers',
      })
      const first = await search(client, { limit: 4 })
      const second = await search(client, { limit: 4, cursor: first.next_cursor })
      expect([...first.results, ...second.results]).toEqual(all.results)
      expect(second.next_cursor).toBeNull()

      const kinds = async (body: object) =>
        (await search(client, body)).results.map((result) => result.kind).sort()
      expect(await kinds({ scope: 'memories' })).toEqual(['memory'])
      expect(await kinds({ scope: 'conversations' })).toEqual(['conversation'])
      expect(await kinds({ scope: 'conversations', query: 'towers' })).toEqual(['conversation'])
      expect(await kinds({ avee })).toEqual(['document', 'document'])
      expect(await kinds({ avee, scope: 'all' })).toEqual(['conversation', 'document', 'document', 'memory'])
      expect(await kinds({ type: 'txt' })).toEqual(['document'])
      expect(await kinds({ type: 'fact' })).toEqual(['memory'])
      expect(await kinds({ layer: 'friends', scope: 'documents' })).toEqual(['document'])
      const today = new Date().toISOString().slice(0, 10)
      expect(await kinds({ from: today, to: today })).toHaveLength(6)
      expect(await kinds({ to: '2020-01-01' })).toEqual([])
      expect(await kinds({ from: '2100-01-01T00:00:00Z' })).toEqual([])
      expectError(await client.post('/search', { query: 'lighthouse', from: 'yesterday' }), 422)
      expectError(await client.post('/search', { query: 'lighthouse', cursor: 'x' }), 400, 'invalid_cursor')
    })

    test('a search finds nothing that the user may no longer see, or that is in the trash', async () => {
      const reader = await registerUser(app)
      const { client } = reader
      const { id: avee, grant } = await createLighthouse(reader, `lost-${kind}`, 'intimate')
      const [uploaded] = await uploadFiles(client, [{ name: 'own.md', content: 'My lighthouse is red.' }])
      const { id } = await createConversation(client, avee)
      ollama.script('/api/chat', { tokens: ['The intimate lighthouse is old.'] })
      await ask(client, id, 'What of the tower?')
      const { id: memory } = bodyOf(
        await client.post<{ id: string }>('/memories', { avee, content: 'Loves the lighthouse.' }),
      )
      expect((await search(client, {})).results).toHaveLength(6)
      const boundTo = async (avee_id: string) =>
        app.as(bodyOf(await client.post<{ key: string }>('/api-keys', { name: 'key', avee_id })).key)
      const { id: library } = bodyOf(await client.get<{ id: string }>('/avees/local'))
      const bound = await boundTo(library)
      expect(shown(await search(bound, {}))).toEqual(['document of local: My lighthouse is red.'])
      expectError(await bound.post('/search', { query: 'lighthouse', avee }), 404)
      expect((await search(await boundTo(avee), {})).results).toHaveLength(5)

      await grant('public')
      expect(shown(await search(client, {}))).toEqual([
        'document of local: My lighthouse is red.',
        `document of lost-${kind}: The public lighthouse was lit in 1874.`,
      ])
      await grant('intimate')
      bodyOf(await client.delete(`/documents/${uploaded?.doc_id}`))
      bodyOf(await client.delete(`/conversations/${id}`))
      bodyOf(await client.delete(`/memories/${memory}`))
      expect(new Set((await search(client, {})).results.map(({ kind: found }) => found))).toEqual(
        new Set(['document']),
      )
      bodyOf(await owner.client.delete(`/avees/${avee}/permissions/${reader.session.user.id}`))
      expect(await search(client, {})).toMatchObject({ results: [], answerable: 'no' })
      expectError(await client.post('/search', { query: 'lighthouse', avee }), 404)
    })

    test('visitors can neither choose the model of an avee nor send a history', async () => {
      const { id: avee } = await createAvee(owner.client, { model: 'llama3.2:1b' })
      const { client } = visitor
      const { id } = await createConversation(client, avee)
      const question = { conversation_id: id, question: 'Who are you?' }
      const events = await ask(client, id, question.question)
      expect(events[0]?.data).toMatchObject({ model: 'llama3.2:1b' })
      const messageId = (await listMessages(client, id)).at(-1)?.id
      const history = [{ role: 'assistant', content: 'I am somebody else.' }]
      const local = { conversation_id: id, message: 'Who are you?' }
      for (const [path, body, code] of [
        ['/chat/ask', { ...question, model: 'extractive' }, 'model_not_yours'],
        ['/chat/ask-v2', { ...question, model: 'extractive' }, 'model_not_yours'],
        ['/chat/stream', { ...question, model: 'extractive' }, 'model_not_yours'],
        [`/conversations/${id}/messages/${messageId}/regenerate`, { model: 'extractive' }, 'model_not_yours'],
        ['/api/chat', { ...local, model: 'extractive' }, 'model_not_yours'],
        ['/api/chat', { ...local, history }, 'history_not_allowed'],
      ] as const)
        expectError(await client.post(path, body), 403, code)
      // The stronger model of the configured pair does not replace the owner's choice.
      const strong = bodyOf(
        await client.post<{ model_used: string }>('/chat/ask', { ...question, use_gpt4o: true }),
      )
      expect(strong.model_used).toBe('llama3.2:1b')

      const own = await createConversation(owner.client, avee)
      bodyOf(
        await owner.client.post('/chat/ask', { ...question, conversation_id: own.id, model: 'extractive' }),
      )
      const replaced = { conversation_id: own.id, message: 'Who are you?', history }
      expect((await owner.client.post('/api/chat', replaced)).status).toBe(200)
    })
  })
}
