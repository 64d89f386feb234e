// The server of bench/runs.ts; its argument is its settings as JSON. /run uses the run log, /plain pipes the model's stream into the response.
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { setTimeout as pause } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import type { FastifyRequest } from 'fastify'
import { readConfig } from '../server/config.ts'
import { openDatabase } from '../server/db/index.ts'
import { createHttp } from '../server/http/index.ts'
import { sendRun } from '../server/http/sse.ts'
import { createLog } from '../server/log.ts'
import { runs as createRuns, type RunContext, runRoutes } from '../server/runs/index.ts'

export type ServerSettings = {
  name: string
  dir: string
  url?: string
  port: number
  upstream: string
  user: string
}
/** The length and pace of an answer, by the model or by the server itself. */
export type AnswerSettings = { tokens: number; everyMs: number }

const settings = JSON.parse(process.argv[2] ?? '') as ServerSettings
const log = createLog('error')
const database = await openDatabase({ dir: settings.dir, url: settings.url, log })
const runs = createRuns({ database, log, nodeId: settings.name, graceMs: 0 })

const requestModel = async ({ tokens, everyMs }: AnswerSettings, signal: AbortSignal) =>
  fetch(`${settings.upstream}/?tokens=${tokens}&everyMs=${everyMs}`, { signal })

const merge = (first: Record<string, unknown>, second: Record<string, unknown>) => ({
  token: `${String(first['token'])}${String(second['token'])}`,
})
const close = async () => ({ event: 'ended' })

runs.register<AnswerSettings>('answer', {
  async work({ run, signal, emit }) {
    const response = await requestModel(run.input, signal)
    const received: string[] = []
    const parser = createParser({ onEvent: ({ data }) => received.push(data) })
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      parser.feed(decoder.decode(bytes, { stream: true }))
      for (const data of received.splice(0))
        if (data !== '[DONE]') await emit(JSON.parse(data) as Record<string, unknown>)
    }
    return { event: { event: 'complete' } }
  },
  merge,
  close,
})

async function talk({ run, signal, emit }: RunContext<AnswerSettings>) {
  const startedAt = performance.now()
  for (let i = 0; i < run.input.tokens && !signal.aborted; i++) {
    const waitMs = startedAt + i * run.input.everyMs - performance.now()
    if (waitMs > 0) await pause(waitMs, undefined, { signal })
    await emit({ token: ` word@${process.hrtime.bigint()}` })
  }
  return { event: { event: 'complete' } }
}
runs.register<AnswerSettings>('talk', { work: talk, close })
runs.register<AnswerSettings>('talk-merged', { work: talk, merge, close })

const caller = { userId: settings.user, isAdmin: false, aveeId: null, via: 'session' } as const
const http = await createHttp({
  config: readConfig({ PORT: `${settings.port}` }),
  log,
  identity: {
    mode: async () => 'personal',
    owner: async () => caller,
    byToken: async () => caller,
    visitor: async () => undefined,
  },
  readiness: async () => {
    throw new Error('unused')
  },
})
await http.register(runRoutes({ runs, visibleScopes: async (_, scopes) => new Set(scopes) }))

const settingsOf = (request: FastifyRequest): AnswerSettings => {
  const { tokens, everyMs } = request.query as Record<string, string>
  return { tokens: Number(tokens), everyMs: Number(everyMs) }
}
const start = async (kind: string, request: FastifyRequest) =>
  runs.start({ kind, userId: settings.user, input: settingsOf(request) })

http.post('/run', async (request, reply) => {
  const { run } = await start('answer', request)
  await sendRun(request, reply, runs, run)
})
http.post<{ Params: { kind: string } }>('/start/:kind', async (request) => {
  const { run } = await start(request.params.kind, request)
  return { id: run.id }
})
http.post('/plain', async (request, reply) => {
  const disconnect = new AbortController()
  reply.raw.on('close', () => disconnect.abort())
  const { body } = await requestModel(settingsOf(request), disconnect.signal)
  reply.hijack()
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  reply.raw.flushHeaders()
  if (body)
    Readable.fromWeb(body as ReadableStream)
      .on('error', () => {})
      .pipe(reply.raw)
})
http.get('/figures', async () => {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    ...runs.stats(),
    rss,
    heap: heapUsed + external,
    cpuMs: (user + system) / 1000,
    at: performance.now(),
  }
})

await http.listen({ host: '127.0.0.1', port: settings.port })
await runs.open()
process.send?.({ ready: true })
