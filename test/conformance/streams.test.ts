import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import { startApp, type TestApp } from '../app.ts'
import {
  askStream,
  bodyOf,
  createAvee,
  createConversation,
  listMessages,
  registerUser,
  type TestUser,
} from '../builders.ts'
import type { TestResponse } from '../client.ts'
import { readEvents } from '../events.ts'
import { type ScriptedOllama, startOllama } from '../model-servers.ts'
import {
  type Event,
  expectError,
  expectErrorResponse,
  formOf,
  isoTime,
  parseResponse,
  renderedStreamOf,
  streamOf,
  until,
  uuid7,
} from './contract.ts'

let ollama: ScriptedOllama
let app: TestApp
let ann: TestUser
let bob: TestUser
let conversation: string

beforeAll(async () => {
  ollama = await startOllama()
  app = await startApp({ OLLAMA_BASE_URL: ollama.url })
  ann = await registerUser(app)
  bob = await registerUser(app)
  await createAvee(ann.client, { handle: 'ada' })
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  conversation = (await createConversation(ann.client, 'ada')).id
})

const runOf = (response: Response): string => response.headers.get('x-run-id') ?? ''
const follow = (run: string, headers: Record<string, string> = {}, query = '') =>
  ann.client.fetch(`/runs/${run}/events${query}`, { headers })
const run = async (id: string): Promise<Run> => bodyOf(await ann.client.get<Run>(`/runs/${id}`))
/** Waits for the end of a run. */
const waitForEnd = (id: string) =>
  until(async () => {
    const now = await run(id)
    return now.status !== 'running' && now
  })
const stop = async (id: string): Promise<TestResponse<unknown>> => ann.client.delete<unknown>(`/runs/${id}`)
/** Asks a question whose answer stalls after five words. */
const askStalling = async () => {
  const before = ollama.requestsTo('/api/chat').length
  ollama.script('/api/chat', {
    tokens: ['One', ' two', ' three', ' four', ' five', ' never'],
    fault: 'stall',
  })
  const response = await askStream(ann.client, conversation, 'Count!')
  // Without this, the script could remain for the next question after a quick stop.
  await ollama.waitForRequest('/api/chat', before + 1)
  return response
}
/** Asks a question and reads the whole answer. */
const answered = async (question = 'Hello') => {
  const response = await askStream(ann.client, conversation, question)
  return { id: runOf(response), events: await streamOf(response) }
}

describe('an event stream', () => {
  test('writes each event at once: one line of data, its number and a blank line', async () => {
    ollama.script('/api/chat', { tokens: ['Hello', '!'] })
    const response = await ann.client.fetch(`/chat/stream?conversation_id=${conversation}&question=Hello`, {
      method: 'POST',
    })
    const writes = (await Array.fromAsync(response.body ?? [])).map((bytes) => Buffer.from(bytes).toString())
    for (const write of writes) expect(write).toMatch(/\n\n$/)
    const printed = writes.join('')
    const [start, ...frames] = printed.split(/(?<=\n\n)/)
    expect(start).toMatch(
      /^data: \{"event":"start","model":"llama3\.2:1b","run_id":"[^"]+","message_id":"[^"]+","user_message_id":"[^"]+".*\}\nid: 1\n\n$/,
    )
    const complete = frames.pop()
    expect(complete).toMatch(
      /^data: \{"event":"complete","message_id":"[^"]+","total_tokens":2,"usage":\{"prompt_tokens":\d+,"completion_tokens":2\}.*"citations":\[\].*\}\nid: \d+\n\n$/,
    )
    // Tokens that are committed together are merged into one event.
    expect([
      ['data: {"token":"Hello"}\nid: 2\n\n', 'data: {"token":"!"}\nid: 3\n\n'],
      ['data: {"token":"Hello!"}\nid: 2\n\n'],
    ]).toContainEqual(frames)
  })

  test('has the same headers for answers, uploads, downloads and replays', async () => {
    const { id } = await answered()
    await streamOf(await follow(id))
    const files = formOf([{ name: 'a.txt', content: 'The harbour opens at dawn.' }])
    await streamOf(await ann.client.fetch('/api/documents/upload', { method: 'POST', body: files }))
    const headers = { 'content-type': 'application/json' }
    const pull = JSON.stringify({ model: 'tiny:1b' })
    await streamOf(await ann.client.fetch('/api/models/pull', { method: 'POST', headers, body: pull }))
    const message = JSON.stringify({ message: 'Hello' })
    await renderedStreamOf(await ann.client.fetch('/api/chat', { method: 'POST', headers, body: message }))
  })

  test('keeps every character on one line', async () => {
    const text = 'a\nb\r\nc\u2028d\u2029e\u0085"\\\t😀 data: x\n\nid: 9'
    ollama.script('/api/chat', { tokens: [text] })
    const { id, events } = await answered()
    expect(events.map(({ token }) => token ?? '').join('')).toBe(text)
    // Some clients end a line at these characters, so they must be escaped.
    expect(await (await follow(id)).text()).not.toMatch(/[\r\v\f\x1c-\x1e\u0085\u2028\u2029]/)
    expect((await listMessages(ann.client, conversation)).at(-1)?.content).toBe(text)
  })
})

