import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAvee, createConversation, listMessages, registerUser } from '../builders.ts'
import { type ScriptedServer, startOllama, startOpenAi } from '../model-servers.ts'
import { createPdf } from '../pdf.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import { eventsOf, renderedEventsOf, runShell } from './curl.ts'

type Models = {
  name: string
  start(): Promise<{ upstream?: ScriptedServer; settings: Record<string, string> }>
}

const setups: Models[] = [
  {
    name: 'Ollama',
    async start() {
      const upstream = await startOllama()
      return { upstream, settings: { OLLAMA_BASE_URL: upstream.url } }
    },
  },
  {
    name: 'an OpenAI-compatible service',
    async start() {
      const upstream = await startOpenAi({ apiKey: 'sk-test' })
      return { upstream, settings: { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'sk-test' } }
    },
  },
  { name: 'no model at all', start: async () => ({ settings: {} }) },
]

// The command lines of the original specification, unchanged except for ports and ids.
describe.each(setups)('the original curl lines with $name', ({ name, start }) => {
  const isWithoutModel = name === 'no model at all'
  let server: ServerProcess
  let upstream: ScriptedServer | undefined
  let folder: string

  beforeAll(async () => {
    const models = await start()
    upstream = models.upstream
    server = await startServer(models.settings)
    folder = await mkdtemp(path.join(tmpdir(), 'gabee-curl-'))
    const pages = [
      'The harbour of Vellmar opens at dawn.',
      'The lighthouse keeper of Vellmar is Ottilie Brandt.',
    ]
    await writeFile(path.join(folder, 'test.pdf'), createPdf(pages))
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (line: string, variables: Record<string, string> = {}) =>
    runShell(line, { folder, URL: server.url, ...variables })

  test('the server is healthy', async () => {
    expect(await run('curl $URL/health')).toBe('{"ok":true}')
  })

  test('an upload streams its progress and its result', async () => {
    const events = eventsOf(
      await run('curl -X POST $URL/api/documents/upload -F "files=@test.pdf" --no-buffer'),
    )
    expect(events[0]).toEqual({ message: 'Processing test.pdf...' })
    expect(events.at(-2)).toMatchObject({ result: { success: true, filename: 'test.pdf', pages: 2 } })
    expect(events.at(-1)).toEqual({ done: true, total_documents: 1 })
  })

  const chat = (body: string) =>
    run(`curl -X POST $URL/api/chat -H "Content-Type: application/json" -d '${body}' --no-buffer`)

  test('/api/chat answers without documents with use_rag: false', async () => {
    const events = renderedEventsOf(await chat('{"message": "Hello", "use_rag": false}'))
    const text = events.map(({ content }) => content ?? '').join('')
    expect(text).toMatch(isWithoutModel ? /no language model/i : /You said: Hello/)
    expect(events.some((event) => 'sources' in event)).toBe(false)
    expect(events.at(-1)).toMatchObject({ done: true })
  })

  test('/api/chat answers from the uploaded document and names the page', async () => {
    const question = 'Who is the lighthouse keeper of Vellmar?'
    const events = renderedEventsOf(await chat(JSON.stringify({ message: question, use_rag: true })))
    expect(events.map(({ content }) => content ?? '').join('')).toContain('Ottilie Brandt')
    const sources = events.flatMap(
      (event) => (event['sources'] as { filename: string; page: number }[]) ?? [],
    )
    expect(sources[0]).toMatchObject({ filename: 'test.pdf', page: 2 })
    expect(events.at(-1)).toMatchObject({ done: true })
  })

  test('a model download streams Ollama’s progress, or an error without Ollama', async () => {
    const printed = await run(
      `curl -X POST $URL/api/models/pull -H "Content-Type: application/json" -d '{"model": "llama3.2:1b"}' --no-buffer`,
    )
    if (name === 'Ollama') {
      const events = eventsOf(printed)
      expect(events[0]).toEqual({ status: 'pulling manifest' })
      expect(events[1]).toMatchObject({ digest: expect.stringMatching(/^sha256:/), total: 1_000_000 })
      expect(events.at(-1)).toEqual({ status: 'success' })
    } else {
      expect(printed).toMatch(/"error".*Ollama/)
    }
  })

  const stream = (token: string, conversation: string, question: string) =>
    run(
      `curl -N -X POST -H "Authorization: Bearer $TOKEN" "$URL/chat/stream?conversation_id=$CONV_ID&question=${question}"`,
      { TOKEN: token, CONV_ID: conversation },
    )

  test('an avee’s answer is stored as streamed', async () => {
    await createAvee(server, { handle: 'ada', persona: 'Speaks like a sailor.' })
    const conversation = await createConversation(server, 'ada')
    const events = eventsOf(await stream('', conversation.id, 'Hello'))
    const start = events[0] ?? {}
    expect(Object.keys(start).slice(0, 2)).toEqual(['event', 'model'])
    expect(start).toMatchObject({ event: 'start', model: expect.any(String) })
    const complete = events.at(-1) ?? {}
    expect(Object.keys(complete).slice(0, 3)).toEqual(['event', 'message_id', 'total_tokens'])
    expect(complete).toMatchObject({ event: 'complete', message_id: start['message_id'] })
    const text = events.map(({ token }) => token ?? '').join('')
    expect(text).not.toBe('')
    const [question, answer] = await listMessages(server, conversation.id)
    expect(question).toMatchObject({ role: 'user', content: 'Hello' })
    expect(answer).toMatchObject({ role: 'assistant', content: text, status: 'complete' })
  })

  test('requests need a token once there are accounts', async () => {
    const { client, session } = await registerUser(server)
    const conversation = await createConversation(client, 'ada')
    const events = eventsOf(await stream(session.token, conversation.id, 'test'))
    expect(events.at(-1)).toMatchObject({ event: 'complete' })
    expect(JSON.parse(await stream('', conversation.id, 'test'))).toMatchObject({
      error: { code: 'not_signed_in' },
    })
  })
})
