import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatModel } from '../../server/models/index.ts'
import { ANY_DATABASE } from '../databases.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { openCluster, type TestCluster } from '../runs/cluster.ts'
import { type ModelsServer, openModelsServer } from './server.ts'

const { signal } = new AbortController()
const grounding = { question: '', passages: [], answerable: null }
const requestFor = (content: string) => ({ messages: [{ role: 'user' as const, content }], grounding })

async function readAnswer(model: ChatModel, content: string, stop: AbortSignal): Promise<string> {
  let text = ''
  for await (const part of model.stream(requestFor(content), stop))
    if (part.type === 'text') text += part.text
  return text
}

describe('background calls to a model server', () => {
  let ollama: ScriptedOllama
  let store: TestCluster
  let server: ModelsServer
  beforeAll(async () => {
    ollama = await startOllama({ strict: true })
    store = await openCluster(ANY_DATABASE)
    server = await openModelsServer(store, {
      ollamaBaseUrl: ollama.url,
      schedulerTimings: { idleMs: 1, initialBackoffMs: 1 },
    })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await store.close()
    await ollama[Symbol.asyncDispose]()
  })

  test('are preempted by an answer and restarted afterwards', async () => {
    ollama.script('/api/chat', { fault: 'stall', afterTokens: 1, tokens: ['A ', 'title'] })
    const { promise: started, resolve: markStarted } = Promise.withResolvers<void>()
    const title = server.models.runInBackground({ signal }, async (model, stop) => {
      let text = ''
      for await (const part of model.stream(requestFor('Title?'), stop)) {
        if (part.type !== 'text') continue
        text += part.text
        markStarted()
      }
      return text
    })
    await started
    const [first] = ollama.requestsTo('/api/chat')

    ollama.script('/api/chat', { tokens: ['An ', 'answer'] }, { tokens: ['A ', 'title'] })
    const { model } = await server.models.selectModel({ signal })
    expect(await readAnswer(model, 'Question?', signal)).toBe('An answer')
    await first?.closed
    expect(first?.closedEarly).toBe(true)
    expect(await title).toBe('A title')
    const asked = ollama
      .requestsTo('/api/chat')
      .map(({ body }) => (body['messages'] as { content: string }[])[0]?.content)
    expect(asked).toEqual(['Title?', 'Question?', 'Title?'])
    expect(server.models.backgroundStats()).toEqual({ waiting: 0, working: 0, preempted: 1 })
  })

  test('embed passages while the server is idle, and questions at once', async () => {
    const embedder = await server.models.embedder(signal)
    if (!embedder) throw new Error('No embedding model was found.')
    ollama.script('/api/chat', { tokens: ['One', ' two'] })
    ollama.always('/api/embed', {})
    const { model } = await server.models.selectModel({ signal })
    const answer = model.stream(requestFor('Count!'), signal)
    expect(await answer.next()).toMatchObject({ value: { type: 'text' } })
    const passages = embedder.embed(['a passage'], 'passage', signal)
    expect(await embedder.embed(['a question'], 'query', signal)).toHaveLength(1)
    expect(ollama.requestsTo('/api/embed')).toHaveLength(1)
    await answer.return(undefined)
    expect(await passages).toHaveLength(1)
    expect(ollama.requestsTo('/api/embed')).toHaveLength(2)
  })

  test('are skipped without a language model', async () => {
    const installed = ollama.models.splice(0)
    await using other = await openModelsServer(store, { ollamaBaseUrl: ollama.url })
    const work = async () => 'never'
    expect(await other.models.runInBackground({ signal }, work)).toBeUndefined()
    ollama.models.push(...installed)
  })
})
