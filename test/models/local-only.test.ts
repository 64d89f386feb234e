import { describe, expect, test } from 'vitest'
import type { Avee } from '../../contract/avees.ts'
import type { Conversation } from '../../contract/conversations.ts'
import type { Message } from '../../contract/messages.ts'
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
import { collectEvents, type ReceivedEvent, readEvents, textOf } from '../events.ts'
import { startOllama, startOpenAi } from '../model-servers.ts'

type Failure = { error: { code: string; message: string } }

describe('local-only conversations and avees', () => {
  test('reach no service outside the private network: chat, embedding, reranking and background work', async () => {
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

  test('a waiting question is not sent once its conversation or avee becomes local only', async () => {
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
    /** Asks a question that waits in the queue until `change` has been made, and returns its later events. */
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
