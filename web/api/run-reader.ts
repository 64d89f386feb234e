import { createParser } from 'eventsource-parser'
import { readRunEvents } from '../../contract/runs.ts'
import { ApiError, type Client } from './client.ts'
import { type RunCommand, type RunInput, type RunState, transition } from './run-machine.ts'

/** One event of a run: its number and its parsed JSON. */
export type RunEvent = { n: number; data: Record<string, unknown> }

export type RunReaderOptions = {
  client: Client
  runId: string
  /** Start after this event; 0 reads the whole log. */
  after?: number
  onEvent: (event: RunEvent) => void
  /** Called whenever the state has changed. */
  onState?: (state: RunState) => void
  /** Which event is the run's last; the common forms are known. */
  isLast?: (data: Record<string, unknown>) => boolean
  clock?: Clock
  random?: () => number
  /** Where signs of waking up come from; the page when there is one. */
  wakes?: (wake: () => void) => () => void
}

export type Clock = {
  now: () => number
  after: (milliseconds: number, callback: () => void) => () => void
}

/** The server sends at least a `: ping` every 15 s: after this long without a byte the connection is dead. */
const deadAfter = 40_000
/** After waking up, a connection that was quiet for longer than one ping is not trusted. */
const doubtfulAfter = 20_000
const firstPause = 400
const longestPause = 15_000

/** The pause before the next attempt: doubles with every failure, up to a limit, with half of it random. */
export function pauseFor(failures: number, atLeast: number, random: () => number): number {
  const full = Math.min(longestPause, firstPause * 2 ** Math.max(0, failures - 1))
  return Math.max(atLeast, full * (0.5 + random() / 2))
}

/**
 * Follows one run until its last event, whatever happens to the connection: every event is given to `onEvent` once and
 * in order. Nothing happens before `start` or `adopt`.
 */
export class RunReader {
  readonly #options: RunReaderOptions
  readonly #clock: Clock
  readonly #isLast: (data: Record<string, unknown>) => boolean
  #state: RunState
  #connection: AbortController | undefined
  #cancelPause: (() => void) | undefined
  #cancelWatch: (() => void) | undefined
  #stopWakes: (() => void) | undefined
  #lastByteAt = 0

  constructor(options: RunReaderOptions) {
    this.#options = options
    this.#clock = options.clock ?? realClock
    this.#isLast = options.isLast ?? isLastEvent
    this.#state = { name: 'idle', cursor: options.after ?? 0 }
  }

  get state(): RunState {
    return this.#state
  }

  /** Begins to read the run's events. */
  start(): void {
    this.#listen()
    this.#take({ type: 'start' })
  }

  /** Begins with the answer of the request that started the run; goes on by itself when that ends early. */
  adopt(response: Response): void {
    this.#listen()
    const connection = this.#newConnection()
    this.#take({ type: 'adopt' })
    void this.#read(response, connection)
  }

  /** Stops reading. The run itself goes on. */
  close(): void {
    this.#take({ type: 'close' })
  }