describe('GET /runs/{id}/events', () => {
  test('replays a finished run byte for byte from any event, and ends', async () => {
    const { id } = await answered()
    const whole = await (await follow(id)).text()
    const frames = whole.split(/(?<=\n\n)/)
    for (const [i] of frames.entries()) {
      const rest = frames.slice(i).join('')
      expect(await (await follow(id, {}, `?after=${i}`)).text()).toBe(rest)
      expect(await (await follow(id, { 'last-event-id': `${i}` })).text()).toBe(rest)
    }
  })

  test('prefers Last-Event-ID to ?after=, because a reconnecting browser keeps its URL', async () => {
    const { id, events } = await answered()
    const again = await follow(id, { 'last-event-id': `${events.length - 1}` }, '?after=1')
    expect(await streamOf(again, events.length)).toEqual(events.slice(-1))
  })

  test('returns 204 when there are no further events', async () => {
    const { id, events } = await answered()
    for (const response of [
      await follow(id, {}, `?after=${events.length}`),
      await follow(id, { 'last-event-id': `${events.length}` }),
    ]) {
      expect(response.status).toBe(204)
      expect(await response.text()).toBe('')
    }
  })

  test('returns 400 for an invalid event number and 409 for one beyond the log', async () => {
    const { id, events } = await answered()
    for (const cursor of ['x', '-1', '1.5', '1e1', '0x1', 'NaN', '1;2', '99999999999999999999999']) {
      await expectErrorResponse(await follow(id, {}, `?after=${cursor}`), 400)
      await expectErrorResponse(await follow(id, { 'last-event-id': cursor }), 400)
    }
    await expectErrorResponse(await follow(id, {}, `?after=${events.length + 1}`), 409)
    await expectErrorResponse(await follow(id, { 'last-event-id': '2147483647' }), 409)
    await expectErrorResponse(await follow(id, { 'last-event-id': '4294967296' }), 409)
  })

  test('returns 409 for a number beyond the log of a running run', async () => {
    const response = await askStalling()
    await expectErrorResponse(await follow(runOf(response), { 'last-event-id': '500' }), 409)
    await stop(runOf(response))
  })

  test('replays, follows live and ends; all readers receive the same events', async () => {
    const response = await askStalling()
    const id = runOf(response)
    const early = readEvents(response)
    const seen: Event[] = []
    for await (const { data } of early) {
      seen.push(data)
      if (seen.map(({ token }) => token ?? '').join('') === 'One two three four five') break
    }
    const [second, third] = [follow(id), follow(id, { 'last-event-id': '1' })]
    await stop(id)
    const whole = await streamOf(await second)
    expect(whole.slice(0, seen.length)).toEqual(seen)
    expect(whole.at(-1)).toMatchObject({ event: 'stopped' })
    expect(await streamOf(await third, 2)).toEqual(whole.slice(1))
    expect(await streamOf(await follow(id))).toEqual(whole)
  })

  test('sends a slow reader every event', async () => {
    const tokens = Array.from({ length: 3000 }, (_, i) => ` ${'word'.repeat(20)}-${i}`)
    ollama.script('/api/chat', { tokens })
    const response = await askStream(ann.client, conversation, 'Much!')
    const reading = await follow(runOf(response))
    expect(await waitForEnd(runOf(response))).toMatchObject({ status: 'complete' })
    const events = await streamOf(reading)
    expect(events.map(({ token }) => token ?? '').join('')).toBe(tokens.join(''))
    expect(await streamOf(response)).toEqual(events)
  })
})

