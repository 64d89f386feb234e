import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import type { Database } from '../../server/db/index.ts'
import { sendRun } from '../../server/http/sse.ts'
import { type RunEvent, runRoutes } from '../../server/runs/index.ts'
import { type ErrorResponse, openServer } from '../access/server.ts'
import { createTestClient } from '../client.ts'
import { openTestDatabase } from '../databases.ts'
import { collectEvents, readEvents } from '../events.ts'
import { createResultsTable, openRuns, readAll, readLog, startRun, type TestRuns, waitFor } from './runs.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase('embedded')
  await createResultsTable(database)
})
afterAll(async () => database[Symbol.asyncDispose]())

async function open() {
  let runs: TestRuns | undefined
  const server = await openServer(
    database,
    {},
    {
      async routes(http) {
        const opened = await openRuns(database)
        runs = opened
        await http.register(runRoutes({ runs: opened, visibleScopes: async (_, scopes) => new Set(scopes) }))
        http.post('/start', async (request, reply) => {
          const { run } = await opened.start({
            kind: 'test',
            userId: request.caller?.userId ?? '',
            input: {},
          })
          await sendRun(request, reply, opened, run.id)
        })
      },
    },
  )
  if (!runs) throw new Error('The routes were not registered.')
  const url = await server.http.listen({ port: 0, host: '127.0.0.1' })
  const ann = await server.register()
  const bob = await server.register()
  return {
    server,
    runs,
    url,
    ann: { ...ann, ...createTestClient(url, ann.token) },
    bob: { ...bob, ...createTestClient(url, bob.token) },
  }
}
type Opened = Awaited<ReturnType<typeof open>>

let opened: Opened
beforeEach(async () => {
  opened = await open()
})
afterEach(async () => {
  vi.useRealTimers()
  await Promise.all([opened.server.http.close(), opened.runs[Symbol.asyncDispose]()])
})

/** Creates a finished run of Ann with three events and returns its id. */
async function createFinishedRun() {
  const { runs, ann } = opened
  const { id, worker } = await startRun(runs, ann.id)
  await worker.context.emit({ token: 'one' })
  await worker.context.flush()
  await worker.context.emit({ token: 'two\n\ndata: no' })
  worker.complete()
  await readAll(runs, id)
  return id
}

/** Like `waitFor`, but independent of fake timers. */
async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const renderFrames = (events: RunEvent[]) =>
  events.map(({ n, data }) => `data: ${data}\nid: ${n}\n\n`).join('')

