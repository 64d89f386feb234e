import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatEvents, type Protocol, protocolRenderer } from '../../server/chat/events.ts'
import { localchatProtocol } from '../../server/gateways/localchat/index.ts'
import { ollamaProtocol } from '../../server/gateways/ollama/index.ts'
import { openaiProtocol } from '../../server/gateways/openai/index.ts'
import type { EventBody } from '../../server/runs/index.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  askStream,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
  uploadFiles,
} from '../builders.ts'
import type { TestClient } from '../client.ts'
import { ONE_DATABASE } from '../databases.ts'
import { readEvents } from '../events.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import { startServer } from '../server-process.ts'

const formats = ['gabee', 'localchat', 'openai', 'ollama'] as const
type Format = (typeof formats)[number]
const protocols: Record<Exclude<Format, 'gabee'>, Protocol> = {
  localchat: localchatProtocol,
  openai: openaiProtocol('http://localhost'),
  ollama: ollamaProtocol,
}

type SseFrame = { data: string; id: number | undefined }

const parseFrames = (text: string): SseFrame[] =>
  text
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.startsWith(':'))
    .map((frame) => {
      const [, data = '', id] = /^data: (.*)(?:\nid: (\d+))?$/.exec(frame) ?? []
      return { data, id: id === undefined ? undefined : Number(id) }
    })

/** The body of a frame in any of the formats. */
type Json = Record<string, unknown> & {
  token?: string
  content?: string
  choices?: { delta: { role?: string; content?: string }; finish_reason: string | null }[]
  message?: { content?: string }
  usage?: { prompt_tokens: number | null; completion_tokens: number | null }
  citations?: { passage: number; document_id: string; score: number; text: string }[]
}

const bodiesOf = (frames: SseFrame[]): Json[] =>
  frames.flatMap(({ data }) => (data === '[DONE]' ? [] : [JSON.parse(data) as Json]))

/** Returns the text of the answer in one frame of a format. */
const textIn: Record<Format, (body: Json) => string> = {
  gabee: (body) => body.token ?? '',
  localchat: (body) => body.content ?? '',
  openai: (body) => body.choices?.[0]?.delta.content ?? '',
  ollama: (body) => body.message?.content ?? '',
}
const textOf = (format: Format, frames: SseFrame[]) => bodiesOf(frames).map(textIn[format]).join('')

const readFrames = async (client: TestClient, run: string, format?: Format, after = 0) => {
  const query = new URLSearchParams({ after: `${after}`, ...(format && { format }) })
  const response = await client.fetch(`/runs/${run}/events?${query}`)
  return { status: response.status, frames: parseFrames(await response.text()) }
}

const postChat = (client: TestClient, body: object) => post(client, '/api/chat', body)

const post = (client: TestClient, path: string, body: object) =>
  client.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const runOf = (response: Response) => response.headers.get('x-run-id') ?? ''