  #listen(): void {
    const wakes = this.#options.wakes ?? pageWakes
    this.#stopWakes ??= wakes(() =>
      this.#take({ type: 'wake', quiet: this.#clock.now() - this.#lastByteAt > doubtfulAfter }),
    )
  }

  #take(input: RunInput, event?: RunEvent): void {
    const [next, ...commands] = transition(this.#state, input)
    const changed = next.name !== this.#state.name
    this.#state = next
    for (const command of commands) this.#carryOut(command, event)
    if (next.name === 'finished' || next.name === 'refused' || next.name === 'closed') this.#rest()
    if (changed) this.#options.onState?.(next)
  }

  #carryOut(command: RunCommand, event: RunEvent | undefined): void {
    switch (command.type) {
      case 'connect':
        void this.#connect(command.after)
        break
      case 'disconnect':
        this.#connection?.abort()
        this.#connection = undefined
        this.#cancelWatch?.()
        break
      case 'pause': {
        const pause = pauseFor(command.failures, command.atLeast, this.#options.random ?? Math.random)
        this.#cancelWatch?.()
        this.#cancelPause = this.#clock.after(pause, () => this.#take({ type: 'due' }))
        break
      }
      case 'cancel-pause':
        this.#cancelPause?.()
        break
      case 'deliver':
        if (event) this.#options.onEvent(event)
        break
    }
  }

  #rest(): void {
    this.#cancelPause?.()
    this.#cancelWatch?.()
    this.#stopWakes?.()
    this.#stopWakes = undefined
    this.#connection = undefined
  }

  #newConnection(): AbortController {
    const connection = new AbortController()
    this.#connection = connection
    this.#lastByteAt = this.#clock.now()
    this.#watch(connection)
    return connection
  }

  /** One timer per connection, which looks at the time of the last byte instead of being set anew for each. */
  #watch(connection: AbortController, wait = deadAfter): void {
    this.#cancelWatch?.()
    this.#cancelWatch = this.#clock.after(wait, () => {
      if (connection !== this.#connection) return
      const left = this.#lastByteAt + deadAfter - this.#clock.now()
      if (left <= 0) this.#take({ type: 'silent' })
      else this.#watch(connection, left)
    })
  }

  async #connect(after: number): Promise<void> {
    const connection = this.#newConnection()
    let response: Response
    try {
      response = await this.#options.client.open(readRunEvents, {
        params: { id: this.#options.runId },
        query: { format: 'gabee' },
        headers: { Accept: 'text/event-stream', ...(after > 0 ? { 'Last-Event-ID': String(after) } : {}) },
        signal: connection.signal,
      })
    } catch (error) {
      if (connection !== this.#connection) return
      const known = error instanceof ApiError ? error : undefined
      if (known && !known.isTransient) this.#take({ type: 'refused', error: known })
      else this.#take({ type: 'lost', error: known })
      return
    }
    if (connection !== this.#connection) return
    if (response.status === 204) {
      this.#take({ type: 'nothing-more' })
      return
    }
    this.#take({ type: 'opened' })
    await this.#read(response, connection)
  }

  async #read(response: Response, connection: AbortController): Promise<void> {
    const current = (): boolean => connection === this.#connection
    // Decoder and parser would each drop a byte order mark; only the parser may.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const parser = createParser({
      onEvent: (message) => {
        if (!current()) return
        const event = readEvent(message.id, message.data)
        if (event) this.#take({ type: 'event', n: event.n, last: this.#isLast(event.data) }, event)
      },
    })
    const reader = response.body?.getReader()
    const giveUp = (): void => void reader?.cancel().catch(() => undefined)
    connection.signal.addEventListener('abort', giveUp, { once: true })
    try {
      while (reader) {
        const { done, value } = await reader.read()
        if (!current()) return
        if (done) break
        this.#lastByteAt = this.#clock.now()
        parser.feed(decoder.decode(value, { stream: true }))
        if (!current()) return
      }
      this.#take({ type: 'ended' })
    } catch {
      if (current()) this.#take({ type: 'lost', error: undefined })
    } finally {
      connection.signal.removeEventListener('abort', giveUp)
    }
  }
}

/** An event without a number, or one that is not JSON, has no place in the log: what follows shows the gap. */
function readEvent(id: string | undefined, data: string): RunEvent | undefined {
  const n = Number(id)
  if (id === undefined || !Number.isSafeInteger(n) || n < 1) return undefined
  try {
    const parsed: unknown = JSON.parse(data)
    if (typeof parsed === 'object' && parsed !== null) return { n, data: parsed as Record<string, unknown> }
  } catch {
    // Fall through: unreadable.
  }
  return undefined
}

/** The forms that a run's last event takes: complete, stopped or done; a pull's success; an error. */
function isLastEvent(data: Record<string, unknown>): boolean {
  const event = data['event']
  return (
    event === 'complete' ||
    event === 'stopped' ||
    event === 'done' ||
    data['done'] === true ||
    data['status'] === 'success' ||
    'error' in data
  )
}

const realClock: Clock = {
  // The wall clock, as others stand still while a machine sleeps.
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** A phone that wakes, a page that is shown again, a network that is back. */
function pageWakes(wake: () => void): () => void {
  if (typeof window === 'undefined') return () => undefined
  const shown = (): void => {
    if (document.visibilityState === 'visible') wake()
  }
  document.addEventListener('visibilitychange', shown)
  window.addEventListener('online', wake)
  window.addEventListener('pageshow', wake)
  return () => {
    document.removeEventListener('visibilitychange', shown)
    window.removeEventListener('online', wake)
    window.removeEventListener('pageshow', wake)
  }
}
