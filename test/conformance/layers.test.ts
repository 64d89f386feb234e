import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Layer } from '../../contract/layers.ts'
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
import { ONE_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { expectError } from './contract.ts'

/** A unique word in the document of each layer. */
const secrets = { public: 'Palimpsest', friends: 'Frangipane', intimate: 'Inglenook' } as const
const layers = Object.keys(secrets) as Layer[]
const question = 'What is the secret word of the lighthouse keeper?'

describe.each(ONE_DATABASE)('layers on %s', (kind) => {
  let ollama: ScriptedOllama
  let app: TestApp
  let owner: TestUser
  let viewer: TestUser
  let avee: string
  let documents: Record<Layer, string>

  beforeAll(async () => {
    ollama = await startOllama()
    app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
    owner = await registerUser(app)
    viewer = await registerUser(app)
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await ollama?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    avee = (await createAvee(owner.client)).id
    const created = layers.map(async (layer) => {
      const content = `The secret word of the lighthouse keeper is ${secrets[layer]}, as the ${layer} book has it.`
      const [result] = await uploadFiles(owner.client, [{ name: `${layer}-book.txt`, content }], {
        avee,
        layer,
      })
      return [layer, result?.doc_id ?? ''] as const
    })
    documents = Object.fromEntries(await Promise.all(created)) as Record<Layer, string>
  })

  const grant = (max_layer: Layer) =>
    owner.client.put(`/avees/${avee}/permissions/${viewer.session.user.id}`, { max_layer })
  const above = (layer: Layer) => layers.slice(layers.indexOf(layer) + 1)
  const within = (layer: Layer) => layers.slice(0, layers.indexOf(layer) + 1)
  const hidden = (layer: Layer) =>
    new RegExp(
      above(layer)
        .map((each) => `${secrets[each]}|${each}-book`)
        .join('|') || '$^',
    )
  /** Returns everything sent to the model since the nth request. */
  const prompts = (from: number) =>
    JSON.stringify(
      ollama
        .requestsTo('/api/chat')
        .slice(from)
        .map(({ body }) => body),
    )

  test.each(layers)(
    'shows a viewer of the layer %s its documents and no trace of documents above it',
    async (layer) => {
      if (layer !== 'public') bodyOf(await grant(layer))
      const { client } = viewer
      const asked = ollama.requestsTo('/api/chat').length

      const { results } = bodyOf(
        await client.post<{ results: { layer: Layer; text: string; document_id: string }[] }>('/search', {
          avee,
          query: question,
        }),
      )
      expect(results.map((hit) => hit.layer).toSorted()).toEqual(within(layer).toSorted())
      const listed = bodyOf(
        await client.get<{ documents: { id: string; layer: Layer }[]; next_cursor: unknown }>(
          `/avees/${avee}/documents`,
        ),
      )
      expect(listed.documents.map(({ id }) => id).toSorted()).toEqual(
        within(layer)
          .map((each) => documents[each])
          .toSorted(),
      )

      const conversation = await createConversation(client, avee)
      expect(conversation.layer_used).toBe(layer)
      const events = await ask(client, conversation.id, question)
      expect(events[0]?.data).toMatchObject({ layer_used: layer })
      const waited = bodyOf(
        await client.post<{ citations: { layer: Layer }[]; layer_used: Layer; used_chunks: number }>(
          '/chat/ask',
          {
            conversation_id: conversation.id,
            question,
          },
        ),
      )
      expect(waited.layer_used).toBe(layer)
      expect(waited.used_chunks).toBeGreaterThan(0)
      for (const citation of waited.citations) expect(within(layer)).toContain(citation.layer)

      const everything = [
        results,
        listed,
        events,
        waited,
        (await client.get(`/conversations/${conversation.id}/messages`)).body,
        (await client.get(`/conversations/${conversation.id}/export?format=json`)).body,
        (await client.get(`/conversations/${conversation.id}/export?format=markdown`)).body,
        (await client.get('/conversations')).body,
        (await client.get(`/avees/${avee}`)).body,
        prompts(asked),
      ]
      expect(JSON.stringify(everything)).not.toMatch(hidden(layer))
      expect(prompts(asked)).toContain(secrets[layer])

      for (const each of above(layer)) {
        const id = documents[each]
        for (const part of ['', '/text', '/file', '/passages/1'])
          expect(JSON.stringify(expectError(await client.get(`/documents/${id}${part}`), 404))).not.toMatch(
            hidden(layer),
          )
        expectError(await client.patch(`/documents/${id}`, { layer: 'public' }), 404)
        expectError(await client.delete(`/documents/${id}`), 404)
      }
      for (const each of within(layer)) {
        expect((await client.get(`/documents/${documents[each]}`)).status).toBe(200)
        expectError(await client.patch(`/documents/${documents[each]}`, { layer: 'public' }), 403)
        expectError(await client.delete(`/documents/${documents[each]}`), 403)
      }
    },
  )

  test('gives the owner all layers', async () => {
    const { results } = bodyOf(
      await owner.client.post<{ results: unknown[] }>('/search', { avee, query: question }),
    )
    expect(results).toHaveLength(3)
    expect((await createConversation(owner.client, avee)).layer_used).toBe('intimate')
  })

  test('returns the same scores whether or not documents above the layer exist', async () => {
    const { client } = viewer
    const search = async () => bodyOf(await client.post('/search', { avee, query: question }))
    const before = await search()
    for (const each of above('public')) bodyOf(await owner.client.delete(`/documents/${documents[each]}`))
    expect(await search()).toEqual(before)
  })

  test('applies granted and revoked permissions from the next message on, without answers of a wider layer', async () => {
    const { client } = viewer
    const { id } = await createConversation(client, avee)
    const turn = async () => {
      const from = ollama.requestsTo('/api/chat').length
      const answer = bodyOf(
        await client.post<{ layer_used: Layer; answer: string }>('/chat/ask', {
          conversation_id: id,
          question,
        }),
      )
      return { ...answer, prompt: prompts(from) }
    }
    expect(await turn()).toMatchObject({ layer_used: 'public' })
    bodyOf(await grant('intimate'))
    const words = ['The', ' word', ' is', ` ${secrets.intimate}`, '.']
    ollama.script('/api/chat', { tokens: words })
    const wide = await turn()
    expect(wide.layer_used).toBe('intimate')
    expect(wide.answer).toContain(secrets.intimate)
    expect(wide.prompt).toContain(secrets.intimate)

    bodyOf(await owner.client.delete(`/avees/${avee}/permissions/${viewer.session.user.id}`))
    const after = await turn()
    expect(after.layer_used).toBe('public')
    expect(after.prompt).not.toMatch(hidden('public'))
    expect(after.answer).not.toMatch(hidden('public'))
    const found = await client.post('/search', { avee, query: question })
    expect(JSON.stringify(found.body)).not.toMatch(hidden('public'))
  })

  test('hides citations of earlier answers above the current layer', async () => {
    const { client } = viewer
    bodyOf(await grant('intimate'))
    const { id } = await createConversation(client, avee)
    ollama.script('/api/chat', { tokens: ['It', ' is', ' so', ' [1]', ' [2]', ' [3].'] })
    await ask(client, id, question)
    bodyOf(await grant('public'))
    const { messages } = bodyOf(
      await client.get<{ messages: { citations: { layer: Layer }[] }[] }>(`/conversations/${id}/messages`),
    )
    const shown = [
      messages.map(({ citations }) => citations),
      (await client.get(`/conversations/${id}/export?format=json`)).body,
      (await client.get(`/conversations/${id}/export?format=markdown`)).body,
    ]
    expect(JSON.stringify(shown)).not.toMatch(hidden('public'))
  })

  test('applies a new layer of a document at once', async () => {
    const { client } = viewer
    const sees = async () => JSON.stringify((await client.post('/search', { avee, query: question })).body)
    bodyOf(await owner.client.patch(`/documents/${documents.intimate}`, { layer: 'public' }))
    expect(await sees()).toContain(secrets.intimate)
    bodyOf(await owner.client.patch(`/documents/${documents.intimate}`, { layer: 'friends' }))
    expect(await sees()).not.toContain(secrets.intimate)
    expectError(await client.get(`/documents/${documents.intimate}`), 404)
  })

  test('refuses documents for avees of other users', async () => {
    bodyOf(await grant('intimate'))
    expectError(
      await viewer.client.post(`/avees/${avee}/documents`, { title: 'Mine', text: 'Mine.', layer: 'public' }),
      403,
    )
    expectError(
      await viewer.client.post(`/avees/${avee}/documents/from-url`, {
        url: 'https://example.org/',
        layer: 'public',
      }),
      403,
    )
  })
})
