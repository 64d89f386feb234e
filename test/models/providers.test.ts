import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation, Message } from '../../contract/chat.ts'
import type { AvailableModel, ModelProvider } from '../../contract/models.ts'
import type { ChatModel } from '../../server/models/index.ts'
import { startApp } from '../app.ts'
import { askStream, bodyOf, createAvee, createConversation, listMessages, uploadFiles } from '../builders.ts'
import { collectEvents } from '../events.ts'
import { type ScriptedOllama, startAnthropic, startOllama, startOpenAi } from '../model-servers.ts'
import { openCluster, type TestCluster } from '../runs/cluster.ts'
import { type ModelsServer, openModelsServer } from './server.ts'

type Failure = { error: { code: string; message: string; details?: { models?: string[] } } }
type Test = {
  ok: boolean
  models: number
  error?: string
  answer?: { model: string; first_token_ms: number }
}

const { signal } = new AbortController()
const patient = { timeout: 20_000 }
const grounding = { question: '', passages: [], answerable: null }
const question = { messages: [{ role: 'user' as const, content: 'Hello' }], grounding }

const answerOf = async (model: ChatModel) => {
  const parts = await Array.fromAsync(model.stream(question, signal))
  return {
    text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    end: parts.at(-1),
    parts,
  }
}

