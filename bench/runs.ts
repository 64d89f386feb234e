/**
 * Measures the run log, and whole answers through `POST /chat/stream`, against a plain route that pipes the model's
 * stream into the response.
 *
 *     node bench/runs.ts [postgres://user@host/postgres] [--only turn,first,events,readers,nodes,crash] [--seconds 10]
 *
 * The URL is that of a server whose user can create databases; a temporary database is created and dropped. Without a
 * URL, only the embedded database is measured. Model, servers and clients are separate processes on this machine.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { freePort } from '../scripts/services/start.ts'
import { newId, openDatabase } from '../server/db/index.ts'
import { createLog } from '../server/log.ts'
import { createAvee, createConversation, registerUser, uploadFiles } from '../test/builders.ts'
import { createTestClient } from '../test/client.ts'
import { fixed, print, quantile } from './data.ts'
import { type Answer, answer, delaysIn, json, open, spread } from './runs-load.ts'
import type { ServerSettings } from './runs-server.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: 'turn,first,events,readers,nodes,crash' },
    seconds: { type: 'string', default: '10' },
  },
})
const [address] = positionals
const seconds = Number(values.seconds)
const parts = values.only.split(',')
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

type Figures = {
  events: number
  commits: number
  readers: number
  rss: number
  heap: number
  cpuMs: number
  at: number
}

/** Starts a process of this benchmark; resolves with its first message. */
async function startProcess(
  program: string,
  settings?: unknown,
): Promise<{ child: ChildProcess; message: { port?: number } }> {
  const child = fork(file(program), settings === undefined ? [] : [JSON.stringify(settings)], {
    execArgv: ['--expose-gc'],
  })
  const [message] = (await once(child, 'message')) as [{ port?: number }]
  return { child, message }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Creates a temporary database for servers; without `hasUser`, the first one who registers owns the server. */
async function openCluster(kind: 'embedded' | 'postgres', upstream: string, hasUser: boolean) {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-bench-'))
  const name = `gabee_bench_${process.pid}_${Date.now()}`
  const url = kind === 'postgres' && address !== undefined ? new URL(address) : undefined
  const admin = async (statement: string) => {
    const client = new pg.Client({ connectionString: address })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  if (url) {
    await admin(`create database ${name}`)
    url.pathname = name
  }
  const user = newId()
  const database = await openDatabase({ dir, url: url?.href, log: createLog('error') })
  if (hasUser) await database.db.insertInto('users').values({ id: user, display_name: 'Bench' }).execute()
  await database[Symbol.asyncDispose]()
  const children: ChildProcess[] = []
  return {
    kind,
    /** Starts a server; `start` restarts it. */
    async serve(node: string, program = 'runs-server.ts') {
      const [port, plainPort] = [await freePort(), await freePort()]
      const settings: ServerSettings & { plainPort: number } = {
        plainPort,
        name: node,
        dir: url ? path.join(dir, node) : dir,
        port,
        upstream,
        user,
        ...(url && { url: url.href }),
      }
      const start = async () => {
        const { child } = await startProcess(program, settings)
        children.push(child)
        return child
      }
      const plainUrl = `http://127.0.0.1:${plainPort}`
      return { url: `http://127.0.0.1:${port}`, plainUrl, child: await start(), start }
    },
    async close() {
      for (const child of children) await kill(child)
      if (url) await admin(`drop database ${name} with (force)`)
      await rm(dir, { recursive: true, force: true })
    },
  }
}
type Cluster = Awaited<ReturnType<typeof openCluster>>

/** Requests answers with `count` clients in a loop, started evenly; counts answers that start when all clients run. */
async function requestAnswers(
  count: number,
  lengthMs: number,
  ask: () => Promise<Answer>,
): Promise<{ first: number[]; delays: number[] }> {
  const first: number[] = []
  const delays: number[] = []
  const startedAt = performance.now()
  const since = () => performance.now() - startedAt
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await pause((i / count) * lengthMs)
      while (since() < lengthMs + seconds * 1000) {
        const isCounted = since() >= lengthMs
        const one = await ask()
        if (isCounted) {
          first.push(one.firstMs)
          delays.push(...one.delays)
        }
      }
    }),
  )
  return { first, delays }
}

