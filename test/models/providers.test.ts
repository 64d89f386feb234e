import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AvailableModel, ModelProvider } from '../../contract/models.ts'
import { bodyOf } from '../builders.ts'
import { ANY_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startAnthropic, startOllama, startOpenAi } from '../model-servers.ts'
import { openCluster, type TestCluster } from '../runs/cluster.ts'
import { answerOf, question, signal } from './answer.ts'
import { type ModelsServer, openModelsServer } from './server.ts'

type Failure = { error: { code: string; message: string; details?: { models?: string[] } } }
type Test = {
  ok: boolean
  models: number
  error?: string
  answer?: { model: string; first_token_ms: number }
}

describe('providers', () => {
  let store: TestCluster
  let ollama: ScriptedOllama
  let server: ModelsServer
  beforeAll(async () => {
    store = await openCluster(ANY_DATABASE)
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
    await expect.poll(seen).toContain('groq/small')
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
    await expect.poll(seen).toContain('groq2/tuned')
    expect(bodyOf(await server.client.delete(path))).toEqual({ ok: true })
    await expect.poll(seen).not.toContain('groq2/tuned')
    expect((await server.client.delete(path)).status).toBe(404)
  })

  test('reject a name that is taken or reserved, and invalid addresses', async () => {
    const kind = 'openai'
    for (const name of ['ollama', 'extractive'])
      expect((await server.client.post('/providers', { kind, name })).status).toBe(409)
    const { id } = await create({ kind, name: 'twice', base_url: 'http://127.0.0.1:9/v1' })
    expect((await server.client.post('/providers', { kind, name: 'twice' })).status).toBe(409)
    for (const end of ['?api-version=1', '#models', '?'])
      expect(
        await server.client.post('/providers', { kind, name: 'x', base_url: `https://x.example/v1${end}` }),
      ).toMatchObject({
        status: 422,
        body: { error: { message: expect.stringMatching(/^Enter the address only up to the \? or #/) } },
      })
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

  test('are tested: problems, and the speed of a model', async () => {
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
    anthropic.always('/v1/models', { html: true })
    const page = await server.client.post<Test>(`/providers/${id}/test`)
    expect(page.body).toMatchObject({ ok: false, error: expect.stringContaining('a proxy or a login page') })
    await server.client.delete(`/providers/${id}`)
  })

  test('are used with their current settings after an answer has waited, and not if they were removed', async () => {
    await using openai = await startOpenAi({ models: [{ id: 'one' }] })
    bodyOf(await server.client.put('/models/fallbacks', { models: [] }))
    const provider = { kind: 'openai', name: 'slow', base_url: openai.url, max_parallel: 1 }
    const { id } = await create({ ...provider, api_key: 'sk-0123456789-old' })
    bodyOf(await server.client.post('/api/models/active', { model: 'slow/one' }))
    const { model } = await server.models.selectModel({ signal })
    const path = '/v1/chat/completions'
    const whileWaiting = async (change: () => Promise<unknown>) => {
      const running = Promise.withResolvers<void>()
      openai.script(path, { tokens: ['Here'], lastTokenAfter: running.promise })
      const first = answerOf(model)
      await openai.waitForRequest(path, openai.requestsTo(path).length + 1)
      const parts = model.stream(question, signal)
      expect((await parts.next()).value).toMatchObject({ type: 'queued', position: 1 })
      await change()
      running.resolve()
      await first
      return parts
    }
    const changed = await whileWaiting(() =>
      server.client.patch(`/providers/${id}`, { api_key: 'sk-0123456789-new' }),
    )
    await Array.fromAsync(changed)
    expect(openai.requestsTo(path).at(-1)?.headers.authorization).toBe('Bearer sk-0123456789-new')
    const asked = openai.requestsTo(path).length + 1
    const removed = await whileWaiting(async () =>
      expect(bodyOf(await server.client.delete(`/providers/${id}`))).toEqual({
        ok: true,
        active_model: 'llama3.2:1b',
      }),
    )
    await expect(Array.fromAsync(removed)).rejects.toMatchObject({ code: 'provider_removed' })
    expect(openai.requestsTo(path)).toHaveLength(asked)
  })
})
