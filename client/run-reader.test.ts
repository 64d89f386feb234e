import { expect, test } from 'vitest'
import { createClient } from './client.ts'
import { backoffMs, type Clock, type RunEvent, RunReader } from './run-reader.ts'

const frame = (n: number, data: object): string => `data: ${JSON.stringify(data)}\nid: ${n}\n\n`
const frames = [
  frame(1, { event: 'start', model: 'm' }),
  frame(2, { token: 'Grüße, ' }),
  frame(3, { token: '世界 🙂' }),
  frame(4, { event: 'complete' }),
]
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** The response to one request: pieces of bytes, then a clean end, a lost connection, or silence. */
type Script = {
  status?: number
  headers?: Record<string, string>
  pieces?: Uint8Array<ArrayBuffer>[]
  then?: 'end' | 'cut' | 'hang'
}

/** Creates a server that answers each request with the next script and records the cursors. */
function createScriptedServer(scripts: Script[]) {
  const cursors: (string | null)[] = []
  const play = (script: Script, signal?: AbortSignal | null): Response => {
    if (script.status === 204) return new Response(null, { status: 204 })
    const pieces = [...(script.pieces ?? [])]
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const piece = pieces.shift()
        if (piece) controller.enqueue(piece)
        else if (script.then === 'cut') controller.error(new TypeError('network error'))
        else if (script.then === 'hang')
          await new Promise<void>((resolve) => {
            signal?.addEventListener('abort', () => {
              controller.error(signal.reason)
              resolve()
            })
          })
        else controller.close()
      },
    })
    return new Response(body, { status: script.status ?? 200, headers: script.headers ?? {} })
  }
  const client = createClient({
    fetch: async (_url, init) => {
      cursors.push(new Headers(init?.headers).get('Last-Event-ID'))
      const script = scripts.shift()
      if (!script) throw new TypeError('fetch failed')
      return play(script, init?.signal)
    },
  })
  return { client, cursors, play }
}

/** Creates a clock that a test advances; due timers run in order. */
function createManualClock() {
  let now = 0
  let timers: { at: number; callback: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, callback) => {
      const timer = { at: now + milliseconds, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
  }
  const advance = (milliseconds: number): void => {
    now += milliseconds
    const due = timers.filter((timer) => timer.at <= now).sort((a, b) => a.at - b.at)
    timers = timers.filter((timer) => timer.at > now)
    for (const timer of due) timer.callback()
  }
  return { clock, advance, pendingTimers: () => timers.length }
}

function createTestReader(scripts: Script[], after = 0) {
  const server = createScriptedServer(scripts)
  const time = createManualClock()
  const seen: RunEvent[] = []
  const states: string[] = []
  let wake = (): void => undefined
  let changed = (): void => undefined
  const reader = new RunReader({
    client: server.client,
    runId: 'run',
    after,
    clock: time.clock,
    random: () => 1,
    onWake: (callback) => {
      wake = callback
      return () => undefined
    },
    onEvent: (event) => {
      seen.push(event)
      changed()
    },
    onState: (state) => {
      states.push(state.name)
      changed()
    },
  })
  /** Resolves when the condition holds; checked after each event and each change of state. */
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (condition()) resolve()
      }
      changed = check
      check()
    })
  const state = (name: string) => until(() => reader.state.name === name)
  return { ...server, ...time, reader, seen, states, until, state, wake: () => wake() }
}

const numbers = (events: RunEvent[]): number[] => events.map((event) => event.n)

test('reads a run from its first event to its last', async () => {
  const { reader, seen, states, state } = createTestReader([{ pieces: frames.map(bytes) }])
  reader.start()
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(states).toEqual(['connecting', 'reading', 'finished'])
})

test('reads the same events from single bytes', async () => {
  const whole = bytes(`: ping\n\n${frames.join('')}`)
  const { reader, seen, state } = createTestReader([
    { pieces: Array.from(whole, (byte) => Uint8Array.of(byte)) },
  ])
  reader.start()
  await state('finished')
  expect(seen.map((event) => event.data)).toEqual([
    { event: 'start', model: 'm' },
    { token: 'Grüße, ' },
    { token: '世界 🙂' },
    { event: 'complete' },
  ])
})