async function measureFirst(cluster: Cluster, upstream: string): Promise<void> {
  const server = await cluster.serve('one')
  print(
    `| concurrent answers, ${cluster.kind} | path | first token, ms (p50 / p99) | delay of each token, ms (p50 / p99) | server CPU |`,
  )
  print('| --- | --- | --- | --- | --- |')
  for (const [count, tokens] of [
    [1, 25],
    [50, 250],
    [500, 500],
  ] as const)
    for (const [route, method, url] of [
      ['model server directly', 'GET', upstream],
      ['plain', 'POST', `${server.url}/plain`],
      ['run log', 'POST', `${server.url}/run`],
    ] as const) {
      const before = await json<Figures>('GET', `${server.url}/figures`)
      const { first, delays } = await requestAnswers(count, tokens * 20, async () =>
        answer(method, `${url}/?tokens=${tokens}&everyMs=20`),
      )
      const after = await json<Figures>('GET', `${server.url}/figures`)
      const cpu = Math.round((100 * (after.cpuMs - before.cpuMs)) / (after.at - before.at))
      print(`| ${count} | ${route} | ${spread(first)} | ${spread(delays)} | ${cpu} % |`)
    }
  await kill(server.child)
}

const questions = ['What was the revenue in 2025?', 'And who kept the lighthouse at Kerrow Point?']
const documents = [
  { name: 'report.md', content: '# Annual report\n\nThe revenue was 12.4 million euros in 2025.' },
  {
    name: 'point.md',
    content: 'The lighthouse at Kerrow Point was lit in 1874. Its keeper was Ines Valcourt.',
  },
]

/** Asks questions in conversations with an avee, all at once in each round, and pipes the same model plainly. */
async function measureTurn(cluster: Cluster): Promise<void> {
  const server = await cluster.serve('one', 'turn-server.ts')
  const { client } = await registerUser(createTestClient(server.url))
  const figures = async () => json<Figures & { statements: number }>('GET', `${server.plainUrl}/figures`)
  const rest = async () => {
    await pause(3000)
    await json('GET', `${server.plainUrl}/idle`)
  }
  print(
    `| answers at once, ${cluster.kind} | path | first token, ms (p50 / p99) | delay of each token, ms (p50 / p99) | between tokens, ms (p99) | CPU per answer, ms |`,
  )
  print('| --- | --- | --- | --- | --- | --- |')
  const counted: string[] = []
  for (const library of ['empty library', 'small library'] as const) {
    const avee = await createAvee(client)
    if (library === 'small library') await uploadFiles(client, documents, { avee: avee.id, layer: 'public' })
    const conversations: string[] = []
    const askIn = async (i: number, round: number, model: string, onFirst?: () => Promise<void>) =>
      answer(
        'POST',
        `${server.url}/chat/stream`,
        {
          token: client.token,
          body: {
            conversation_id: conversations[i],
            question: questions[round % 2],
            model: `openai/${model}`,
          },
        },
        onFirst,
      )
    for (const [count, rounds, model] of [
      [1, 20, 'tokens-25-20'],
      [20, 8, 'tokens-25-20'],
      [50, 6, 'tokens-25-20'],
      ...(library === 'empty library' ? ([[500, 2, 'tokens-500-20']] as const) : []),
    ] as const) {
      while (conversations.length < count) conversations.push((await createConversation(client, avee.id)).id)
      for (const path of ['plain', library]) {
        const answers: Answer[] = []
        let cpuMs = 0
        for (let round = 0; round < rounds; round++) {
          await rest()
          const before = await figures()
          const batch = await Promise.all(
            Array.from({ length: count }, async (_, i) => {
              // A large number of users would not ask at the same moment.
              await pause(count > 100 ? (i / count) * 10_000 : 0)
              return path === 'plain'
                ? answer('POST', server.plainUrl, { body: { model, messages: [], stream: true } })
                : askIn(i, round, model)
            }),
          )
          // The first round includes modules loaded on first use.
          if (round === 0) continue
          answers.push(...batch)
          cpuMs += (await figures()).cpuMs - before.cpuMs
        }
        const spreadOf = (values: (one: Answer) => number[]) => spread(answers.flatMap(values))
        const gaps = fixed(
          quantile(
            answers.flatMap(({ gaps }) => gaps),
            0.99,
          ),
          1,
        )
        print(
          `| ${count} | ${path} | ${spreadOf(({ firstMs }) => [firstMs])} | ${spreadOf(({ delays }) => delays)} | ${gaps} | ${fixed(cpuMs / answers.length, 1)} |`,
        )
      }
    }
    for (const round of [0, 1]) {
      await rest()
      const { statements } = await figures()
      let untilFirst = 0
      await askIn(0, round, 'tokens-2-500', async () => {
        untilFirst = (await figures()).statements - statements
      })
      await rest()
      counted.push(
        `| ${library}, ${questions[round]} | ${untilFirst} | ${(await figures()).statements - statements} |`,
      )
    }
  }
  print('')
  print(`| SQL statements, ${cluster.kind} | until the first token | with the jobs that follow |`)
  print('| --- | --- | --- |')
  for (const row of counted) print(row)
  await kill(server.child)
}

