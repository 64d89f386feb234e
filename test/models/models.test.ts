import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ModelInfo } from '../../contract/models.ts'
import type { TestClient } from '../client.ts'
import { ANY_DATABASE } from '../databases.ts'
import { collectEvents, readEvents } from '../events.ts'
import { defaultModels, pullFrames, type ScriptedOllama, startOllama, startOpenAi } from '../model-servers.ts'
import { openCluster, type TestCluster } from '../runs/cluster.ts'
import { type ModelsServer, openModelsServer } from './server.ts'

type List = { success: true; models: ModelInfo[]; message: string | null }
type Active = { success: true; model: string; provider: string; reason: string }
type Failure = { error: { code: string; message: string; details?: { available: string[] } } }

let store: TestCluster
beforeAll(async () => {
  store = await openCluster(ANY_DATABASE)
})
afterAll(() => store.close())
const empty = () => sql`truncate users, settings cascade`.execute(store.database.db)

describe('the models of a server with Ollama', () => {
  let ollama: ScriptedOllama
  let server: ModelsServer
  let client: TestClient

  beforeAll(async () => {
    ollama = await startOllama()
    server = await openModelsServer(store, { ollamaBaseUrl: ollama.url })
    client = server.client
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await ollama[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    ollama.models.splice(0, ollama.models.length, ...defaultModels())
    ollama.loaded.clear()
    await client.get('/api/models')
  })

  const pull = (model: string) =>
    client.fetch('/api/models/pull', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model }),
    })

  test.each(['/api/models', '/api/models/'])('are listed at %s with their capabilities', async (path) => {
    ollama.loaded.set('llama3.2:1b', 8_192)
    const { status, body } = await client.get<List>(path)
    expect(status).toBe(200)
    expect(body.message).toBeNull()
    expect(body.models).toEqual([
      {
        name: 'llama3.2:1b',
        provider: 'ollama',
        size: 1_321_098_329,
        modified_at: '2026-01-02T03:04:05Z',
        digest: expect.any(String),
        capabilities: ['completion', 'tools'],
        context_length: 131_072,
        loaded: true,
        memory: 3_000,
        gpu_memory: 2_000,
        active: true,
      },
      expect.objectContaining({
        name: 'nomic-embed-text:latest',
        capabilities: ['embedding'],
        active: false,
      }),
      expect.objectContaining({ name: 'extractive', provider: 'extractive', active: false }),
    ])
  })

  test('report the selected model with the reason', async () => {
    const { body } = await client.get<Active>('/api/models/active')
    expect(body).toEqual({
      success: true,
      model: 'llama3.2:1b',
      provider: 'ollama',
      reason: 'It is the first chat model that Ollama has installed.',
    })
  })

  test('can be activated for all later answers', async () => {
    ollama.models.push({ name: 'qwen3:4b', capabilities: ['completion', 'thinking'] })
    const chosen = await client.post<Active>('/api/models/active', { model: 'qwen3:4b' })
    expect(chosen.body).toMatchObject({
      model: 'qwen3:4b',
      reason: 'It is the active model.',
    })
    const { body } = await client.get<List>('/api/models')
    expect(body.models.filter((model) => model.active).map((model) => model.name)).toEqual(['qwen3:4b'])

    await client.delete('/api/models/delete', { model: 'qwen3:4b' })
    expect((await client.get<Active>('/api/models/active')).body.model).toBe('llama3.2:1b')
  })

  test('cannot be activated if they are not installed; the error lists the available ones', async () => {
    const { status, body } = await client.post<Failure>('/api/models/active', { model: 'no-such:1b' })
    expect(status).toBe(404)
    expect(body.error).toMatchObject({
      code: 'model_not_found',
      details: { available: ['llama3.2:1b', 'extractive'] },
    })
  })

  test('cannot answer if they are embedding models', async () => {
    const { status, body } = await client.post<Failure>('/api/models/active', { model: 'nomic-embed-text' })
    expect(status).toBe(400)
    expect(body.error.code).toBe('not_a_chat_model')
  })

  test.each([
    ['as JSON', (name: string) => client.delete('/api/models/delete', { model: name })],
    ['in the query', (name: string) => client.delete(`/api/models/delete?model=${encodeURIComponent(name)}`)],
  ])('are deleted by their name %s', async (_, remove) => {
    expect((await remove('nomic-embed-text')).status).toBe(200)
    expect(ollama.models.map((model) => model.name)).toEqual(['llama3.2:1b'])
    expect((await remove('nomic-embed-text')).status).toBe(404)
  })

  test('are not deleted without a name or if they are not local', async () => {
    expect((await client.delete('/api/models/delete')).status).toBe(400)
    const { status, body } = await client.delete<Failure>('/api/models/delete', { model: 'extractive' })
    expect(status).toBe(400)
    expect(body.error.code).toBe('not_a_local_model')
  })

  test('are unloaded', async () => {
    ollama.loaded.set('llama3.2:1b', 8_192)
    expect((await client.post('/api/models/unload', { model: 'llama3.2:1b' })).status).toBe(200)
    expect(ollama.loaded.size).toBe(0)
  })

  test('can be tested', async () => {
    ollama.script('/api/chat', { tokens: ['Hello', ' there', '.'] })
    const chat = await client.post<{ result: string }>('/api/models/test', { model: 'llama3.2:1b' })
    expect(chat.body.result).toBe('Hello there.')
    const embedding = await client.post<{ result: string }>('/api/models/test', { model: 'nomic-embed-text' })
    expect(embedding.body.result).toBe('Embedding model with 256 dimensions.')
    const extractive = await client.post<{ result: string }>('/api/models/test', { model: 'extractive' })
    expect(extractive.body.result).toContain('Hello!')
  })

  test('are pulled with Ollama’s progress and usable at once', async () => {
    const events = await collectEvents(await pull('qwen3:4b'))
    expect(events.map(({ data }) => JSON.stringify(data))).toEqual(
      // A quick download reports only the first and the last step of each file.
      pullFrames('qwen3:4b').filter((frame) => !/"completed":(?!1000000|500\b)/.test(frame)),
    )
    expect(events.at(-1)?.data).toEqual({ status: 'success' })
    const chosen = await client.post<Active>('/api/models/active', { model: 'qwen3:4b' })
    expect(chosen.body.model).toBe('qwen3:4b')
    await client.delete('/api/models/delete', { model: 'qwen3:4b' })
  })

  test.each(['hf.co/org/some-model-GGUF:Q4_K_M', 'user/model', 'llama3.2'])(
    'can be pulled by the name %s',
    async (name) => {
      const events = await collectEvents(await pull(name))
      expect(events.at(-1)?.data).toEqual({ status: 'success' })
      expect(ollama.requestsTo('/api/pull').at(-1)?.body['model']).toBe(name)
    },
  )

  test('are pulled once for two concurrent requests', async () => {
    const before = ollama.requestsTo('/api/pull').length
    const both = Promise.withResolvers<void>()
    ollama.script('/api/pull', { lastTokenAfter: both.promise })
    const first = await pull('two-of-us')
    const second = await pull('two-of-us:latest')
    both.resolve()
    expect(second.headers.get('x-run-id')).toBe(first.headers.get('x-run-id'))
    const [one, two] = await Promise.all([collectEvents(first), collectEvents(second)])
    expect(two).toEqual(one)
    expect(ollama.requestsTo('/api/pull')).toHaveLength(before + 1)
  })

  test('report the error of a failed pull with text and code', async () => {
    ollama.script('/api/pull', {
      fault: 'error',
      afterTokens: 1,
      message: 'pull model manifest: file does not exist',
    })
    const events = await collectEvents(await pull('no-such-model'))
    expect(events.at(-1)?.data).toEqual({
      error: expect.stringContaining('file does not exist'),
      code: 'upstream_error',
      message: expect.stringContaining('file does not exist'),
    })
  })

  test('are requested again when a download is interrupted', async () => {
    const before = ollama.requestsTo('/api/pull').length
    ollama.script('/api/pull', { fault: 'die', afterTokens: 3 })
    const events = await collectEvents(await pull('breaks-off'))
    expect(events.at(-1)?.data).toEqual({ status: 'success' })
    expect(ollama.requestsTo('/api/pull')).toHaveLength(before + 2)
  })

  test('stop being pulled when the run is stopped', async () => {
    const nth = ollama.requestsTo('/api/pull').length + 1
    ollama.script('/api/pull', { fault: 'stall', afterTokens: 2 })
    const response = await pull('stopped-half-way')
    const request = await ollama.waitForRequest('/api/pull', nth)
    const events = readEvents(response)
    await events.next()
    await client.delete(`/runs/${response.headers.get('x-run-id')}`)
    await request.closed
    expect(request.closedEarly).toBe(true)
    expect((await Array.fromAsync(events)).at(-1)?.data).toMatchObject({ event: 'stopped' })
  })

  test('continue being pulled when the reader disconnects', async () => {
    ollama.script('/api/pull', { delayMs: 10 })
    const response = await pull('read-later')
    await response.body?.cancel()
    const events = await collectEvents(await client.fetch(`/runs/${response.headers.get('x-run-id')}/events`))
    expect(events.at(-1)?.data).toEqual({ status: 'success' })
  })

  test('reject invalid names', async () => {
    for (const name of ['', '../../etc', 'a b', 'x'.repeat(300)])
      expect((await client.post('/api/models/active', { model: name })).status).toBe(422)
  })
})

