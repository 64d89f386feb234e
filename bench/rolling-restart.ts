/**
 * Restarts two servers behind a proxy while answers stream, and checks that no reader loses or repeats an event.
 *
 *     npm run rolling-restart -- [--proxy nginx,caddy] [--answers 200] [--url postgres://user@host/postgres]
 *
 * The proxies run with deploy/nginx.conf and deploy/Caddyfile, with other addresses and certificate paths; Debian has
 * packages of both. Without a URL, a temporary PostgreSQL server is started. Each client asks one question at a time
 * until all restarts are done: SIGTERM to the first server, SIGTERM to the second, SIGKILL to the first. A client
 * repeats a question with its idempotency key until a server accepts it, and resumes a stream after the last event
 * received. The exit code is 1 if a check fails.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createParser } from 'eventsource-parser'
import pg from 'pg'
import { Agent, fetch } from 'undici'
import { findProgram } from '../scripts/services/find.ts'
import { freePort, startServices } from '../scripts/services/start.ts'
import { newId } from '../server/db/index.ts'
import { fixed, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: {
    proxy: { type: 'string', default: 'nginx,caddy' },
    answers: { type: 'string', default: '200' },
    url: { type: 'string' },
  },
})
const clients = Number(values.answers)
const root = fileURLToPath(new URL('..', import.meta.url))
/** 30 tokens, one every 2 s. */
const model = 'tokens-30-2000'
/** Longer than the interval at which Caddy checks the servers. */
const delayMs = 6_000
const graceMs = 5_000
/** A reader reconnects after this time without data; the server sends a comment every 15 s. */
const silenceMs = 40_000