async function measureEvents(cluster: Cluster): Promise<void> {
  const server = await cluster.serve('one')
  print(`| concurrent runs, ${cluster.kind} | tokens | events/s | commits/s |`)
  print('| --- | --- | --- | --- |')
  for (const kind of ['talk', 'talk-merged'])
    for (const count of [1, 50, 300]) {
      const ids = await Promise.all(
        Array.from({ length: count }, async () =>
          json<{ id: string }>('POST', `${server.url}/start/${kind}?tokens=1000000000&everyMs=0`),
        ),
      )
      await pause(1000)
      const before = await json<Figures>('GET', `${server.url}/figures`)
      await pause(seconds * 1000)
      const after = await json<Figures>('GET', `${server.url}/figures`)
      for (const { id } of ids) await json('DELETE', `${server.url}/runs/${id}`)
      const per = (what: 'events' | 'commits') =>
        Math.round((1000 * (after[what] - before[what])) / (after.at - before.at))
      print(
        `| ${count} | ${kind === 'talk' ? 'one event per token' : 'merged within a commit'} | ${per('events')} | ${per('commits')} |`,
      )
    }
  await kill(server.child)
}

async function measureReaders(cluster: Cluster): Promise<void> {
  print(
    `| readers, ${cluster.kind} | path | delay, ms (p50 / p99) | events/s to readers | server CPU | memory per reader |`,
  )
  print('| --- | --- | --- | --- | --- | --- |')
  const memory = (before: Figures, after: Figures, count: number) =>
    `${fixed((after.heap - before.heap) / count / 1024, 1)} KB heap, ${fixed((after.rss - before.rss) / count / 1024, 1)} KB resident`
  for (const [count, runs, everyMs] of [
    [5000, 50, 10_000],
    [1000, 20, 50],
  ] as const)
    for (const route of ['plain', 'run log']) {
      // A new server for each, as freed memory is not returned to the system.
      const server = await cluster.serve(`readers-${route === 'plain' ? 'plain' : 'log'}-${count}`)
      const query = `?tokens=1000000&everyMs=${everyMs}`
      const ids = await Promise.all(
        Array.from({ length: runs }, async () =>
          json<{ id: string }>('POST', `${server.url}/start/talk${query}`),
        ),
      )
      await pause(1000)
      const before = await json<Figures>('GET', `${server.url}/figures`)
      const delays: number[] = []
      let isCounting = false
      const streams = []
      for (let i = 0; i < count; i += 1) {
        const url =
          route === 'plain' ? `${server.url}/plain${query}` : `${server.url}/runs/${ids[i % runs]?.id}/events`
        // The plain route makes one model request per reader.
        const stream = await open(route === 'plain' ? 'POST' : 'GET', url)
        stream.on('error', () => {})
        stream.on('data', (bytes: Buffer) => {
          if (isCounting) delays.push(...delaysIn(bytes.toString()))
        })
        streams.push(stream)
      }
      await pause(3000)
      const joined = await json<Figures>('GET', `${server.url}/figures`)
      isCounting = true
      await pause(seconds * 1000)
      const after = await json<Figures>('GET', `${server.url}/figures`)
      isCounting = false
      const cpu = Math.round((100 * (after.cpuMs - joined.cpuMs)) / (after.at - joined.at))
      const rate = Math.round((1000 * delays.length) / (after.at - joined.at))
      print(
        `| ${count} at ${fixed(1000 / everyMs, 1)} events/s | ${route} | ${spread(delays)} | ${rate} | ${cpu} % | ${memory(before, after, count)} |`,
      )
      for (const stream of streams) stream.destroy()
      await kill(server.child)
    }
}

