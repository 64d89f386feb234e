import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import type { Conversation } from '../../contract/conversations.ts'
import type { Message } from '../../contract/messages.ts'
import type { AvailableModel, ModelProvider } from '../../contract/models.ts'
import { pictureFormat } from '../../server/knowledge/pictures/picture-format.ts'
import type { ChatModel } from '../../server/models/index.ts'
import { startApp } from '../app.ts'
import {
  ask,
  askStream,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  uploadFiles,
} from '../builders.ts'
import { ANY_DATABASE } from '../databases.ts'
import { collectEvents, type ReceivedEvent, readEvents, textOf } from '../events.ts'
import { placedPdf } from '../files/pdf.ts'
import { pngOf } from '../files/picture.ts'
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
    // The server requested a pause and gets no requests before its end.
    expect((await answerOf(model)).end).toMatchObject({ by: { provider: 'spare' } })
    expect(ollama.requestsTo('/api/chat')).toHaveLength(asked)
    await server.client.delete(`/providers/${id}`)
    await expect(answerOf(model)).rejects.toMatchObject({ code: 'http_503', retryAfter: expect.any(Number) })
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

  test('are replaced if they fail before the first part, but not later; a refused key is reported', async () => {
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

describe('what is local only', () => {
  test('reaches no service outside the private network: chat, embedding, reranking and background work', async () => {
    await using ollama = await startOllama({
      models: [{ name: 'llama3.2:1b', capabilities: ['completion', 'thinking'] }],
    })
    await using remote = await startOpenAi()
    // An address of this machine outside private networks.
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
    await expect.poll(() => ollama.requestsTo('/api/chat').length).toBeGreaterThan(1)
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

  test('holds for a question that waits when its conversation or avee becomes local only', async () => {
    await using ollama = await startOllama({
      models: [{ name: 'llama3.2:1b', capabilities: ['completion'] }],
    })
    await using remote = await startOpenAi()
    await using app = await startApp({
      OLLAMA_BASE_URL: ollama.url,
      OPENAI_BASE_URL: remote.url.replace('127.0.0.1', '0.0.0.0'),
      CHAT_MODEL: 'openai/gpt-4o',
      MODEL_MAX_PARALLEL: '1',
    })
    const path = '/v1/chat/completions'
    /** Asks a question that waits behind another one until `change` has been made. Returns its events after that. */
    const askAndChange = async (avee: Avee, change: (conversation: string) => Promise<unknown>) => {
      const running = Promise.withResolvers<void>()
      remote.script(path, { tokens: ['Done'], lastTokenAfter: running.promise })
      const busy = await createConversation(app, 'local')
      const first = ask(app, busy.id, 'Please wait.')
      await remote.waitForRequest(path, remote.requestsTo(path).length + 1)
      const { id } = await createConversation(app, avee.id)
      const log: ReceivedEvent[] = []
      for await (const event of readEvents(await askStream(app, id, 'What is the secret?'))) {
        log.push(event)
        if (event.data['event'] !== 'queued') continue
        await change(id)
        running.resolve()
      }
      await first
      return { id, log, data: log.map(({ data }) => data) }
    }
    const open = await createAvee(app)
    const setLocal = async (path: string) => bodyOf(await app.patch(path, { local_only: true }))

    const { id, log, data } = await askAndChange(open, async (id) => setLocal(`/conversations/${id}`))
    expect(data).toContainEqual({
      event: 'waiting',
      message: 'The conversation is now local only. llama3.2:1b answers instead.',
    })
    expect(data.at(-1)).toMatchObject({ event: 'complete', provider: 'ollama', remote: false })
    expect(data.filter(({ event }) => event === 'start')).toHaveLength(1)
    const [, answer] = await listMessages(app, id)
    expect(answer).toMatchObject({ model: 'llama3.2:1b', status: 'complete' })
    expect(answer?.content).toBe(textOf(log))

    const pinned = await createAvee(app, { model: 'openai/gpt-4o' })
    const refused = await askAndChange(pinned, async () => setLocal(`/avees/${pinned.id}`))
    expect(refused.data.at(-1)).toMatchObject({
      error: { code: 'local_only', message: expect.stringContaining('Choose a local model.') },
    })
    expect(JSON.stringify(remote.requests.map(({ body }) => body))).not.toContain('secret')
    expect(ollama.requestsTo('/api/chat')).toHaveLength(1)
  })
})

describe('pictures of a question', () => {
  test('go to models with vision, and to a remote one only if its provider is named', async () => {
    await using ollama = await startOllama({
      models: [
        { name: 'llava:7b', capabilities: ['completion', 'vision'] },
        { name: 'llama3.2:1b', capabilities: ['completion'] },
      ],
    })
    await using remote = await startOpenAi()
    await using app = await startApp({
      OLLAMA_BASE_URL: ollama.url,
      OPENAI_BASE_URL: remote.url.replace('127.0.0.1', '0.0.0.0'),
    })
    const { id: conversation } = await createConversation(app, 'local')
    const large = pngOf(Buffer.concat([Buffer.from('P5\n2000 1000\n255\n'), Buffer.alloc(2_000_000)]))
    const bomb = Buffer.from(large)
    bomb.writeUInt32BE(60_000, 16)
    const gif = Buffer.from('R0lGODlhAgACAIAAAP8AAAAA/yH5BAAAAAAALAAAAAACAAIAAAIDRAJQADs=', 'base64')
    const results = await uploadFiles(
      app,
      [
        { name: 'large.png', content: Uint8Array.from(large) },
        { name: 'small.gif', content: Uint8Array.from(gif) },
        { name: 'bomb.png', content: Uint8Array.from(bomb) },
        { name: 'text.png', content: 'Not a picture.' },
      ],
      { conversation },
    )
    expect(results.map(({ code }) => code)).toEqual([undefined, undefined, 'too_large', 'corrupt'])
    const attachments = results.flatMap(({ doc_id }) => doc_id ?? [])
    const ask = async (body: object) => {
      const headers = { 'content-type': 'application/json' }
      const asked = { conversation_id: conversation, question: 'What is this?', ...body }
      const response = await app.fetch('/chat/stream', {
        method: 'POST',
        headers,
        body: JSON.stringify(asked),
      })
      return (await collectEvents(response)).at(-1)?.data
    }
    type Sent = { messages: { images?: string[]; content: string | { type: string }[] }[] }
    const local = () => ollama.requestsTo('/api/chat').at(-1)?.body as Sent

    expect(await ask({ model: 'llava:7b', attachments })).toMatchObject({ images: 2 })
    const [first, second] = local().messages.at(-1)?.images ?? []
    expect(pictureFormat(Buffer.from(first ?? '', 'base64'))).toMatchObject({
      type: 'png',
      width: 1024,
      height: 512,
    })
    expect(pictureFormat(Buffer.from(second ?? '', 'base64'))).toMatchObject({
      type: 'png',
      width: 2,
      height: 2,
    })
    expect(await ask({ model: 'llava:7b' })).toMatchObject({ images: 2 })
    expect(local().messages.map(({ images = [] }) => images.length)).toEqual([0, 2, 0, 0])
    const blind = { images: 0, images_left_out: 'no_vision' }
    expect(await ask({ model: 'llama3.2:1b', attachments })).toMatchObject(blind)
    expect((await listMessages(app, conversation)).at(-1)).toMatchObject(blind)

    const elsewhere = {
      conversation_id: conversation,
      question: 'And this?',
      model: 'openai/gpt-4o',
      attachments,
    }
    expect(await app.post('/chat/ask', elsewhere)).toMatchObject({
      status: 409,
      body: { error: { code: 'images_need_permission', details: { provider: 'openai' } } },
    })
    const sent = () => JSON.stringify(remote.requests.map(({ body }) => body))
    expect(sent()).not.toContain('And this?')
    expect(await ask({ ...elsewhere, images_to: '' })).toMatchObject({
      images: 0,
      images_left_out: 'not_allowed',
    })
    expect((await app.post('/chat/ask', { ...elsewhere, images_to: 'another' })).status).toBe(409)
    expect(sent()).not.toContain('image_url')
    expect(await ask({ ...elsewhere, images_to: 'openai' })).toMatchObject({
      provider: 'openai',
      remote: true,
    })
    expect(sent()).toContain('data:image/png;base64,')

    // Pages of sources are also sent as pictures, by the same rule.
    const chart = placedPdf([[{ x: 60, y: 700, text: 'Newts found per pond in spring.' }]], {
      hasFigure: true,
    })
    await uploadFiles(app, [{ name: 'newts.pdf', content: Uint8Array.from(chart) }])
    const newts = async (more: object) => {
      const { id } = await createConversation(app, 'local')
      return await ask({ conversation_id: id, question: 'How many newts per pond in spring?', ...more })
    }
    expect(await newts({ model: 'llava:7b' })).toMatchObject({ page_images: 1 })
    const { images: [page] = [], content } = local().messages.at(-1) ?? {}
    expect(content).toMatch(/^Picture 1 shows the page of passage \[1\]\./)
    expect(pictureFormat(Buffer.from(page ?? '', 'base64'))).toMatchObject({ type: 'jpg', height: 1024 })
    expect(await newts({ model: 'llama3.2:1b' })).not.toHaveProperty('page_images')
    expect(await newts({ model: 'openai/gpt-4o' })).not.toHaveProperty('page_images')
    expect(sent()).not.toContain('data:image/jpeg')
    expect(await newts({ model: 'openai/gpt-4o', images_to: 'openai' })).toMatchObject({ page_images: 1 })
    expect(sent()).toContain('data:image/jpeg')
  })
})