describe('providers', () => {
  let store: TestCluster
  let ollama: ScriptedOllama
  let server: ModelsServer
  beforeAll(async () => {
    store = await openCluster('embedded')
    ollama = await startOllama()
    server = await openModelsServer(store, { ollamaBaseUrl: ollama.url })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await ollama[Symbol.asyncDispose]()
    await store.close()
  })

  const create = async (body: object) => bodyOf(await server.client.post<ModelProvider>('/providers', body))
  const list = async () =>
    bodyOf(await server.client.get<{ providers: ModelProvider[] }>('/providers')).providers
  const ids = async () => bodyOf(await server.client.get<AvailableModel[]>('/models')).map(({ id }) => id)

  test('are added, changed and removed on all servers; keys and headers are encrypted and not returned', async () => {
    const apiKey = 'sk-0123456789abcdef'
    await using openai = await startOpenAi({ apiKey, models: [{ id: 'small' }] })
    await using other = await openModelsServer(store, { ollamaBaseUrl: ollama.url })
    expect(bodyOf(await other.client.get<AvailableModel[]>('/models'))).toHaveLength(2)
    const headers = { 'X-Team': 'a secret of the team' }
    const created = await create({
      kind: 'openai',
      name: 'groq',
      base_url: openai.url,
      api_key: apiKey,
      headers,
    })
    expect(created).toMatchObject({
      name: 'groq',
      kind: 'openai',
      has_key: true,
      key_hint: 'cdef',
      header_names: ['X-Team'],
      read_only: false,
    })
    expect(await list()).toMatchObject([
      { id: null, name: 'ollama', read_only: true },
      { id: null, name: 'in_process', read_only: true },
      { name: 'groq' },
    ])
    expect(JSON.stringify(await list())).not.toMatch(/0123456789|secret of the team/)
    const { rows } = await sql<object>`select * from model_providers`.execute(store.database.db)
    expect(JSON.stringify(rows)).not.toMatch(/0123456789|secret of the team/)

    const seen = async () => bodyOf(await other.client.get<AvailableModel[]>('/models')).map(({ id }) => id)
    await expect.poll(seen, patient).toContain('groq/small')
    const { model } = await other.models.selectModel({ requested: 'groq/small', signal })
    await answerOf(model)
    expect(openai.requestsTo('/v1/chat/completions').at(-1)?.headers).toMatchObject({
      authorization: `Bearer ${apiKey}`,
      'x-team': 'a secret of the team',
    })

    const path = `/providers/${created.id}`
    const moved = await server.client.patch<Failure>(path, { base_url: 'http://127.0.0.1:9/v1' })
    expect(moved).toMatchObject({ status: 400, body: { error: { code: 'key_needed' } } })
    bodyOf(
      await server.client.patch(path, { name: 'groq2', models: [{ id: 'tuned', context_length: 4_096 }] }),
    )
    await expect.poll(seen, patient).toContain('groq2/tuned')
    expect(bodyOf(await server.client.delete(path))).toEqual({ ok: true })
    await expect.poll(seen, patient).not.toContain('groq2/tuned')
    expect((await server.client.delete(path)).status).toBe(404)
  })

  test('reject a name that is taken or reserved, and addresses that are none', async () => {
    const kind = 'openai'
    for (const name of ['ollama', 'extractive'])
      expect((await server.client.post('/providers', { kind, name })).status).toBe(409)
    const { id } = await create({ kind, name: 'twice', base_url: 'http://127.0.0.1:9/v1' })
    expect((await server.client.post('/providers', { kind, name: 'twice' })).status).toBe(409)
    for (const body of [{ name: 'No Slug' }, { name: 'x', base_url: 'file:///etc/passwd' }])
      expect((await server.client.post('/providers', { kind, ...body })).status).toBe(422)
    await server.client.delete(`/providers/${id}`)
  })

  test('have the same model: its name alone is refused, its id is not', async () => {
    await using second = await startOllama()
    const { id } = await create({ kind: 'ollama', name: 'gpu', base_url: second.url })
    expect(await ids()).toEqual(expect.arrayContaining(['ollama/llama3.2:1b', 'gpu/llama3.2:1b']))
    const refused = await server.client.post<Failure>('/api/models/active', { model: 'llama3.2:1b' })
    expect(refused).toMatchObject({
      status: 400,
      body: {
        error: { code: 'model_ambiguous', details: { models: ['ollama/llama3.2:1b', 'gpu/llama3.2:1b'] } },
      },
    })
    const { model } = await server.models.selectModel({ requested: 'gpu/llama3.2:1b', signal })
    expect((await answerOf(model)).end).toMatchObject({ by: { provider: 'gpu', model: 'llama3.2:1b' } })
    expect(second.requestsTo('/api/chat')).toHaveLength(1)
    await server.client.delete(`/providers/${id}`)
  })

  test('are tested: what is wrong, and how fast a model answers', async () => {
    const right = await server.client.post<Test>('/providers/ollama/test', { answer: true })
    expect(right.body).toMatchObject({ ok: true, models: 2, answer: { model: 'llama3.2:1b' } })
    await using anthropic = await startAnthropic({ apiKey: 'sk-ant-right' })
    anthropic.always('/v1/models', { status: 401, message: 'invalid x-api-key' })
    const { id } = await create({
      kind: 'anthropic',
      name: 'claude',
      base_url: anthropic.url,
      api_key: 'sk-ant-wrong',
    })
    const wrong = await server.client.post<Test>(`/providers/${id}/test`)
    expect(wrong.body).toMatchObject({
      ok: false,
      error: expect.stringContaining('API key is missing or wrong'),
    })
    expect(await list()).toContainEqual(expect.objectContaining({ name: 'claude', status: 'error' }))
    await server.client.delete(`/providers/${id}`)
  })

  test('fallbacks answer in their order when the model is unreachable; the answer names the one it came from and its cost', async () => {
    await using openai = await startOpenAi({ models: [{ id: 'one' }, { id: 'two' }] })
    const { id } = await create({
      kind: 'openai',
      name: 'spare',
      base_url: openai.url,
      prices: { two: { input: 1, output: 2 } },
    })
    const fallbacks = '/models/fallbacks'
    expect(bodyOf(await server.client.get(fallbacks))).toEqual({
      models: ['ollama/llama3.2:1b', 'spare/one', 'spare/two'],
    })
    expect((await server.client.put(fallbacks, { models: ['spare/none'] })).status).toBe(404)
    bodyOf(await server.client.put(fallbacks, { models: ['spare/two', 'spare/one'] }))
    const { model } = await server.models.selectModel({ requested: 'ollama/llama3.2:1b', signal })
    ollama.script('/api/chat', { status: 503, retryAfter: 60 })
    openai.script('/v1/chat/completions', { tokens: ['Here', ' I', ' am.'] })
    const { text, end, parts } = await answerOf(model)
    expect(text).toBe('Here I am.')
    expect(parts[0]).toMatchObject({
      type: 'waiting',
      message: expect.stringContaining('two answers instead'),
    })
    expect(end).toMatchObject({
      by: { model: 'two', provider: 'spare', fallbackFrom: 'ollama/llama3.2:1b', cost: expect.any(Number) },
    })
    const asked = ollama.requestsTo('/api/chat').length
    // The server asked for a pause: it is not asked again before that.
    expect((await answerOf(model)).end).toMatchObject({ by: { provider: 'spare' } })
    expect(ollama.requestsTo('/api/chat')).toHaveLength(asked)
    await server.client.delete(`/providers/${id}`)
    await expect(answerOf(model)).rejects.toMatchObject({ code: 'http_503', retryAfter: expect.any(Number) })
  })
})