/** Sends a request on a socket that the test reads and destroys. */
async function openSocket(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(Number(new URL(opened.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  socket.on('error', () => {})
  const lines = Object.entries({ host: 'localhost', authorization: `Bearer ${opened.ann.token}`, ...headers })
  socket.write(
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  )
  return { socket, text: () => text }
}

/** Decodes the body of a chunked response, as far as it has arrived. */
function decodeChunkedBody(text: string): string {
  let rest = text.slice(text.indexOf('\r\n\r\n') + 4)
  let body = ''
  for (;;) {
    const size = /^([\da-f]+)\r\n/.exec(rest)
    if (!size) return body
    const from = size[0].length
    const length = Number.parseInt(size[1] ?? '', 16)
    body += rest.slice(from, from + length)
    rest = rest.slice(from + length + 2)
  }
}

describe('the stream of a run', () => {
  test('has the headers and frames of the contract', async () => {
    const id = await createFinishedRun()
    const response = await opened.ann.fetch(`/runs/${id}/events`, {
      headers: { origin: 'http://localhost:3000' },
    })
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-run-id': id,
      location: `/runs/${id}/events`,
      'x-request-id': expect.stringMatching(/./),
      'access-control-allow-origin': 'http://localhost:3000',
    })
    const text = await response.text()
    expect(text).toBe(renderFrames(await readLog(database, id)))
    expect(text).toBe(
      'data: {"token":"one"}\nid: 1\n\n' +
        'data: {"token":"two\\n\\ndata: no"}\nid: 2\n\n' +
        'data: {"event":"complete"}\nid: 3\n\n',
    )
  })

  test('starts with the request that starts the run, sends each event as it is committed, and ends after the last', async () => {
    const { runs, ann } = opened
    const response = await ann.fetch('/start', { method: 'POST' })
    const id = response.headers.get('x-run-id') ?? ''
    const events = readEvents(response)
    const worker = await runs.workers.next(id)
    for (let step = 1; step <= 5; step++) {
      await worker.context.emit({ step })
      expect((await events.next()).value).toEqual({ id: step, data: { step } })
    }
    worker.complete()
    expect((await events.next()).value).toEqual({ id: 6, data: { event: 'complete' } })
    expect((await events.next()).done).toBe(true)
  })

  test.each([
    ['Last-Event-ID', (n: string) => ({ headers: { 'last-event-id': n }, query: '' })],
    ['after', (n: string) => ({ headers: {}, query: `?after=${n}` })],
  ])('continues after the event that %s names', async (_name, ask) => {
    const id = await createFinishedRun()
    const log = await readLog(database, id)
    const get = async (n: string) => {
      const { headers, query } = ask(n)
      return opened.ann.fetch(`/runs/${id}/events${query}`, { headers: headers as Record<string, string> })
    }
    for (const after of [0, 1, 2])
      expect(await (await get(`${after}`)).text()).toBe(renderFrames(log.slice(after)))
    const nothing = await get('3')
    expect(nothing.status).toBe(204)
    expect(nothing.headers.get('x-run-id')).toBe(id)
    expect(await nothing.text()).toBe('')
    for (const [n, status, code] of [
      ['4', 409, 'cursor_beyond_log'],
      ['x', 400, 'invalid_cursor'],
      ['-1', 400, 'invalid_cursor'],
      ['1.5', 400, 'invalid_cursor'],
      ['9'.repeat(20), 400, 'invalid_cursor'],
    ] as const) {
      const response = await get(n)
      expect(response.status, n).toBe(status)
      expect(((await response.json()) as ErrorResponse).error.code).toBe(code)
    }
  })

  test('waits for the next event when the cursor is at the end of a running run', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    await worker.context.emit({ token: 'one' })
    await worker.context.flush()
    const events = readEvents(await ann.fetch(`/runs/${id}/events?after=1`))
    await waitFor(() => runs.stats().readers === 1)
    await worker.context.emit({ token: 'two' })
    expect((await events.next()).value).toEqual({ id: 2, data: { token: 'two' } })
    worker.complete()
    expect((await events.next()).value).toEqual({ id: 3, data: { event: 'complete' } })
  })

  test('can be resumed after any byte', async () => {
    const id = await createFinishedRun()
    const whole = renderFrames(await readLog(database, id))
    for (let cut = 0; cut <= whole.length; cut++) {
      const read = whole.slice(0, cut)
      const seen = read.lastIndexOf('\n\n') < 0 ? '' : read.slice(0, read.lastIndexOf('\n\n') + 2)
      const last = [...seen.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '0'
      const response = await opened.ann.fetch(`/runs/${id}/events`, { headers: { 'last-event-id': last } })
      expect(seen + (await response.text())).toBe(whole)
    }
  })

  test('ends when its client disconnects, while the run continues', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    for (let round = 0; round < 20; round++) {
      const { socket, text } = await openSocket(`/runs/${id}/events`)
      await worker.context.emit({ round })
      await waitFor(() => text().includes('"round"'))
      socket.destroy()
    }
    await waitFor(() => runs.stats().readers === 0)
    expect(worker.context.signal.aborted).toBe(false)
    worker.complete()
    expect((await collectEvents(await ann.fetch(`/runs/${id}/events`))).map(({ id: n }) => n)).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 1),
    )
  })

  test('waits for a client that does not read, without affecting others, and disconnects it after a minute', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { socket } = await openSocket(`/runs/${id}/events`)
    socket.pause()
    const reading = ann.fetch(`/runs/${id}/events`).then(collectEvents)
    await waitUntil(() => runs.stats().readers === 2)
    for (let step = 0; step < 60; step++) await worker.context.emit({ step, filling: 'x'.repeat(500_000) })
    worker.complete()
    expect(await reading).toHaveLength(61)
    expect(runs.stats().readers).toBe(1)
    await vi.advanceTimersByTimeAsync(61_000)
    await waitUntil(() => runs.stats().readers === 0)
    socket.destroy()
  })

  test('sends a ping after 15 seconds without events', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { socket, text } = await openSocket(`/runs/${id}/events`)
    await waitUntil(() => runs.stats().readers === 1)
    await vi.advanceTimersByTimeAsync(14_900)
    await worker.context.emit({ token: 'a' })
    await waitUntil(() => text().includes('"a"'))
    await vi.advanceTimersByTimeAsync(14_900)
    expect(text()).not.toContain('ping')
    await vi.advanceTimersByTimeAsync(200)
    const event = 'data: {"token":"a"}\nid: 1\n\n'
    await waitUntil(() => decodeChunkedBody(text()) === `${event}: ping\n\n`)
    await vi.advanceTimersByTimeAsync(15_000)
    await waitUntil(() => decodeChunkedBody(text()) === `${event}: ping\n\n: ping\n\n`)
    socket.destroy()
    worker.complete()
  })

  test('ends with an error event when it cannot continue', async () => {
    const id = await createFinishedRun()
    await database.db.deleteFrom('run_events').where('run_id', '=', id).where('n', '=', 2).execute()
    const response = await opened.ann.fetch(`/runs/${id}/events?after=1`)
    const text = await response.text()
    expect(text).toMatch(/^data: \{"error":\{"code":"run_events_expired","message":"[^\n]+"\}\}\n\n$/)
  })

  test('returns 410 before it starts when the log has expired', async () => {
    const id = await createFinishedRun()
    await database.db.updateTable('runs').set({ events_expired: true }).where('id', '=', id).execute()
    expect(await opened.ann.get<ErrorResponse>(`/runs/${id}/events`)).toMatchObject({
      status: 410,
      body: { error: { code: 'run_events_expired' } },
    })
    expect(await opened.ann.get(`/runs/${id}/events?after=3`)).toMatchObject({ status: 204 })
  })

  test('ends cleanly at shutdown and resumes on the next server', async () => {
    const { runs, ann, server } = opened
    const { id, worker } = await startRun(runs, ann.id)
    await worker.context.emit({ token: 'one' })
    const events = readEvents(await ann.fetch(`/runs/${id}/events`))
    expect((await events.next()).value).toEqual({ id: 1, data: { token: 'one' } })
    await Promise.all([server.http.close(), runs[Symbol.asyncDispose]()])
    expect((await events.next()).done).toBe(true)

    await using next = await openRuns(database)
    ;(await next.workers.next(id)).complete()
    expect((await readAll(next, id, 1)).map(({ n }) => n)).toEqual([2, 3])
  })
})