for (const kind of ONE_DATABASE) {
  describe(`the formats of an answer on ${kind}`, () => {
    let ollama: ScriptedOllama
    let app: TestApp
    let user: TestUser
    beforeAll(async () => {
      ollama = await startOllama()
      app = await startApp({ OLLAMA_BASE_URL: ollama.url }, kind)
      user = await registerUser(app)
      const content = 'A loom in the north hall weaves blue cloth every day.'
      await uploadFiles(user.client, [{ name: 'looms.txt', content }])
    })
    afterAll(async () => {
      await app[Symbol.asyncDispose]()
      await ollama[Symbol.asyncDispose]()
    })

    /** Asks through /api/chat and returns the finished run. */
    async function answer(script: Parameters<ScriptedOllama['script']>[1]): Promise<string> {
      ollama.script('/api/chat', { delayMs: 2, ...script })
      const response = await postChat(user.client, {
        message: 'What does the loom in the north hall weave?',
      })
      await response.text()
      return runOf(response)
    }

    test('renders one answer in each protocol with the same event numbers', async () => {
      const run = await answer({ tokens: ['Blue ', 'cloth ', '[1].'] })
      const read = async (format: Format) => (await readFrames(user.client, run, format)).frames

      const gabee = await read('gabee')
      const last = gabee.length
      expect(gabee.map(({ id }) => id)).toEqual(gabee.map((_, index) => index + 1))
      const [start, ...events] = bodiesOf(gabee)
      const complete = events.at(-1)
      expect(start).toMatchObject({ event: 'start', model: 'llama3.2:1b', run_id: run })
      expect(complete).toMatchObject({ event: 'complete', finish_reason: 'stop' })

      const [citation] = complete?.citations ?? []

      const localchat = await read('localchat')
      const done = bodiesOf(localchat).at(-1)
      expect(localchat.map(({ id }) => id)).toEqual([
        ...gabee.slice(1, -1).map(({ id }) => id),
        undefined,
        last,
      ])
      expect(bodiesOf(localchat).at(-2)).toEqual({
        sources: [
          {
            filename: 'looms.txt',
            page: null,
            passage: citation?.passage,
            document_id: citation?.document_id,
            score: citation?.score,
            n: 1,
            text: citation?.text,
            cited: true,
          },
        ],
      })
      expect(done).toEqual({
        done: true,
        conversation_id: start?.['conversation_id'],
        message_id: start?.['message_id'],
        model_used: 'llama3.2:1b',
        total_tokens: complete?.['total_tokens'],
        usage: complete?.usage,
        finish_reason: 'stop',
      })

      const openai = await read('openai')
      const chunks = bodiesOf(openai)
      expect(openai.at(-1)).toEqual({ data: '[DONE]', id: last })
      expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([`chatcmpl-${run}`]))
      for (const chunk of chunks)
        expect(chunk).toMatchObject({ object: 'chat.completion.chunk', model: 'llama3.2:1b' })
      expect(chunks[0]?.choices?.[0]?.delta).toEqual({ role: 'assistant', content: '' })
      expect(chunks.at(-2)?.choices?.[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { completion_tokens: complete?.usage?.completion_tokens },
      })

      const objects = bodiesOf(await read('ollama'))
      for (const object of objects)
        expect(object).toMatchObject({ model: 'llama3.2:1b', message: { role: 'assistant' } })
      expect(objects.map((object) => object['done'])).toEqual(
        objects.map((_, index) => index === objects.length - 1),
      )
      expect(objects.at(-1)).toMatchObject({
        done_reason: 'stop',
        eval_count: complete?.usage?.completion_tokens,
      })
    })

    test('resumes after every event in every format', async () => {
      const run = await answer({ tokens: ['Blue ', 'and ', 'red ', 'cloth ', '[1].'] })
      const last = (await readFrames(user.client, run, 'gabee')).frames.length
      for (const format of formats) {
        const { frames } = await readFrames(user.client, run, format)
        for (let after = 0; after < last; after++) {
          const received = frames.findLastIndex(({ id }) => id !== undefined && id <= after) + 1
          const rest = await readFrames(user.client, run, format, after)
          expect(rest, `${format} after ${after}`).toEqual({ status: 200, frames: frames.slice(received) })
        }
        expect((await readFrames(user.client, run, format, last)).status).toBe(204)
      }
    })

    test('reads an answer in the protocol it was asked in unless the reader names another', async () => {
      const run = await answer({ tokens: ['Blue.'] })
      expect(await readFrames(user.client, run)).toEqual(await readFrames(user.client, run, 'localchat'))
      const { id } = await createConversation(user.client, 'local')
      const response = await askStream(user.client, id, 'Hello')
      const streamed = parseFrames(await response.text())
      expect((await readFrames(user.client, runOf(response))).frames).toEqual(streamed)
      expect((await readFrames(user.client, runOf(response), 'gabee')).frames).toEqual(streamed)
    })

    test('ends a failed and a stopped answer in every format', async () => {
      const failed = await answer({ tokens: ['Blue ', 'cloth'], fault: 'cut', afterTokens: 1 })
      const last = async (run: string, format: Format) =>
        (await readFrames(user.client, run, format)).frames.at(-1)?.data ?? ''
      const { error } = JSON.parse(await last(failed, 'gabee')) as {
        error: { code: string; message: string }
      }
      expect(JSON.parse(await last(failed, 'localchat'))).toMatchObject({
        error,
        message: error.message,
        done: true,
      })
      expect(JSON.parse(await last(failed, 'openai'))).toEqual({
        error: { message: error.message, type: 'server_error', param: null, code: error.code },
      })
      expect(JSON.parse(await last(failed, 'ollama'))).toEqual({ error: error.message })

      ollama.script('/api/chat', { tokens: ['One '], fault: 'stall', afterTokens: 1 })
      const response = await postChat(user.client, { message: 'Count!' })
      for await (const { data } of readEvents(response))
        if (data['content']) await user.client.delete(`/runs/${runOf(response)}`)
      const stopped = runOf(response)
      expect(JSON.parse(await last(stopped, 'localchat'))).toMatchObject({ event: 'stopped', done: true })
      expect(await last(stopped, 'openai')).toBe('[DONE]')
      expect(JSON.parse(await last(stopped, 'ollama'))).toMatchObject({ done: true, done_reason: 'stop' })
    })

    test('returns 400 for a format that a run does not have', async () => {
      const run = await answer({ tokens: ['Blue.'] })
      for (const format of ['xml', '', 'constructor']) {
        const response = await user.client.fetch(`/runs/${run}/events?format=${format}`)
        expect(response.status, format).toBe(400)
        expect(await response.json()).toMatchObject({ error: { code: 'unknown_format' } })
      }
      const { runs } = (await user.client.get<{ runs: { id: string; kind: string }[] }>('/runs')).body
      const upload = runs.find((other) => other.kind !== 'chat')?.id
      expect((await user.client.fetch(`/runs/${upload}/events?format=openai`)).status).toBe(400)
      expect((await user.client.fetch(`/runs/${upload}/events?format=gabee`)).status).toBe(200)
    })
  })

  test(`on ${kind}, readers in every format resume exactly after the server is killed`, async () => {
    await using ollama = await startOllama()
    await using server = await startServer({ OLLAMA_BASE_URL: ollama.url }, kind)
    const { client } = await registerUser(server)
    const tokens = Array.from({ length: 12 }, (_, index) => `word-${index} `)
    const asks = [
      { format: 'localchat', path: '/api/chat', body: { message: 'Count!' } },
      ...['avee/local', 'llama3.2:1b'].map((model) => ({
        format: 'openai' as const,
        path: '/v1/chat/completions',
        body: { model, messages: [{ role: 'user', content: 'Count!' }], stream: true },
      })),
    ] as const
    const script = (...answers: object[]) => {
      for (const _ of asks) ollama.script('/api/chat', ...answers)
    }
    script({ tokens, delayMs: 10, fault: 'stall', afterTokens: 6 })
    const streams = await Promise.all(
      asks.map(async ({ path, body }) => {
        const response = await post(client, path, body)
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
        let text = ''
        while (!text.includes('word-5')) text += (await reader?.read())?.value ?? ''
        return { run: runOf(response), reader, received: parseFrames(text) }
      }),
    )
    script({ tokens: tokens.slice(6) })
    await server.kill()
    for (const { reader } of streams) await reader?.cancel().catch(() => undefined)
    await server.restart()
    for (const [i, { run, received }] of streams.entries()) {
      const after = received.at(-1)?.id ?? 0
      const asked = asks[i]?.format
      const resumed = await readFrames(client, run, asked, after)
      const whole = await readFrames(client, run)
      expect([...received, ...resumed.frames]).toEqual(whole.frames)
      for (const format of formats) {
        const { frames } = await readFrames(client, run, format)
        expect(textOf(format, frames), `${asked} as ${format}`).toBe(tokens.join(''))
        const rest = await readFrames(client, run, format, after)
        expect(frames.slice(-rest.frames.length), format).toEqual(rest.frames)
      }
      if (asked !== 'localchat') continue
      const { conversation_id } = bodiesOf(whole.frames).at(-1) as { conversation_id: string }
      const [, answer] = await listMessages(client, conversation_id)
      expect(answer?.content).toBe(tokens.join(''))
    }
  }, 120_000)
}

