// A server process with runs alone, for tests that terminate it. Its only argument is its settings as JSON.
import { setTimeout as pause } from 'node:timers/promises'
import { type KyselyPlugin, sql } from 'kysely'
import { readConfig } from '../../server/config.ts'
import { type Database, openDatabase, type Trx } from '../../server/db/index.ts'
import { createHttp } from '../../server/http/index.ts'
import { sendRun } from '../../server/http/sse.ts'
import { createLog } from '../../server/log.ts'
import { runs as createRuns, type RunEvent, type RunKind, runRoutes } from '../../server/runs/index.ts'
import { tokensOf } from './tokens.ts'

export type NodeSettings = {
  name: string
  dir: string
  url?: string
  port: number
  leaseMs: number
  graceMs: number
  user: string
  /** The process kills itself before or after this statement, counted from when it listens. */
  dieAt?: { statement: number; when: 'before' | 'after' }
}
export type Work = { kind: 'answer' | 'steps'; seed: number; count: number; everyMs: number }

const settings = JSON.parse(process.argv[2] ?? '') as NodeSettings
const log = createLog('fatal')

let isCounting = false
let statements = 0
const die = (when: 'before' | 'after') => {
  const { dieAt } = settings
  if (isCounting && dieAt?.when === when && statements >= dieAt.statement)
    process.kill(process.pid, 'SIGKILL')
}
const killSwitch: KyselyPlugin = {
  transformQuery: ({ node }) => {
    if (isCounting) statements += 1
    die('before')
    return node
  },
  transformResult: async ({ result }) => {
    die('after')
    return result
  },
}
const real = await openDatabase({ dir: settings.dir, url: settings.url, log })
const database: Database = {
  ...real,
  db: real.db.withPlugin(killSwitch),
  async transaction(work) {
    const done = await real.transaction(async (trx) => work(trx.withPlugin(killSwitch)))
    die('after')
    return done
  },
}

const runs = createRuns({
  database,
  log,
  nodeId: settings.name,
  leaseMs: settings.leaseMs,
  graceMs: settings.graceMs,
})

const store = async (trx: Trx, id: string, content: string) =>
  void (await sql`insert into stored (run_id, content) values (${id}, ${content.replaceAll('\u0000', '␀')})`.execute(
    trx,
  ))
const parsed = (events: RunEvent[]) => events.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
const textOf = (events: RunEvent[]) =>
  parsed(events)
    .map(({ token }) => token ?? '')
    .join('')

const answer: RunKind<Work> = {
  maxAttempts: 1000,
  async work({ run, signal, emit, events }) {
    const tokens = tokensOf(run.input.seed, run.input.count)
    let length = run.attempt > 1 ? textOf(await events()).length : 0
    for (const token of tokens) {
      length -= token.length
      if (length >= 0) continue
      signal.throwIfAborted()
      await emit({ token })
      await pause(run.input.everyMs)
    }
    return { event: { event: 'complete' }, store: async (trx) => store(trx, run.id, tokens.join('')) }
  },
  async close(run, closing, events, trx) {
    await store(trx, run.id, textOf(events))
    return closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error }
  },
  merge: (first, second) =>
    typeof first['token'] === 'string' && typeof second['token'] === 'string'
      ? { token: first['token'] + second['token'] }
      : undefined,
}

/** Commits each step as a row and an event, in one transaction. */
const steps: RunKind<Work> = {
  maxAttempts: 1000,
  async work({ run, commit, events }) {
    const done = run.attempt > 1 ? parsed(await events()).filter(({ step }) => step !== undefined).length : 0
    for (let step = done; step < run.input.count; step++) {
      await commit({ step }, async (trx) => store(trx, run.id, `step ${step}`))
      await pause(run.input.everyMs)
    }
    return { event: { event: 'complete' } }
  },
  close: async (_run, closing) =>
    closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error },
}
runs.register('answer', answer)
runs.register('steps', steps)

const config = readConfig({ PORT: `${settings.port}` })
const caller = { userId: settings.user, isAdmin: false, aveeId: null, via: 'session' } as const
const http = await createHttp({
  config,
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
http.post('/start', async (request, reply) => {
  const { kind, ...input } = request.body as Work
  const started = await runs.start({
    kind,
    userId: settings.user,
    input,
    idempotencyKey: String(request.headers['idempotency-key']),
  })
  await sendRun(request, reply, runs, started.run.id)
})

async function end(): Promise<void> {
  const closed = http.close()
  await runs[Symbol.asyncDispose]()
  // Connections without any request count as active.
  http.server.closeAllConnections()
  await closed
  await database[Symbol.asyncDispose]()
  process.exit(0)
}
process.on('SIGTERM', () => void end())
await http.listen({ host: '127.0.0.1', port: settings.port })
isCounting = true
await runs.open()
process.stdout.write('ready\n')