describe('a run', () => {
  test('can be read and stopped by the user who started it', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    await worker.context.emit({ token: 'one' })
    await worker.context.flush()
    expect(await ann.get<Run>(`/runs/${id}`)).toMatchObject({
      status: 200,
      body: {
        id,
        kind: 'test',
        status: 'running',
        subject: null,
        last_event: 1,
        attempt: 1,
        finished_at: null,
      },
    })
    expect((await ann.get<{ runs: Run[] }>('/runs?status=running')).body.runs.map((run) => run.id)).toEqual([
      id,
    ])
    const stopped = await ann.delete<Run>(`/runs/${id}`)
    expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped', last_event: 2 } })
    expect(Number.isNaN(Date.parse(stopped.body.finished_at ?? ''))).toBe(false)
    expect(await ann.delete<Run>(`/runs/${id}`)).toMatchObject({ status: 200, body: stopped.body })
    expect((await ann.get<{ runs: Run[] }>('/runs?status=running')).body).toEqual({ runs: [] })
    expect((await ann.get<{ runs: Run[] }>('/runs')).body.runs).toHaveLength(1)
  })

  test('returns its error when it failed', async () => {
    const { runs, ann } = opened
    const { id, worker } = await startRun(runs, ann.id)
    worker.fail(new Error('inside'))
    await readAll(runs, id)
    const { body } = await ann.get<Run>(`/runs/${id}`)
    expect(body).toMatchObject({ status: 'failed', error: { code: 'internal' } })
    expect(JSON.stringify(body)).not.toContain('inside')
  })

  test('returns 404 to other users', async () => {
    const { runs, ann, bob, server } = opened
    const { id, worker } = await startRun(runs, ann.id)
    await worker.context.emit({ token: 'secret' })
    await worker.context.flush()
    for (const path of [
      `/runs/${id}`,
      `/runs/${id}/events`,
      `/runs/${id}/events?after=1`,
      `/runs/${id}/events?after=99`,
    ])
      expect(await bob.get<ErrorResponse>(path), path).toMatchObject({
        status: 404,
        body: { error: { code: 'run_not_found' } },
      })
    expect(await bob.delete(`/runs/${id}`)).toMatchObject({ status: 404 })
    expect((await bob.get<{ runs: Run[] }>('/runs')).body).toEqual({ runs: [] })
    expect((await createTestClient(opened.url, 'nonsense').get(`/runs/${id}`)).status).toBe(401)
    for (const unknown of [bob.id, 'nonsense'])
      expect(await ann.get(`/runs/${unknown}/events`)).toMatchObject({ status: 404 })
    expect((await server.call('HEAD', `/runs/${id}/events`)).status).toBe(405)
    worker.complete()
    await readAll(runs, id)
  })

  test('can be read by everybody when it is shared, and stopped by the user who started it', async () => {
    const { runs, ann, bob } = opened
    runs.register('shared', {
      shared: true,
      work: async ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
      close: async () => ({ event: 'stopped' }),
    })
    const { run } = await runs.start({ kind: 'shared', userId: ann.id, input: {} })
    expect((await bob.get<Run>(`/runs/${run.id}`)).status).toBe(200)
    const response = await bob.fetch(`/runs/${run.id}/events`)
    expect(await bob.delete<ErrorResponse>(`/runs/${run.id}`)).toMatchObject({
      status: 403,
      body: { error: { code: 'run_not_yours' } },
    })
    expect((await ann.delete(`/runs/${run.id}`)).status).toBe(200)
    expect(await collectEvents(response)).toEqual([{ id: 1, data: { event: 'stopped' } }])
  })

  test('is visible to an API key restricted to an avee only within that avee', async () => {
    const { runs, ann } = opened
    const avee = (await ann.post<{ id: string }>('/avees', { handle: 'scoped', display_name: 'S' })).body
    const key = (await ann.post<{ key: string }>('/api-keys', { name: 'bound', avee_id: avee.id })).body
    const bound = createTestClient(opened.url, key.key)
    const { run } = await runs.start({ kind: 'test', userId: ann.id, scope: avee.id, input: {} })
    const { run: other } = await runs.start({ kind: 'test', userId: ann.id, input: {} })
    expect((await bound.get(`/runs/${run.id}`)).status).toBe(200)
    expect((await bound.get(`/runs/${other.id}`)).status).toBe(404)
    expect((await bound.delete(`/runs/${other.id}`)).status).toBe(404)
    expect((await bound.get<{ runs: Run[] }>('/runs')).body.runs.map(({ id }) => id)).toEqual([run.id])
    for (const { id } of [run, other]) (await runs.workers.next(id)).complete()
    await readAll(runs, run.id)
    await readAll(runs, other.id)
  })
})
