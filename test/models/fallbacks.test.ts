import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ModelProvider } from '../../contract/models.ts'
import { bodyOf } from '../builders.ts'
import { ANY_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama, startOpenAi } from '../model-servers.ts'
import { openCluster, type TestCluster } from '../runs/cluster.ts'
import { answerOf, signal } from './answer.ts'
import { type ModelsServer, openModelsServer } from './server.ts'

describe('fallbacks', () => {
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

  test('answer in their order when the model is unreachable; the answer names the one it came from and its cost', async () => {
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
    // The server requested a pause and gets no requests before its end.
    expect((await answerOf(model)).end).toMatchObject({ by: { provider: 'spare' } })
    expect(ollama.requestsTo('/api/chat')).toHaveLength(asked)
    await server.client.delete(`/providers/${id}`)
    await expect(answerOf(model)).rejects.toMatchObject({ code: 'http_503', retryAfter: expect.any(Number) })
  })

  test('replace a model that fails before the first part, but not later; a refused key is reported', async () => {
    await using openai = await startOpenAi({ models: [{ id: 'one' }] })
    await using other = await startOpenAi({ models: [{ id: 'two' }] })
    const { id } = await create({ kind: 'openai', name: 'first', base_url: openai.url })
    const { id: otherId } = await create({ kind: 'openai', name: 'second', base_url: other.url })
    bodyOf(await server.client.put('/models/fallbacks', { models: ['second/two'] }))
    const { model } = await server.models.selectModel({ requested: 'first/one', signal })
    const path = '/v1/chat/completions'
    const faults = [
      { beforeHeaders: 'die' },
      { html: true },
      { fault: 'cut', afterTokens: 0 },
      { fault: 'error', afterTokens: 0 },
      { fault: 'malformed', afterTokens: 0 },
    ] as const
    for (const fault of faults) {
      openai.script(path, fault)
      expect((await answerOf(model)).end).toMatchObject({ by: { fallbackFrom: 'first/one' } })
      openai.script(path, { tokens: ['Yes'] })
      expect((await answerOf(model)).end).toMatchObject({ by: { provider: 'first' } })
    }
    openai.script(path, { fault: 'cut', afterTokens: 1 })
    await expect(answerOf(model)).rejects.toMatchObject({ code: 'truncated' })
    openai.script(path, { status: 401 })
    await expect(answerOf(model)).rejects.toMatchObject({ code: 'http_401' })
    expect(await list()).toContainEqual(
      expect.objectContaining({ name: 'first', last_error: expect.stringContaining('API key') }),
    )
    openai.script(path, { status: 429, retryAfter: 40 })
    await server.client.delete(`/providers/${otherId}`)
    await expect(answerOf(model)).rejects.toMatchObject({ message: expect.stringContaining('in 40 s.') })
    await expect(answerOf(model)).rejects.toMatchObject({ message: expect.stringMatching(/in \d+ s\.$/) })
    await server.client.delete(`/providers/${id}`)
  })
})
