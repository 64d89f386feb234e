import { expect, test } from 'vitest'
import { createClient } from './client.ts'
import { backoffMs, type Clock, type RunEvent, RunReader } from './run-reader.ts'

const frame = (n: number, data: object): string => `data: ${JSON.stringify(data)}\nid: ${n}\n\n`
const story = [
  frame(1, { event: 'start', model: 'm' }),
  frame(2, { token: 'Grüße, ' }),
  frame(3, { token: '世界 🙂' }),
  frame(4, { event: 'complete' }),
]
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** What one request gets: bytes in pieces, then an end, a cut, or silence. */
type Script = {
  status?: number
  headers?: Record<string, string>
  pieces?: Uint8Array<ArrayBuffer>[]
  then?: 'end' | 'cut' | 'hang'
}

/** A server that plays one script per request and notes what was asked for. */
function playedServer(scripts: Script[]) {
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

/** Time that passes only when told to; due timers run in their order. */
function playedClock() {
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
  const pass = (milliseconds: number): void => {
    now += milliseconds
    const due = timers.filter((timer) => timer.at <= now).sort((a, b) => a.at - b.at)
    timers = timers.filter((timer) => timer.at > now)
    for (const timer of due) timer.callback()
  }
  return { clock, pass, waiting: () => timers.length }
}

function reading(scripts: Script[], after = 0) {
  const server = playedServer(scripts)
  const time = playedClock()
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
  /** Resolves when the condition holds; looked at after each event and each change of state. */
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve()
      }
      changed = look
      look()
    })
  const state = (name: string) => until(() => reader.state.name === name)
  return { ...server, ...time, reader, seen, states, until, state, wake: () => wake() }
}

const numbers = (events: RunEvent[]): number[] => events.map((event) => event.n)

test('reads a run from its first event to its last', async () => {
  const { reader, seen, states, state } = reading([{ pieces: story.map(bytes) }])
  reader.start()
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(states).toEqual(['connecting', 'reading', 'finished'])
})

test('reads the same events from single bytes', async () => {
  const whole = bytes(`: ping\n\n${story.join('')}`)
  const { reader, seen, state } = reading([{ pieces: Array.from(whole, (byte) => Uint8Array.of(byte)) }])
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
  const whole = bytes(story.join(''))
  const { reader, seen, cursors, pass, state } = reading([
    { pieces: [whole.slice(0, 75)], then: 'cut' },
    { pieces: [bytes(story.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  pass(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('reconnects after a clean end before the last event', async () => {
  const { reader, seen, cursors, pass, state } = reading([
    { pieces: [bytes(story.slice(0, 3).join(''))] },
    { pieces: [bytes(story[3] ?? '')] },
  ])
  reader.start()
  await state('waiting')
  pass(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '3'])
})

test('ignores events that it has already read', async () => {
  const { reader, seen, state } = reading([{ pieces: [bytes(story.join(''))] }], 2)
  reader.start()
  await state('finished')
  expect(numbers(seen)).toEqual([3, 4])
})

test('reconnects before a gap', async () => {
  const { reader, seen, cursors, pass, state } = reading([
    { pieces: [bytes(`${story[0]}${story[2]}`)], then: 'hang' },
    { pieces: [bytes(story.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  pass(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('continues from the response of the request that started the run', async () => {
  const { reader, seen, cursors, play, pass, state } = reading([{ pieces: [bytes(story.slice(2).join(''))] }])
  reader.adopt(play({ pieces: [bytes(story.slice(0, 2).join(''))], then: 'cut' }))
  await state('waiting')
  pass(400)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual(['2'])
})

test('replaces a connection after 40 s without a byte', async () => {
  const { reader, seen, cursors, pass, until, state } = reading([
    { pieces: [bytes(story[0] ?? '')], then: 'hang' },
    { pieces: [bytes(story.slice(1).join(''))] },
  ])
  reader.start()
  await until(() => seen.length === 1)
  pass(39_000)
  expect(reader.state.name).toBe('reading')
  pass(1_000)
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, '1'])
})

test('keeps a silent connection with pings', async () => {
  const { reader, pass, until, seen, cursors } = reading([])
  let push: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (push = controller) })
  reader.adopt(new Response(body))
  push?.enqueue(bytes(story[0] ?? ''))
  await until(() => seen.length === 1)
  pass(30_000)
  push?.enqueue(bytes(`: ping\n\n${story[1]}`))
  await until(() => seen.length === 2)
  pass(30_000)
  expect(reader.state.name).toBe('reading')
  expect(cursors).toEqual([])
  reader.close()
})

test('a wake-up ends the backoff and replaces a stale connection', async () => {
  const { reader, seen, pass, wake, until, state, cursors } = reading([
    { status: 503 },
    { pieces: [bytes(story[0] ?? '')], then: 'hang' },
    { pieces: [bytes(story.slice(1).join(''))] },
  ])
  reader.start()
  await state('waiting')
  wake()
  await until(() => seen.length === 1)
  pass(10_000)
  wake()
  expect(reader.state.name).toBe('reading')
  pass(15_000)
  wake()
  await state('finished')
  expect(numbers(seen)).toEqual([1, 2, 3, 4])
  expect(cursors).toEqual([null, null, '1'])
})

test('ends after 204', async () => {
  const { reader, seen, state } = reading([{ status: 204 }], 4)
  reader.start()
  await state('finished')
  expect(seen).toEqual([])
})

test.each([401, 403, 404, 409, 410])('an answer %i is final and says why', async (status) => {
  const body = { error: { code: 'x', message: 'The sentence of the server.' }, detail: '' }
  const { reader, waiting, state } = reading([{ status, pieces: [bytes(JSON.stringify(body))] }])
  reader.start()
  await state('refused')
  expect(reader.state).toMatchObject({ error: { status, message: 'The sentence of the server.' } })
  expect(waiting()).toBe(0)
})

test('waits as long as Retry-After says', async () => {
  const { reader, pass, state } = reading([
    { status: 429, headers: { 'Retry-After': '9' } },
    { pieces: story.map(bytes) },
  ])
  reader.start()
  await state('waiting')
  pass(8_999)
  expect(reader.state.name).toBe('waiting')
  pass(1)
  await state('finished')
})

test('closing clears all timers', async () => {
  const { reader, seen, until, waiting } = reading([{ pieces: [bytes(story[0] ?? '')], then: 'hang' }])
  reader.start()
  await until(() => seen.length === 1)
  reader.close()
  expect(reader.state.name).toBe('closed')
  expect(waiting()).toBe(0)
})

test('the backoff doubles up to a limit with jitter', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 40].map((failures) => backoffMs(failures, 0, () => 1))
  expect(pauses).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000])
  expect(backoffMs(1, 0, () => 0)).toBe(200)
  expect(backoffMs(1, 60_000, () => 0)).toBe(60_000)
})