describe('what is local only', () => {
  test('reaches no service outside the private network: chat, embedding, reranking and background work', async () => {
    await using ollama = await startOllama({
      models: [{ name: 'llama3.2:1b', capabilities: ['completion', 'thinking'] }],
    })
    await using remote = await startOpenAi()
    // An address of this machine that is in no private network.
    const url = remote.url.replace('127.0.0.1', '0.0.0.0')
    await using app = await startApp({
      OLLAMA_BASE_URL: ollama.url,
      OPENAI_BASE_URL: url,
      EMBED_MODEL: 'openai/text-embedding-3-small',
      RERANK_BASE_URL: url,
      BACKGROUND_MODEL_CALLS: 'on',
      BACKGROUND_MODEL_REST_MS: '1',
    })
    const sent = () => remote.requests.filter(({ method }) => method === 'POST').map(({ path }) => path)
    const use = async (avee: string) => {
      await uploadFiles(app, [{ name: 'mill.txt', content: 'The windmill grinds rye.' }], {
        avee,
        layer: 'public',
      })
      await app.post('/search', { avee, query: 'What does the windmill grind?' })
      const { id } = await createConversation(app, avee)
      const events = await collectEvents(await askStream(app, id, 'What does the windmill grind?'))
      return { id, complete: events.at(-1)?.data as { provider: string; remote: boolean }, events }
    }

    const secret = await createAvee(app, { local_only: true })
    ollama.script('/api/chat', { thinking: ['The', ' mill.'], tokens: ['It grinds', ' rye.'] })
    const { id, complete, events } = await use(secret.id)
    expect(complete).toMatchObject({ event: 'complete', provider: 'ollama', remote: false })
    const reasoning = events.map(({ data }) => data['reasoning'] ?? '').join('')
    expect(reasoning).toBe('The mill.')
    const [, answer] = await listMessages(app, id)
    expect(answer).toMatchObject({
      content: 'It grinds rye.',
      reasoning,
      provider: 'ollama',
    } satisfies Partial<Message>)
    // The title and the follow-ups come from the local model, too.
    await expect.poll(() => ollama.requestsTo('/api/chat').length, patient).toBeGreaterThan(1)
    expect(sent()).toEqual([])

    const open = await createAvee(app)
    const elsewhere = await use(open.id)
    expect(elsewhere.complete).toMatchObject({ provider: 'openai', remote: true })
    expect(new Set(sent())).toEqual(new Set(['/v1/embeddings', '/v1/rerank', '/v1/chat/completions']))

    const asked = { conversation_id: elsewhere.id, question: 'And what else?', local_only: true }
    expect(bodyOf(await app.post<{ model_used: string }>('/chat/ask', asked)).model_used).toBe('llama3.2:1b')
    expect(bodyOf(await app.get<Conversation>(`/conversations/${elsewhere.id}`)).local_only).toBe(true)
    bodyOf(await app.post('/chat/ask', { ...asked, local_only: undefined }))
    expect(await app.post<Failure>('/chat/ask', { ...asked, model: 'openai/gpt-4o' })).toMatchObject({
      body: { error: { code: 'local_only' } },
    })
    expect(JSON.stringify(remote.requests.map(({ body }) => body))).not.toContain('And what else')
  })
})