test('resumes without loss or repetition after a connection is lost within an event', async () => {
  const whole = bytes(frames.join(''))
  const { reader, seen, cursors, advance, state } = createTestReader([
    { pieces: [whole.slice(0, 75)], then: 'cut' },
    { pieces: [bytes(frames.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  advance(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('reconnects after a clean end before the last event', async () => {
  const { reader, seen, cursors, advance, state } = createTestReader([
    { pieces: [bytes(frames.slice(0, 3).join(''))] },
    { pieces: [bytes(frames[3] ?? '')] },
  ])
  reader.start()
  await state('waiting')
  advance(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '3'])
})

test('ignores events that it has already read', async () => {
  const { reader, seen, state } = createTestReader([{ pieces: [bytes(frames.join(''))] }], 2)
  reader.start()
  await state('finished')
  expect(numbers(seen)).toEqual([3, 4])
})

test('reconnects before a gap', async () => {
  const { reader, seen, cursors, advance, state } = createTestReader([
    { pieces: [bytes(`${frames[0]}${frames[2]}`)], then: 'hang' },
    { pieces: [bytes(frames.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  advance(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('continues from the response of the request that started the run', async () => {
  const { reader, seen, cursors, play, advance, state } = createTestReader([
    { pieces: [bytes(frames.slice(2).join(''))] },
  ])
  reader.adopt(play({ pieces: [bytes(frames.slice(0, 2).join(''))], then: 'cut' }))
  await state('waiting')
  advance(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual(['2'])
})

test('replaces a connection after 40 s without a byte', async () => {
  const { reader, seen, cursors, advance, until, state } = createTestReader([
    { pieces: [bytes(frames[0] ?? '')], then: 'hang' },
    { pieces: [bytes(frames.slice(1).join(''))] },
  ])
  reader.start()
  await until(() => seen.length === 1)
  advance(39_000)
  expect(reader.state.name).toBe('reading')
  advance(1_000)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('keeps a silent connection with pings', async () => {
  const { reader, advance, until, seen, cursors } = createTestReader([])
  let push: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (push = controller) })
  reader.adopt(new Response(body))
  push?.enqueue(bytes(frames[0] ?? ''))
  await until(() => seen.length === 1)
  advance(30_000)
  push?.enqueue(bytes(`: ping\n\n${frames[1]}`))
  await until(() => seen.length === 2)
  advance(30_000)
  expect(reader.state.name).toBe('reading')
  expect(cursors).toEqual([])
  reader.close()
})

test('a wake-up ends the backoff and replaces a stale connection', async () => {
  const { reader, seen, advance, wake, until, state, cursors } = createTestReader([
    { status: 503 },
    { pieces: [bytes(frames[0] ?? '')], then: 'hang' },
    { pieces: [bytes(frames.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  wake()
  await until(() => seen.length === 1)
  advance(10_000)
  wake()
  expect(reader.state.name).toBe('reading')
  advance(15_000)
  wake()
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, null, '1'])
})

test('ends after 204', async () => {
  const { reader, seen, state } = createTestReader([{ status: 204 }], 4)
  reader.start()
  await state('finished')
  expect(seen).toEqual([])
})

test.each([401, 403, 404, 409, 410])('status %i is final and its error is reported', async (status) => {
  const body = { error: { code: 'x', message: 'The message of the server.' }, detail: '' }
  const { reader, pendingTimers, state } = createTestReader([
    { status, pieces: [bytes(JSON.stringify(body))] },
  ])
  reader.start()
  await state('refused')
  expect(reader.state).toMatchObject({ error: { status, message: 'The message of the server.' } })
  expect(pendingTimers()).toBe(0)
})

test('waits for the time in Retry-After', async () => {
  const { reader, advance, state } = createTestReader([
    { status: 429, headers: { 'Retry-After': '9' } },
    { pieces: frames.map(bytes) },
  ])
  reader.start()
  await state('waiting')
  advance(8_999)
  expect(reader.state.name).toBe('waiting')
  advance(1)
  await state('finished')
})

test('closing clears all timers', async () => {
  const { reader, seen, until, pendingTimers } = createTestReader([
    { pieces: [bytes(frames[0] ?? '')], then: 'hang' },
  ])
  reader.start()
  await until(() => seen.length === 1)
  reader.close()
  expect(reader.state.name).toBe('closed')
  expect(pendingTimers()).toBe(0)
})

test('the backoff doubles up to a limit with jitter', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 40].map((failures) => backoffMs(failures, 0, () => 1))
  expect(pauses).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000])
  expect(backoffMs(1, 0, () => 0)).toBe(200)
  expect(backoffMs(1, 60_000, () => 0)).toBe(60_000)
})