async function measureNodes(cluster: Cluster): Promise<void> {
  const [one, two] = [await cluster.serve('one'), await cluster.serve('two')]
  print(`| readers of 50 runs at 50 tokens/s, ${cluster.kind} | delay, ms (p50 / p99) |`)
  print('| --- | --- |')
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () =>
      json<{ id: string }>('POST', `${one.url}/start/talk?tokens=1000000&everyMs=20`),
    ),
  )
  const readings = [one, two].map((server) => {
    const delays: number[] = []
    for (const { id } of ids)
      void open('GET', `${server.url}/runs/${id}/events`).then((stream) => {
        stream.on('error', () => {})
        stream.on('data', (bytes: Buffer) => delays.push(...delaysIn(bytes.toString())))
      })
    return delays
  })
  await pause(2000)
  for (const delays of readings) delays.length = 0
  await pause(seconds * 1000)
  for (const [index, delays] of readings.entries())
    print(`| on ${index === 0 ? 'the same server' : 'another server'} | ${spread(delays)} |`)
  for (const { child } of [one, two]) await kill(child)
}

/** Measures the time from `kill -9` to the next new event for a reader that reconnects. */
async function measureCrash(cluster: Cluster): Promise<void> {
  const one = await cluster.serve('one')
  print(`| after kill -9, ${cluster.kind} | process start, ms | first new event after that, ms |`)
  print('| --- | --- | --- |')
  const startRun = async () => json<{ id: string }>('POST', `${one.url}/start/talk?tokens=1000000&everyMs=20`)
  let { child } = one
  for (let round = 0; round < 3; round++) {
    const { id } = await startRun()
    await pause(1000)
    await kill(child)
    const killedAt = performance.now()
    child = await one.start()
    const started = performance.now()
    const { last_event: known } = await json<{ last_event: number }>('GET', `${one.url}/runs/${id}`)
    await nextEvent(`${one.url}/runs/${id}/events?after=${known}`)
    print(`| restarted | ${fixed(started - killedAt, 0)} | ${fixed(performance.now() - started, 0)} |`)
    await json('DELETE', `${one.url}/runs/${id}`)
  }
  if (cluster.kind === 'postgres') {
    const two = await cluster.serve('two')
    for (let round = 0; round < 3; round++) {
      const { id } = await startRun()
      const stream = await open('GET', `${two.url}/runs/${id}/events`)
      let latest = 0
      let isDead = false
      const after = Promise.withResolvers<number>()
      stream.on('data', (bytes: Buffer) => {
        latest = performance.now()
        if (isDead && bytes.toString().includes('resumed')) after.resolve(latest)
      })
      await pause(1500)
      const killed = performance.now()
      await kill(child)
      isDead = true
      print(`| takeover by another server, lease 4 s | – | ${fixed((await after.promise) - killed, 0)} |`)
      stream.destroy()
      await json('DELETE', `${two.url}/runs/${id}`)
      child = await one.start()
    }
    await kill(two.child)
  }
  await kill(child)
}

async function nextEvent(url: string): Promise<void> {
  const stream = await open('GET', url)
  await once(stream, 'data')
  stream.destroy()
}

const model = await startProcess('runs-upstream.ts')
const upstream = `http://127.0.0.1:${model.message.port}`
print(
  `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, load ${fixed(loadavg()[0] ?? 0, 1)} before`,
)
const kinds = address === undefined ? (['embedded'] as const) : (['embedded', 'postgres'] as const)
for (const kind of kinds)
  for (const [part, measure] of [
    ['turn', measureTurn],
    ['first', async (cluster: Cluster) => measureFirst(cluster, upstream)],
    ['events', measureEvents],
    ['readers', measureReaders],
    ['nodes', measureNodes],
    ['crash', measureCrash],
  ] as const) {
    if (!parts.includes(part) || (part === 'nodes' && kind === 'embedded')) continue
    const cluster = await openCluster(kind, upstream, part !== 'turn')
    print('')
    await measure(cluster)
    await cluster.close()
  }
await kill(model.child)
process.exit(0)
