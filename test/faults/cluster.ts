import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createParser } from 'eventsource-parser'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { freePort } from '../../scripts/services/start.ts'
import { type Database, newId, openDatabase } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import { createTestDatabase, type TestDatabase } from '../databases.ts'
import type { NodeSettings, Work } from './node.ts'
import { tokensOf } from './tokens.ts'

const program = fileURLToPath(new URL('node.ts', import.meta.url))
const log = createLog('silent')

export type NodeProcess = {
  readonly name: string
  readonly url: string
  start(dieAt?: NodeSettings['dieAt']): Promise<void>
  kill(): Promise<void>
  /** Sends SIGTERM; resolves with the exit code. */
  end(): Promise<number | null>
  freeze(): void
  thaw(): void
  /** Resolves when the process has exited. */
  ended(): Promise<unknown>
}

/** Creates a database and server processes that use it. */
export async function openCluster(kind: Database['kind'], names: string[], leaseMs: number, graceMs = 100) {
  await using stack = new AsyncDisposableStack()
  const source = stack.use(await createTestDatabase(kind))
  const user = newId()
  await withDatabase(source, async ({ db }) => {
    await sql`create table stored (run_id uuid not null, content text not null)`.execute(db)
    await db.insertInto('users').values({ id: user, display_name: 'Ada' }).execute()
  })
  const nodes: NodeProcess[] = []
  for (const name of names) {
    const dir = kind === 'embedded' ? source.dir : await mkdtemp(path.join(tmpdir(), 'gabee-node-'))
    const { url } = source
    const settings = {
      name,
      dir,
      port: await freePort(),
      leaseMs,
      graceMs,
      user,
      ...(url !== undefined && { url }),
    }
    const node = createNodeProcess(settings)
    stack.defer(async () => rm(dir, { recursive: true, force: true }))
    stack.defer(async () => node.kill())
    nodes.push(node)
  }
  const opened = stack.move()
  return { source, nodes, [Symbol.asyncDispose]: async () => opened.disposeAsync() }
}
export type Cluster = Awaited<ReturnType<typeof openCluster>>