describe('permissions to change models', () => {
  beforeEach(empty)
  let ollama: ScriptedOllama
  let server: ModelsServer
  afterEach(async () => {
    await server[Symbol.asyncDispose]()
    await ollama[Symbol.asyncDispose]()
  })

  test('are for administrators; others may list and test models', async () => {
    ollama = await startOllama()
    server = await openModelsServer(store, { ollamaBaseUrl: ollama.url })
    const admin = server.client.as((await server.register()).token)
    const visitor = server.client.as((await server.register()).token)
    const changes: [string, (client: TestClient) => Promise<{ status: number }>][] = [
      ['active', (client) => client.post('/api/models/active', { model: 'llama3.2:1b' })],
      ['unload', (client) => client.post('/api/models/unload', { model: 'llama3.2:1b' })],
      ['pull', (client) => client.post('/api/models/pull', { model: 'qwen3:4b' })],
      ['delete', (client) => client.delete('/api/models/delete', { model: 'qwen3:4b' })],
    ]
    for (const [what, change] of changes) {
      expect.soft((await change(visitor)).status, what).toBe(403)
      expect.soft((await change(admin)).status, what).toBe(200)
    }
    expect((await visitor.get('/api/models')).status).toBe(200)
    expect((await visitor.post('/api/models/test', { model: 'llama3.2:1b' })).status).toBe(200)
    expect((await server.client.get('/api/models')).status).toBe(401)
  })
})

