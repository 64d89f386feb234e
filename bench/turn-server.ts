/**
 * A whole server for bench/runs.ts; its argument is its settings as JSON. A second port serves /plain/v1/chat/completions, which pipes
 * the model's stream into the response, /figures, and /idle, which responds when no job is due.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import pg from 'pg'
import { createApp } from '../server/app.ts'
import { readConfig } from '../server/config.ts'
import type { ServerSettings } from './runs-server.ts'

const settings = JSON.parse(process.argv[2] ?? '') as ServerSettings & { plainPort: number }

let statements = 0
const { query } = pg.Client.prototype
pg.Client.prototype.query = function count(this: pg.Client, ...statement: unknown[]) {
  statements += 1
  return Reflect.apply(query, this, statement) as unknown
} as typeof query

const app = await createApp(
  readConfig({
    HOST: '127.0.0.1',
    PORT: `${settings.port}`,
    DATA_DIR: settings.dir,
    ...(settings.url && { DATABASE_URL: settings.url }),
    OPENAI_BASE_URL: `${settings.upstream}/v1`,
    OLLAMA_BASE_URL: settings.upstream,
    REGISTRATION: 'open',
    BACKGROUND_MODEL_CALLS: 'off',
    LIMIT_QUESTIONS_PER_MINUTE: '0',
    LOG_LEVEL: 'error',
  }),
)

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/figures') {
    const { user, system } = process.cpuUsage()
    const figures = { ...app.runs.stats(), statements, cpuMs: (user + system) / 1000, at: performance.now() }
    response.end(JSON.stringify(figures))
  } else if (request.url === '/idle') {
    await app.jobs.idle()
    response.end('{}')
  } else {
    const { body } = await fetch(`${settings.upstream}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(await json(request)),
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    if (body) Readable.fromWeb(body as ReadableStream).pipe(response)
  }
}

createServer((request, response) => void respond(request, response)).listen(settings.plainPort, '127.0.0.1')
await app.listen()
process.send?.({ ready: true })
