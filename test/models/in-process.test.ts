import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AvailableModel, CatalogueModel, ModelInfo, ModelProvider } from '../../contract/models.ts'
import { chatEngine, hasChatEngine } from '../../scripts/services/chat-engine.ts'
import { bodyOf, createConversation, registerUser, uploadFiles } from '../builders.ts'
import type { TestClient } from '../client.ts'
import { collectEvents, readEvents, textOf } from '../events.ts'
import type { ServerProcess } from '../server-process.ts'
import { startServer } from '../server-process.ts'
import { tinyGguf } from '../tiny-gguf.ts'
import { catalogueEntryOf, startHub, tinyModelFiles } from '../tiny-models.ts'

type Catalogue = { models: CatalogueModel[]; message: string | null }
type Status = { embedding_model: string | null; rerank_model: string | null; rerank_problem: string | null }
type Found = { results: { filename: string; score: number }[] }

const embedding = tinyModelFiles('embedding')
const reranking = tinyModelFiles('reranking')
const words = 'Boats berth at the northern quay .'.split(' ')
const chat = { 'tiny.gguf': tinyGguf({ words }) }
const endlessChat = { 'tiny.gguf': tinyGguf({ words, isEndless: true, contextLength: 8_192 }) }
const ggufEmbedding = { 'tiny.gguf': tinyGguf({ words, isEmbedding: true }) }