describe('GET /runs/{id}', () => {
  test('returns the status of a running and of a finished run', async () => {
    const response = await askStalling()
    const running = await run(runOf(response))
    expect(running).toMatchObject({
      id: runOf(response),
      kind: 'chat',
      status: 'running',
      last_event: expect.any(Number),
      created_at: expect.stringMatching(isoTime),
      finished_at: null,
    })
    expect(running.id).toMatch(uuid7)
    expect(running).not.toHaveProperty('error')
    await stop(running.id)
    const events = await streamOf(response)
    expect(await run(running.id)).toMatchObject({
      status: 'stopped',
      last_event: events.length,
      finished_at: expect.stringMatching(isoTime),
    })
  })

  test('returns the kind of the run', async () => {
    const files = formOf([{ name: 'b.txt', content: 'The lighthouse is painted red.' }])
    const upload = await ann.client.fetch('/api/documents/upload', { method: 'POST', body: files })
    const pull = await ann.client.fetch('/api/models/pull', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small:1b' }),
    })
    for (const [response, kind] of [
      [upload, 'ingest'],
      [pull, 'pull'],
    ] as const) {
      await streamOf(response)
      expect(await run(runOf(response))).toMatchObject({ kind, status: 'complete' })
    }
  })

  test('returns why a run failed', async () => {
    ollama.script('/api/chat', { tokens: ['Half', ' an', ' answer'], fault: 'die', afterTokens: 2 })
    const { id, events } = await answered()
    const error = events.at(-1)?.['error'] as { code: string; message: string }
    expect(Object.keys(error)).toEqual(['code', 'message'])
    expect(await run(id)).toMatchObject({ status: 'failed', error })
    expect((await listMessages(ann.client, conversation)).at(-1)).toMatchObject({
      content: 'Half an',
      status: 'failed',
    })
  })
})

describe('GET /runs', () => {
  test('lists the caller’s runs by status', async () => {
    const response = await askStalling()
    const listed = async ({ client }: TestUser, query: string) =>
      bodyOf(await client.get<{ runs: Run[] }>(`/runs${query}`)).runs.map(({ id }) => id)
    expect(await listed(ann, '?status=running')).toEqual([runOf(response)])
    expect(await listed(bob, '?status=running')).toEqual([])
    await stop(runOf(response))
    expect(await listed(ann, '?status=running')).toEqual([])
    expect(await listed(ann, '?status=stopped')).toContain(runOf(response))
    expect(await listed(ann, '')).toContain(runOf(response))
    expect(await listed(bob, '')).toEqual([])
    expectError(await ann.client.get('/runs?status=asleep'), 422)
  })
})

describe('DELETE /runs/{id}', () => {
  test('keeps the partial answer, closes the log and aborts the model request', async () => {
    const before = ollama.requestsTo('/api/chat').length
    const response = await askStalling()
    const asked = await ollama.waitForRequest('/api/chat', before + 1)
    const events = readEvents(response)
    let received = ''
    for await (const { data } of events) {
      received += String(data['token'] ?? '')
      if (received === 'One two three four five') break
    }
    expect(await stop(runOf(response))).toMatchObject({ status: 200 })
    await asked.closed
    expect(asked.closedEarly).toBe(true)
    const whole = await streamOf(await follow(runOf(response)))
    expect(whole.at(-1)).toMatchObject({ event: 'stopped' })
    expect((await listMessages(ann.client, conversation)).at(-1)).toMatchObject({
      content: 'One two three four five',
      status: 'stopped',
    })
  })

  test('returns 200 and changes nothing for a finished run', async () => {
    const { id, events } = await answered()
    const before = await run(id)
    expect((await stop(id)).status).toBe(200)
    expect(await run(id)).toEqual(before)
    expect(await streamOf(await follow(id))).toEqual(events)
  })

  test('stops once for concurrent requests', async () => {
    const response = await askStalling()
    const answers = await Promise.all(Array.from({ length: 8 }, () => stop(runOf(response))))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    const events = await streamOf(response)
    expect(events.filter(({ event }) => event === 'stopped')).toHaveLength(1)
  })

  test('stops an upload and keeps the finished files', async () => {
    const hang = { beforeHeaders: 'hang' as const }
    const before = ollama.requestsTo('/api/embed').length
    const first = formOf([{ name: 'kept.txt', content: 'The bell of the harbour rings at noon.' }])
    await streamOf(await ann.client.fetch('/api/documents/upload', { method: 'POST', body: first }))
    ollama.always('/api/embed', hang)
    const body = formOf([{ name: 'never.txt', content: 'The bell of the tower rings at night.' }])
    const response = await ann.client.fetch('/api/documents/upload', { method: 'POST', body })
    await ollama.waitForRequest('/api/embed', before + 2)
    expect((await stop(runOf(response))).status).toBe(200)
    ollama.always('/api/embed', undefined)
    const events = await streamOf(response)
    expect(events.at(-1)).toMatchObject({ event: 'stopped' })
    const listed = bodyOf(await ann.client.get<{ documents: { filename: string }[] }>('/api/documents/list'))
    expect(listed.documents.map(({ filename }) => filename)).toContain('kept.txt')
    expect(listed.documents.map(({ filename }) => filename)).not.toContain('never.txt')
  })
})