describe('a server whose Ollama is unavailable', () => {
  beforeEach(empty)
  const away = 'http://127.0.0.1:9'

  test('lists the available models and explains how to start Ollama', async () => {
    await using server = await openModelsServer(store, { ollamaBaseUrl: away })
    const { status, body } = await server.client.get<List>('/api/models')
    expect(status).toBe(200)
    expect(body.models).toMatchObject([{ name: 'extractive', active: true }])
    expect(body.message).toContain('ollama serve')
  })

  test('returns 503 for operations that need it', async () => {
    await using server = await openModelsServer(store, { ollamaBaseUrl: away })
    const { client } = server
    for (const answer of [
      await client.post<Failure>('/api/models/active', { model: 'llama3.2:1b' }),
      await client.post<Failure>('/api/models/pull', { model: 'llama3.2:1b' }),
      await client.post<Failure>('/api/models/unload', { model: 'llama3.2:1b' }),
      await client.post<Failure>('/api/models/test', { model: 'llama3.2:1b' }),
      await client.delete<Failure>('/api/models/delete', { model: 'llama3.2:1b' }),
    ]) {
      expect(answer.status).toBe(503)
      expect(answer.body.error).toMatchObject({
        code: 'ollama_away',
        message: expect.stringContaining('ollama serve'),
      })
    }
  })

  test('lists and activates the models of an OpenAI-compatible service', async () => {
    await using openai = await startOpenAi({ apiKey: 'sk-a' })
    await using server = await openModelsServer(store, {
      ollamaBaseUrl: away,
      openai: { baseUrl: openai.url, apiKey: 'sk-a' },
    })
    const { body } = await server.client.get<List>('/api/models')
    expect(body.models).toMatchObject([
      { name: 'gpt-4o-mini', provider: 'openai', active: true, capabilities: ['completion'] },
      { name: 'gpt-4o', active: false },
      { name: 'text-embedding-3-small', capabilities: ['embedding'] },
      { name: 'extractive' },
    ])
    const chosen = await server.client.post<Active>('/api/models/active', { model: 'gpt-4o' })
    expect(chosen.body).toMatchObject({ model: 'gpt-4o', provider: 'openai' })
    expect((await server.client.post<Failure>('/api/models/active', { model: 'gpt-none' })).status).toBe(404)
  })
})

describe('a download interrupted by a server crash', () => {
  beforeEach(empty)
  test('is resumed by the next server in the same log', async () => {
    await using ollama = await startOllama()
    const config = { ollamaBaseUrl: ollama.url }
    const first = await openModelsServer(store, config)
    const { body: me } = await first.client.get<{ id: string }>('/me')
    ollama.script('/api/pull', { fault: 'stall', afterTokens: 3 })
    const { run } = await first.models.pull({ userId: me.id, model: 'qwen3:4b' })
    await ollama.waitForRequest('/api/pull')
    await first[Symbol.asyncDispose]()

    {
      await using second = await openModelsServer(store, config)
      const events = await collectEvents(await second.client.fetch(`/runs/${run.id}/events`))
      expect(ollama.requestsTo('/api/pull')).toHaveLength(2)
      expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => i + 1))
      expect(events.map(({ data }) => data)).toContainEqual({ event: 'resumed', attempt: 2 })
      expect(events.at(-1)?.data).toEqual({ status: 'success' })
    }
  })
})