function createNodeProcess(settings: NodeSettings): NodeProcess {
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const process = child
    if (!process || process.exitCode !== null || process.signalCode !== null) return null
    const exited = once(process, 'exit')
    process.kill('SIGCONT')
    process.kill(signal)
    await exited
    return process.exitCode
  }
  return {
    name: settings.name,
    url: `http://127.0.0.1:${settings.port}`,
    async start(dieAt) {
      const started = spawn(
        process.execPath,
        [program, JSON.stringify({ ...settings, ...(dieAt && { dieAt }) })],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      child = started
      let errors = ''
      started.stderr.on('data', (bytes: Buffer) => {
        errors += bytes.toString()
      })
      const exited = once(started, 'exit')
      await Promise.race([once(started.stdout, 'data'), exited])
      if (started.exitCode !== null && started.exitCode !== 0)
        throw new Error(`${settings.name} did not start:\n${errors}`)
    },
    kill: async () => void (await end('SIGKILL')),
    end: async () => end('SIGTERM'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    ended: async () => {
      if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

async function withDatabase<T>(source: TestDatabase, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ dir: source.dir, url: source.url, log })
  try {
    return await work(database)
  } finally {
    await database[Symbol.asyncDispose]()
  }
}

/** Time without data after which a reader tries another node. */
const timeoutMs = 1500

export type Seen = { run: string; events: Map<number, string> }

/**
 * A client with an unreliable connection: it starts or reads a run, disconnects at random, and resumes on any node
 * until it has read the last event.
 */
export function createClient(nodes: NodeProcess[], next: () => number) {
  const randomUrl = () => nodes[Math.floor(next() * nodes.length)]?.url ?? ''

  /** Reads one response; returns whether it contained the last event. */
  async function readResponse(
    response: Response,
    seen: Map<number, string>,
    after: number,
    onData: () => boolean,
  ): Promise<boolean> {
    let last = after
    let isOver = false
    const parser = createParser({
      onEvent({ id, data }) {
        if (id === undefined) throw new Error(`An error event: ${data}`)
        expect(Number(id), 'consecutive ids').toBe(last + 1)
        last += 1
        expect(seen.get(last) ?? data, 'the same event for every reader').toBe(data)
        seen.set(last, data)
        isOver = /^\{"(event":"(complete|stopped)"|error")/.test(data)
      },
    })
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      parser.feed(decoder.decode(bytes, { stream: true }))
      if (!onData()) break
    }
    return isOver
  }

  async function connect(
    request: (signal: AbortSignal) => Promise<Response>,
    seen: Seen,
    after: () => number,
  ): Promise<boolean> {
    const disconnect = new AbortController()
    const timeout = setTimeout(() => disconnect.abort(), timeoutMs)
    let chunks = next() < 0.7 ? Math.floor(next() * 12) : Number.POSITIVE_INFINITY
    try {
      const response = await request(disconnect.signal)
      seen.run ||= response.headers.get('x-run-id') ?? ''
      if (response.status === 204) return true
      if (response.status !== 200) {
        expect(response.status, await response.text()).toBe(503)
        return false
      }
      return await readResponse(response, seen.events, after(), () => {
        timeout.refresh()
        chunks -= 1
        return chunks > 0
      })
    } catch (error) {
      if (isLost(error)) return false
      throw error
    } finally {
      clearTimeout(timeout)
      disconnect.abort()
    }
  }

  async function follow(seen: Seen): Promise<Seen> {
    for (;;) {
      const url = `${randomUrl()}/runs/${seen.run}/events`
      const last = seen.events.size
      const request = async (signal: AbortSignal) =>
        fetch(url, { headers: { 'last-event-id': `${last}` }, signal })
      if (await connect(request, seen, () => last)) return seen
      await pause(next() * 40)
    }
  }

  return {
    /** Starts a run, repeating the request with one key until a response arrives, and reads it to its end. */
    async start(work: Work): Promise<Seen> {
      const seen: Seen = { run: '', events: new Map() }
      const key = newId()
      const body = JSON.stringify(work)
      while (seen.run === '') {
        const url = `${randomUrl()}/start`
        const headers = { 'content-type': 'application/json', 'idempotency-key': key }
        const request = async (signal: AbortSignal) => fetch(url, { method: 'POST', headers, body, signal })
        if (await connect(request, seen, () => 0)) return seen
        await pause(20 + next() * 40)
      }
      return follow(seen)
    },
    read: async (run: string): Promise<Seen> => follow({ run, events: new Map() }),
    async stop(run: string): Promise<void> {
      for (;;) {
        const signal = AbortSignal.timeout(2 * timeoutMs)
        const response = await fetch(`${randomUrl()}/runs/${run}`, { method: 'DELETE', signal }).catch(
          () => undefined,
        )
        if (response?.status === 200) return void (await response.text())
        await pause(20)
      }
    },
  }
}

/** Whether fetch threw because the connection failed, broke or was aborted. */
const isLost = (error: unknown) =>
  error instanceof TypeError || (error instanceof DOMException && error.name === 'AbortError')

/** Checks that logs are complete, that readers have read them, and that results are stored once. */
export async function verify(
  source: TestDatabase,
  works: Map<string, Work>,
  seen: Seen[],
): Promise<{ attempts: number }> {
  return withDatabase(source, async ({ db }) => {
    let attempts = 0
    const rows = await db.selectFrom('runs').selectAll().execute()
    expect(rows.map(({ id }) => id).toSorted(), 'every run was started once').toEqual(
      [...works.keys()].toSorted(),
    )
    for (const [id, work] of works) {
      const row = rows.find((one) => one.id === id)
      const log = await db
        .selectFrom('run_events')
        .selectAll()
        .where('run_id', '=', id)
        .orderBy('n')
        .execute()
      const events = log.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
      expect(
        log.map(({ n }) => n),
        'numbers without a gap',
      ).toEqual(log.map((_, index) => index + 1))
      expect(row?.last_event).toBe(log.length)
      const resumed = events.filter(({ event }) => event === 'resumed').map(({ attempt }) => attempt)
      attempts += row?.attempt ?? 0
      const { rows: stored } = await sql<{
        content: string
      }>`select content from stored where run_id = ${id}`.execute(db)
      const contents = stored.map(({ content }) => content.replaceAll('␀', '\u0000')).toSorted()
      const text = events.map(({ token }) => token ?? '').join('')
      const expected = tokensOf(work.seed, work.count).join('')
      if (row?.status === 'complete') {
        expect(events.at(-1)).toEqual({ event: 'complete' })
        expect(resumed).toEqual(Array.from({ length: row.attempt - 1 }, (_, index) => index + 2))
        if (work.kind === 'answer') expect(text, 'each token once').toBe(expected)
      } else {
        expect(row?.status).toBe('stopped')
        expect(events.at(-1)).toEqual({ event: 'stopped' })
        expect(expected.startsWith(text)).toBe(true)
      }
      const steps = events.flatMap(({ step }) => (step === undefined ? [] : [`step ${String(step)}`]))
      expect(contents, 'stored once').toEqual(work.kind === 'answer' ? [text] : steps.toSorted())
      expect(steps).toEqual(steps.map((_, index) => `step ${index}`))
    }
    for (const { run, events } of seen) {
      const log = await db
        .selectFrom('run_events')
        .select(['n', 'data'])
        .where('run_id', '=', run)
        .orderBy('n')
        .execute()
      expect([...events], 'the events that a reader got').toEqual(log.map(({ n, data }) => [n, data]))
    }
    return { attempts }
  })
}