describe('models in this process', () => {
  let directory: string
  let hub: Awaited<ReturnType<typeof startHub>>
  let server: ServerProcess
  let admin: TestClient
  let user: TestClient

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'gabee-catalogue-'))
    const entries = [
      catalogueEntryOf('tiny-e5', 'embedding', embedding),
      catalogueEntryOf('tiny-cross', 'reranking', reranking),
      catalogueEntryOf('tiny-chat', 'chat', chat),
      catalogueEntryOf('tiny-endless', 'chat', endlessChat),
      catalogueEntryOf('tiny-gguf', 'embedding', ggufEmbedding),
    ]
    await writeFile(path.join(directory, 'catalogue.json'), JSON.stringify(entries))
    hub = await startHub({
      'tiny/tiny-e5': embedding,
      'tiny/tiny-cross': reranking,
      'tiny/tiny-chat': chat,
      'tiny/tiny-endless': endlessChat,
      'tiny/tiny-gguf': ggufEmbedding,
    })
    server = await startServer({
      MODEL_HUB_URL: hub.url,
      MODEL_DIR: directory,
      MODEL_ENGINE_DIR: chatEngine.directory,
    })
    admin = (await registerUser(server)).client
    user = (await registerUser(server)).client
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await hub[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  const download = (id: string) =>
    admin.fetch('/models/download', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    })
  const status = async () => {
    const { embedding_model, rerank_model, rerank_problem } = bodyOf(await user.get<Status>('/api/status'))
    return { embedding_model, rerank_model, rerank_problem }
  }
  const find = async (query: string) =>
    bodyOf(await user.post<Found>('/api/documents/test', { query })).results.map(({ filename }) => filename)

  test('are listed with their source, for administrators only', async () => {
    const { models, message } = bodyOf(await admin.get<Catalogue>('/models/catalogue'))
    expect(message).toBeNull()
    expect(models.at(-5)).toMatchObject({
      id: 'tiny-e5',
      kind: 'embedding',
      dimensions: 24,
      source: `${hub.url}/tiny/tiny-e5/resolve/main`,
      installed: false,
    })
    expect(hub.requests).toEqual([])
    for (const refused of [
      await user.get('/models/catalogue'),
      await user.post('/models/download', { id: 'tiny-e5' }),
      await user.delete('/models/tiny-e5'),
      await user.post('/models/chat-engine'),
    ])
      expect(refused.status).toBe(403)
    expect((await admin.post('/models/download', { id: 'unknown' })).status).toBe(404)
    expect((await admin.post('/providers', { kind: 'in_process', name: 'more' })).status).toBe(409)
    const { providers } = bodyOf(await admin.get<{ providers: ModelProvider[] }>('/providers'))
    expect(providers.at(-1)).toMatchObject({
      kind: 'in_process',
      read_only: true,
      remote: false,
      status: 'ok',
    })
  })

  test('are downloaded once for two people, through a crash of the server', async () => {
    hub.script('onnx/model.onnx', { hangAfter: 40_000 })
    const first = await download('tiny-e5')
    const id = first.headers.get('x-run-id')
    expect((await download('tiny-e5')).headers.get('x-run-id')).toBe(id)
    await expect.poll(() => hub.requests).toContainEqual({ path: 'onnx/model.onnx', range: undefined })
    await server.restart()
    const events = await collectEvents(await admin.fetch(`/runs/${id}/events`))
    expect(events.at(-1)?.data).toEqual({ status: 'success' })
    expect(hub.requests.filter((request) => request.path !== 'onnx/model.onnx')).toHaveLength(3)
    const { models } = bodyOf(await admin.get<Catalogue>('/models/catalogue'))
    expect(models.filter(({ installed }) => installed).map((model) => model.id)).toEqual(['tiny-e5'])
  }, 120_000)

  test('embed documents and questions', async () => {
    expect((await status()).embedding_model).toBe('tiny-e5')
    const tested = bodyOf(
      await user.post<{ result: string }>('/api/models/test', { model: 'in_process/tiny-e5' }),
    )
    expect(tested.result).toBe('Embedding model with 24 dimensions.')
    expect(bodyOf(await admin.post('/providers/in_process/test', { answer: true }))).toMatchObject({
      ok: true,
      models: 1,
    })
    await uploadFiles(user, [
      { name: 'boats.txt', content: 'Boats berth at the northern quay.' },
      { name: 'honey.txt', content: 'A beekeeper brings honeycombs to the market.' },
    ])
    // No word of the question is in a document.
    expect((await find('honeypot'))[0]).toBe('honey.txt')
    const model = async () => {
      const { models } = bodyOf(await user.get<{ models: ModelInfo[] }>('/api/models'))
      return models.find(({ name }) => name === 'tiny-e5')
    }
    await expect
      .poll(model)
      .toMatchObject({ provider: 'in_process', capabilities: ['embedding'], loaded: true })
  })

  test('rerank results as soon as a cross-encoder is installed', async () => {
    expect((await collectEvents(await download('tiny-cross'))).at(-1)?.data).toEqual({ status: 'success' })
    expect((await find('northern quay'))[0]).toBe('boats.txt')
    expect(await status()).toEqual({
      embedding_model: 'tiny-e5',
      rerank_model: 'tiny-cross',
      rerank_problem: null,
    })
  })

  test('are deleted while search continues', async () => {
    for (const id of ['tiny-e5', 'tiny-cross']) expect((await admin.delete(`/models/${id}`)).status).toBe(200)
    expect((await admin.delete('/models/tiny-e5')).status).toBe(404)
    expect(await status()).toEqual({ embedding_model: null, rerank_model: null, rerank_problem: null })
    expect((await find('honeycombs'))[0]).toBe('honey.txt')
  })

  test.skipIf(!hasChatEngine)(
    'answer and embed with llama.cpp where it has binaries, installed on request',
    async () => {
      const installed = await admin.fetch('/models/chat-engine', { method: 'POST' })
      expect((await collectEvents(installed)).at(-1)?.data).toEqual({ status: 'success' })
      for (const name of ['tiny-chat', 'tiny-endless', 'tiny-gguf'])
        expect((await collectEvents(await download(name))).at(-1)?.data).toEqual({ status: 'success' })
      expect(bodyOf(await user.get<AvailableModel[]>('/models'))).toMatchObject([
        { id: 'in_process/tiny-chat', capabilities: ['chat', 'json'], context_length: 2_048, remote: false },
        { id: 'in_process/tiny-endless' },
        { id: 'in_process/tiny-gguf', capabilities: ['embed'] },
      ])
      const { id } = await createConversation(user, 'local')
      const question = (model: string) =>
        user.fetch('/chat/stream', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ conversation_id: id, question: 'Where do boats berth?', model }),
        })
      const answered = await collectEvents(await question('tiny-chat'))
      expect(textOf(answered)).toBe(words.join(' '))
      expect(answered.at(-1)?.data).toMatchObject({
        event: 'complete',
        usage: { completion_tokens: words.length + 1 },
      })
      const endless = await question('tiny-endless')
      const run = endless.headers.get('x-run-id')
      const events = readEvents(endless)
      for await (const { data } of events) if (data['token']) break
      expect((await user.delete(`/runs/${run}`)).status).toBe(200)
      const all = await collectEvents(await user.fetch(`/runs/${run}/events`))
      expect(all.at(-1)?.data).toMatchObject({ event: 'stopped' })
      expect(textOf(all)).toMatch(/^Boats/)
      expect((await status()).embedding_model).toBe('tiny-gguf')
      const tested = bodyOf(await user.post<{ result: string }>('/api/models/test', { model: 'tiny-gguf' }))
      expect(tested.result).toBe('Embedding model with 64 dimensions.')
      expect((await admin.post('/api/models/unload', { model: 'in_process/tiny-chat' })).status).toBe(200)
      bodyOf(await admin.post('/api/models/active', { model: 'tiny-endless' }))
      expect(bodyOf(await admin.delete('/models/tiny-chat'))).toEqual({ ok: true })
      expect(bodyOf(await admin.delete('/api/models/delete', { model: 'tiny-endless' }))).toMatchObject({
        message: 'The model tiny-endless was deleted. It was the active model; extractive answers now.',
        active_model: 'extractive',
      })
      expect(bodyOf(await user.get<{ reason: string }>('/api/models/active')).reason).toMatch(
        /^No language model/,
      )
    },
  )
})