test('every format has the same text, however the log is divided into tokens', () => {
  const answer = {
    runId: 'run',
    conversationId: 'conversation',
    messageId: 'message',
    model: '',
    createdAt: new Date(0),
  }
  const start: ChatEvents['start'] = {
    event: 'start',
    model: 'llama3.2:1b',
    run_id: 'run',
    message_id: 'message',
    user_message_id: 'question',
    conversation_id: 'conversation',
    layer_used: 'public',
    provider: 'ollama',
    model_reason: '',
  }
  const complete: ChatEvents['complete'] = {
    event: 'complete',
    message_id: 'message',
    total_tokens: 1,
    usage: { prompt_tokens: null, completion_tokens: 1 },
    finish_reason: 'stop',
    citations: [],
    memories: [],
  }
  const between = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((token) => ({ token })),
    fc.constant({ event: 'waiting', message: 'The model is loading.' }),
    fc.constant({ event: 'resumed', attempt: 2 }),
  )
  fc.assert(
    fc.property(fc.array(between), (middle) => {
      const log: EventBody[] = [start, ...middle, complete]
      const expected = log.map((event) => textIn.gabee(event as Json)).join('')
      for (const [format, protocol] of Object.entries(protocols)) {
        const render = protocolRenderer(protocol, answer)
        const frames = log.flatMap((event) => render(event))
        const text = frames.map((frame) =>
          typeof frame === 'string' ? '' : textIn[format as Format](frame as Json),
        )
        expect(text.join('')).toBe(expected)
      }
    }),
  )
})
