// The server of bench/runs.ts, its settings its one argument: /run answers through the log, /plain pipes the model's answer into the response.
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
import { type RunContext, runRoutes, runs as runsRoom } from '../server/runs/index.ts'

export type ServerSettings = {
  name: string
  dir: string
  url?: string
  port: number
  upstream: string
  user: string
}
/** What is asked of the model, or said by the server itself at this pace. */
export type Asked = { tokens: number; everyMs: number }

const settings = JSON.parse(process.argv[2] ?? '') as ServerSettings
const log = createLog('error')
const database = await openDatabase({ dir: settings.dir, url: settings.url, log })
const runs = runsRoom({ database, log, nodeId: settings.name, graceMs: 0 })

const ask = async ({ tokens, everyMs }: Asked, signal: AbortSignal) =>
  fetch(`${settings.upstream}/?tokens=${tokens}&everyMs=${everyMs}`, { signal })

/** Two tokens of one commit are one event that names both moments. */
const merge = (first: Record<string, unknown>, second: Record<string, unknown>) => ({
  token: `${String(first['token'])}${String(second['token'])}`,
  at: `${String(first['at'])},${String(second['at'])}`,
})
const close = async () => ({ event: 'ended' })

runs.register<Asked>('answer', {
  async work({ run, signal, emit }) {
    const response = await ask(run.input, signal)
    const said: string[] = []
    const parser = createParser({ onEvent: ({ data }) => said.push(data) })
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      parser.feed(decoder.decode(bytes, { stream: true }))
      for (const data of said.splice(0))
        if (data !== '[DONE]') await emit(JSON.parse(data) as Record<string, unknown>)
    }
    return { event: { event: 'complete' } }
  },
  merge,
  close,
})

async function talk({ run, signal, emit }: RunContext<Asked>) {
  const begun = performance.now()
  for (let i = 0; i < run.input.tokens && !signal.aborted; i++) {
    const wait = begun + i * run.input.everyMs - performance.now()
    if (wait > 0) await pause(wait, undefined, { signal })
    await emit({ token: ' word', at: String(process.hrtime.bigint()) })
  }
  return { event: { event: 'complete' } }
}
runs.register<Asked>('talk', { work: talk, close })
runs.register<Asked>('talk-merged', { work: talk, merge, close })

const caller = { userId: settings.user, isAdmin: false, aveeId: null, via: 'session' } as const
const http = await createHttp({
  config: readConfig({ PORT: `${settings.port}` }),
  log,
  identity: { mode: async () => 'personal', owner: async () => caller, byToken: async () => caller },
  readiness: async () => {
    throw new Error('not asked')
  },
})
await http.register(runRoutes({ runs }))

const askedIn = (request: FastifyRequest): Asked => {
  const { tokens, everyMs } = request.query as Record<string, string>
  return { tokens: Number(tokens), everyMs: Number(everyMs) }
}
const start = async (kind: string, request: FastifyRequest) =>
  runs.start({ kind, userId: settings.user, input: askedIn(request) })

http.post('/run', async (request, reply) => {
  const { run } = await start('answer', request)
  await sendRun(request, reply, runs, run)
})
http.post<{ Params: { kind: string } }>('/start/:kind', async (request) => {
  const { run } = await start(request.params.kind, request)
  return { id: run.id }
})
http.post('/plain', async (request, reply) => {
  const left = new AbortController()
  reply.raw.on('close', () => left.abort())
  const { body } = await ask(askedIn(request), left.signal)
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