describe('a run', () => {
  test('completes after the client disconnects, and stores question and answer once', async () => {
    const leaving = new AbortController()
    ollama.script('/api/chat', { tokens: ['Still', ' here', '.'], delayMs: 30 })
    const response = await askStream(ann.client, conversation, 'Are you there?', { signal: leaving.signal })
    leaving.abort()
    expect(await waitForEnd(runOf(response))).toMatchObject({ status: 'complete' })
    const messages = await listMessages(ann.client, conversation)
    expect(messages.map(({ role, content, status }) => ({ role, content, status }))).toEqual([
      { role: 'user', content: 'Are you there?', status: 'complete' },
      { role: 'assistant', content: 'Still here.', status: 'complete' },
    ])
  })

  test('completes for a client that never reads the response', async () => {
    ollama.script('/api/chat', { tokens: ['Said', ' anyway'], firstDelayMs: 100 })
    const leaving = new AbortController()
    const before = ollama.requestsTo('/api/chat').length
    const asking = askStream(ann.client, conversation, 'Hello?', { signal: leaving.signal }).catch(
      () => 'left',
    )
    await ollama.waitForRequest('/api/chat', before + 1)
    leaving.abort()
    await asking
    await until(async () => (await listMessages(ann.client, conversation)).at(-1)?.status === 'complete')
    expect((await listMessages(ann.client, conversation)).map(({ content }) => content)).toEqual([
      'Hello?',
      'Said anyway',
    ])
  })

  test('is the same for every request with the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once-only' }
    const all = await Promise.all(
      Array.from({ length: 6 }, () => askStream(ann.client, conversation, 'Once?', { headers })),
    )
    const streams = await Promise.all(all.map((response) => streamOf(response)))
    for (const events of streams) expect(events).toEqual(streams[0])
    const late = await askStream(ann.client, conversation, 'Once?', { headers })
    expect(runOf(late)).toBe(runOf(all[0] as Response))
    expect(await streamOf(late)).toEqual(streams[0])
    expect(await listMessages(ann.client, conversation)).toHaveLength(2)
    const waited = await ann.client.post<{ message_id: string }>(
      '/chat/ask',
      { conversation_id: conversation, question: 'Once?' },
      { headers },
    )
    expect(waited).toMatchObject({ status: 200, body: { message_id: streams[0]?.[0]?.['message_id'] } })
    expect(await listMessages(ann.client, conversation)).toHaveLength(2)
  })

  test('has an Idempotency-Key per user', async () => {
    const headers = { 'idempotency-key': 'mine' }
    const mine = await askStream(ann.client, conversation, 'Mine?', { headers })
    const theirs = await createConversation(bob.client, 'ada')
    const other = await askStream(bob.client, theirs.id, 'Mine?', { headers })
    expect(runOf(other)).not.toBe(runOf(mine))
    await Promise.all([streamOf(mine), streamOf(other)])
  })

  test('makes a second question in its conversation return 409 with its id', async () => {
    const response = await askStalling()
    const id = runOf(response)
    for (const answer of [
      await parseResponse(await askStream(ann.client, conversation, 'And?')),
      await ann.client.post<unknown>('/chat/ask', { conversation_id: conversation, question: 'And?' }),
    ]) {
      const { details } = expectError(answer, 409)
      expect(details).toMatchObject({ run_id: id })
    }
    await stop(id)
    await streamOf(response)
    expect((await answered('And now?')).events.at(-1)).toMatchObject({ event: 'complete' })
  })

  test('is visible only to users with access to its subject', async () => {
    const { id } = await answered()
    const live = await askStalling()
    for (const hidden of [id, runOf(live)]) {
      expectError(await bob.client.get(`/runs/${hidden}`), 404)
      expectError(await bob.client.delete(`/runs/${hidden}`), 404)
      await expectErrorResponse(await bob.client.fetch(`/runs/${hidden}/events`), 404)
      await expectErrorResponse(await bob.client.fetch(`/runs/${hidden}/events?after=9999`), 404)
      await expectErrorResponse(await app.fetch(`/runs/${hidden}/events`), 401)
    }
    expect((await run(runOf(live))).status).toBe('running')
    await stop(runOf(live))
    await live.text()
  })
})