function assert(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(problem)
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** Starts `server/main.ts` on a port; `start` restarts it. */
function createServer(dir: string, port: number, settings: Record<string, string>) {
  let child: ChildProcess | undefined
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
    await response?.body?.cancel()
    return response?.status
  }
  return {
    port,
    async start(): Promise<void> {
      child = spawn(process.execPath, ['server/main.ts'], {
        cwd: root,
        env: {
          PATH: process.env['PATH'],
          HOST: '127.0.0.1',
          PORT: `${port}`,
          DATA_DIR: path.join(dir, `server-${port}`),
          OLLAMA_BASE_URL: 'http://127.0.0.1:9',
          BACKGROUND_MODEL_CALLS: 'off',
          LIMIT_QUESTIONS_PER_MINUTE: '0',
          REGISTRATION: 'open',
          SHUTDOWN_DELAY_MS: `${delayMs}`,
          SHUTDOWN_GRACE_MS: `${graceMs}`,
          LOG_LEVEL: 'error',
          ...settings,
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      while ((await ready()) !== 200) {
        assert(child.exitCode === null, 'A server did not start.')
        await pause(100)
      }
    },
    /** Stops the server as an upgrade does. It must first report that it is not ready while still serving. */
    async stop(): Promise<void> {
      assert(child !== undefined, 'The server was not started.')
      child.kill('SIGTERM')
      let status: number | undefined = 200
      while (status === 200) {
        await pause(20)
        status = await ready()
      }
      assert(status === 503, 'A stopping server must report 503 before it closes.')
      await once(child, 'exit')
      assert(child.exitCode === 0, `A server ended with ${child.exitCode}.`)
    },
    kill: async () => child && (await kill(child, 'SIGKILL')),
  }
}

/** Starts a proxy with its example configuration. Returns the address to open. */
async function startProxy(name: string, dir: string, ports: [number, number]) {
  const port = await freePort()
  const program = findProgram(name)
  assert(program !== undefined, `Install ${name} ("apt-get install ${name}"), or pass --proxy without it.`)
  const configuration = path.join(dir, name === 'nginx' ? 'nginx.conf' : 'Caddyfile')
  const example = await readFile(path.join(root, 'deploy', path.basename(configuration)), 'utf8')
  const replace = (text: string, changes: Record<string, string>) =>
    Object.entries(changes).reduce((changed, [from, to]) => {
      assert(changed.includes(from), `${configuration} has no ${from}.`)
      return changed.replaceAll(from, to)
    }, text)
  let args: string[]
  let url: string
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: dir }
  if (name === 'nginx') {
    url = `https://127.0.0.1:${port}`
    const certificate = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout ${dir}/privkey.pem`
    execFileSync('openssl', `${certificate} -out ${dir}/fullchain.pem`.split(' '), { stdio: 'ignore' })
    await writeFile(
      path.join(dir, 'gabee.conf'),
      replace(example, {
        '127.0.0.1:8001': `127.0.0.1:${ports[0]}`,
        '127.0.0.1:8002': `127.0.0.1:${ports[1]}`,
        'listen 443': `listen 127.0.0.1:${port}`,
        '/etc/letsencrypt/live/gabee.example.org': dir,
      }),
    )
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${dir}/${kind};`)
      .join(' ')
    await writeFile(
      configuration,
      `daemon off; pid ${dir}/nginx.pid; error_log stderr error; events { worker_connections 4096; }
      http { access_log off; ${folders} include ${dir}/gabee.conf; }`,
    )
    args = ['-c', configuration]
    execFileSync(program, ['-t', '-q', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  } else {
    url = `http://127.0.0.1:${port}`
    env['GABEE_HOST'] = url
    const servers = `127.0.0.1:${ports[0]} 127.0.0.1:${ports[1]}`
    await writeFile(
      configuration,
      `{\n\tadmin off\n}\n${replace(example, { 'gabee-1:8000 gabee-2:8000': servers })}`,
    )
    const given = ['--config', configuration, '--adapter', 'caddyfile']
    args = ['run', ...given]
    execFileSync(program, ['validate', ...given], { env, stdio: 'ignore' })
  }
  const child = spawn(program, args, { env, stdio: 'ignore' })
  return { url, stop: () => kill(child, 'SIGTERM') }
}

type Tally = {
  answers: number
  events: number
  resumed: number
  repeated: number
  delays: number[]
  gaps: number[]
}

/** A client of the proxy. */
function createClient(url: string, tally: Tally) {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: silenceMs })
  let token = ''
  const send = (
    route: string,
    { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
  ) =>
    fetch(`${url}${route}`, {
      dispatcher,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    })
  type Response = Awaited<ReturnType<typeof send>>

  /** Sends a request until a server answers it. */
  async function insist(...request: Parameters<typeof send>): Promise<Response> {
    for (;;) {
      const response = await send(...request).catch(() => undefined)
      if (response && ![502, 503, 504].includes(response.status)) {
        assert(
          response.ok,
          `${request[0]} returned ${response.status}: ${response.ok ? '' : await response.text()}`,
        )
        return response
      }
      tally.repeated += 1
      await pause(100 + Math.random() * 300)
    }
  }

  /** Reads a response into `events`, whose numbers must follow. Returns whether it had the last event. */
  async function read(response: Response, events: string[], isMeasured = true): Promise<boolean> {
    let isOver = false
    let lastAt: number | undefined
    const parser = createParser({
      onEvent({ id, data }) {
        assert(Number(id) === events.length + 1, `Event ${id} came after event ${events.length}.`)
        events.push(data)
        isOver = /^\{"(?:event":"(?:complete|stopped)"|error")/.test(data)
        if (!isMeasured) return
        const now = performance.now()
        if (lastAt !== undefined) tally.gaps.push(now - lastAt)
        lastAt = now
        const [, sentAt] = data.match(/.*@(\d+)/) ?? []
        if (sentAt) tally.delays.push(Number(process.hrtime.bigint() - BigInt(sentAt)) / 1e6)
      },
    })
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body ?? [])
        parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
    return isOver
  }

  return {
    async register(server: string): Promise<void> {
      const response = await fetch(`${server}/auth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: `${newId()}@example.org`, password: 'a good long password' }),
      })
      assert(response.ok, `/auth/register returned ${response.status}.`)
      token = ((await response.json()) as { token: string }).token
    },
    async createConversation(): Promise<string> {
      const response = await insist('/conversations', { body: { avee: 'local' } })
      return ((await response.json()) as { id: string }).id
    },
    /** Asks and reads the whole answer; then compares it with the log and the stored message. */
    async ask(conversation: string): Promise<void> {
      const body = { conversation_id: conversation, question: 'What does the keeper write?', model }
      const response = await insist('/chat/stream', { body, headers: { 'idempotency-key': newId() } })
      const run = response.headers.get('x-run-id') ?? ''
      const events: string[] = []
      let isOver = await read(response, events)
      while (!isOver) {
        tally.resumed += 1
        const headers: Record<string, string> =
          events.length > 0 ? { 'last-event-id': `${events.length}` } : {}
        isOver = await read(await insist(`/runs/${run}/events`, { headers }), events)
      }
      const log: string[] = []
      assert(await read(await insist(`/runs/${run}/events`), log, false), 'The log has no end.')
      assert(events.join('\n') === log.join('\n'), 'A reader got other events than the log has.')
      const parsed = events.map(
        (event) => JSON.parse(event) as { event?: string; token?: string; message_id?: string },
      )
      const last = parsed.at(-1)
      assert(last?.event === 'complete', `An answer ended with ${events.at(-1)}.`)
      const stored = (await (await insist(`/conversations/${conversation}/messages`)).json()) as {
        messages: { id: string; content: string }[]
      }
      const text = parsed.map(({ token = '' }) => token).join('')
      const message = stored.messages.find(({ id }) => id === last.message_id)
      assert(message?.content === text, 'The stored answer is not what the reader got.')
      tally.answers += 1
      tally.events += events.length
    },
    close: () => dispatcher.destroy(),
  }
}

async function drill(name: string, admin: string, upstream: string): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-drill-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const database = `gabee_drill_${process.pid}_${name}`
  const execute = async (statement: string) => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await execute(`create database ${database}`)
  stack.defer(() => execute(`drop database ${database} with (force)`))
  const url = new URL(admin)
  url.pathname = database

  const ports: [number, number] = [await freePort(), await freePort()]
  const proxy = await startProxy(name, dir, ports)
  stack.defer(proxy.stop)
  const settings = {
    DATABASE_URL: url.href,
    OPENAI_BASE_URL: `${upstream}/v1`,
    ENCRYPTION_KEY: 'a key that both servers of the drill have',
    PUBLIC_URL: proxy.url,
    TRUST_PROXY: 'loopback',
  }
  const servers = ports.map((port) => createServer(dir, port, settings))
  const [first, second] = servers
  assert(first !== undefined && second !== undefined, 'Two servers.')
  for (const server of servers) {
    await server.start()
    stack.defer(() => server.kill())
  }

  const tally: Tally = { answers: 0, events: 0, resumed: 0, repeated: 0, delays: [], gaps: [] }
  const users: ReturnType<typeof createClient>[] = []
  for (let n = 0; n < 4; n += 1) {
    const client = createClient(proxy.url, tally)
    stack.defer(() => client.close())
    // The first account must be created from the machine itself.
    await client.register(`http://127.0.0.1:${first.port}`)
    users.push(client)
  }
  let isDone = false
  const startedAt = performance.now()
  const asking = Array.from({ length: clients }, async (_, i) => {
    await pause((i / clients) * 20_000)
    const user = users[i % users.length]
    assert(user !== undefined, 'A user.')
    const conversation = await user.createConversation()
    while (!isDone) await user.ask(conversation)
  })
  const restarting = async () => {
    await pause(30_000)
    const before = { delays: tally.delays.splice(0), gaps: tally.gaps.splice(0) }
    for (const server of [first, second]) {
      await server.stop()
      await server.start()
      await pause(5_000)
    }
    await first.kill()
    await pause(5_000)
    await first.start()
    await pause(5_000)
    isDone = true
    return before
  }
  const [before] = await Promise.all([restarting(), ...asking])
  const seconds = (performance.now() - startedAt) / 1_000
  const figures = (delays: number[]) =>
    [0.5, 0.99, 1].map((share) => `${fixed(quantile(delays, share), 0)} ms`).join(' | ')
  print(
    `${name}: ${tally.answers} answers with ${tally.events} events in ${fixed(seconds, 0)} s, at most ${clients} at a time; ` +
      `${tally.resumed} streams resumed, ${tally.repeated} requests repeated; no event lost or repeated.`,
  )
  print('| model to reader | p50 | p99 | max |\n| --- | --- | --- | --- |')
  print(`| before the restarts | ${figures(before.delays)} |`)
  print(`| during the restarts | ${figures(tally.delays)} |`)
}

const services = values.url === undefined ? await startServices() : undefined
const admin = values.url ?? services?.env['TEST_DATABASE_URL']
const upstream = fork(fileURLToPath(new URL('runs-upstream.ts', import.meta.url)))
try {
  assert(admin !== undefined, 'PostgreSQL with pgvector is missing: see `npm run services`.')
  const [{ port }] = (await once(upstream, 'message')) as [{ port: number }]
  for (const name of values.proxy.split(',')) await drill(name, admin, `http://127.0.0.1:${port}`)
} finally {
  await kill(upstream, 'SIGKILL')
  await services?.stop()
}
