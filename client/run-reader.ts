import { createParser } from 'eventsource-parser'
import { readRunEvents } from '../contract/runs.ts'
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
  /** Called after every change of state. */
  onState?: (state: RunState) => void
  /** Returns whether an event is the last of its run; by default recognizes the last events of all kinds of runs. */
  isLast?: (data: Record<string, unknown>) => boolean
  clock?: Clock
  random?: () => number
  /** Subscribes to events that show that the device or its network is back; by default those of the page. */
  onWake?: (wake: () => void) => () => void
}

export type Clock = {
  now: () => number
  after: (milliseconds: number, callback: () => void) => () => void
}

/** The server sends a `: ping` every 15 s: after this time without a byte the connection is dead. */
const deadAfterMs = 40_000
/** After a wake-up, a connection that was silent for longer than one ping is replaced. */
const staleAfterMs = 20_000
const initialBackoffMs = 400
const maxBackoffMs = 15_000

/** Returns the time before the next attempt: exponential backoff with a limit; half of it is random. */
export function backoffMs(failures: number, minMs: number, random: () => number): number {
  const full = Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.max(0, failures - 1))
  return Math.max(minMs, full * (0.5 + random() / 2))
}

/**
 * Reads one run until its last event, over any number of connections: `onEvent` gets every event once and in order.
 * Reading begins with `start` or `adopt`.
 */
export class RunReader {
  readonly #options: RunReaderOptions
  readonly #clock: Clock
  readonly #isLast: (data: Record<string, unknown>) => boolean
  #state: RunState
  #connection: AbortController | undefined
  #cancelPause: (() => void) | undefined
  #cancelWatch: (() => void) | undefined
  #unsubscribeFromWakes: (() => void) | undefined
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

  /** Starts reading. */
  start(): void {
    this.#listen()
    this.#handle({ type: 'start' })
  }

  /** Starts with the response of the request that started the run, and reconnects if it ends early. */
  adopt(response: Response): void {
    this.#listen()
    const connection = this.#newConnection()
    this.#handle({ type: 'adopt' })
    void this.#read(response, connection)
  }

  /** Stops reading. The run itself continues. */
  close(): void {
    this.#handle({ type: 'close' })
  }

  #listen(): void {
    const onWake = this.#options.onWake ?? onPageWake
    this.#unsubscribeFromWakes ??= onWake(() =>
      this.#handle({ type: 'wake', quiet: this.#clock.now() - this.#lastByteAt > staleAfterMs }),
    )
  }

  #handle(input: RunInput, event?: RunEvent): void {
    const [next, ...commands] = transition(this.#state, input)
    const changed = next.name !== this.#state.name
    this.#state = next
    for (const command of commands) this.#execute(command, event)
    if (next.name === 'finished' || next.name === 'refused' || next.name === 'closed') this.#release()
    if (changed) this.#options.onState?.(next)
  }

  #execute(command: RunCommand, event: RunEvent | undefined): void {
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
        const delayMs = backoffMs(command.failures, command.minMs, this.#options.random ?? Math.random)
        this.#cancelWatch?.()
        this.#cancelPause = this.#clock.after(delayMs, () => this.#handle({ type: 'due' }))
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

  #release(): void {
    this.#cancelPause?.()
    this.#cancelWatch?.()
    this.#unsubscribeFromWakes?.()
    this.#unsubscribeFromWakes = undefined
    this.#connection = undefined
  }

  #newConnection(): AbortController {
    const connection = new AbortController()
    this.#connection = connection
    this.#lastByteAt = this.#clock.now()
    this.#watch(connection)
    return connection
  }

  /** Checks the time of the last byte with one timer per connection instead of a new timer per byte. */
  #watch(connection: AbortController, wait = deadAfterMs): void {
    this.#cancelWatch?.()
    this.#cancelWatch = this.#clock.after(wait, () => {
      if (connection !== this.#connection) return
      const left = this.#lastByteAt + deadAfterMs - this.#clock.now()
      if (left <= 0) this.#handle({ type: 'silent' })
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
      if (known && !known.isTransient) this.#handle({ type: 'refused', error: known })
      else this.#handle({ type: 'lost', error: known })
      return
    }
    if (connection !== this.#connection) return
    if (response.status === 204) {
      this.#handle({ type: 'nothing-more' })
      return
    }
    this.#handle({ type: 'opened' })
    await this.#read(response, connection)
  }

  async #read(response: Response, connection: AbortController): Promise<void> {
    const current = (): boolean => connection === this.#connection
    // Both decoder and parser remove a byte order mark; only the parser should.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const parser = createParser({
      onEvent: (message) => {
        if (!current()) return
        const event = readEvent(message.id, message.data)
        if (event) this.#handle({ type: 'event', n: event.n, last: this.#isLast(event.data) }, event)
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
      this.#handle({ type: 'ended' })
    } catch {
      if (current()) this.#handle({ type: 'lost', error: undefined })
    } finally {
      connection.signal.removeEventListener('abort', giveUp)
    }
  }
}

/** Returns undefined for an event without a number or without JSON: the next event reveals the gap. */
function readEvent(id: string | undefined, data: string): RunEvent | undefined {
  const n = Number(id)
  if (id === undefined || !Number.isSafeInteger(n) || n < 1) return undefined
  try {
    const parsed: unknown = JSON.parse(data)
    if (typeof parsed === 'object' && parsed !== null) return { n, data: parsed as Record<string, unknown> }
  } catch {
    // Not JSON.
  }
  return undefined
}

/** Recognizes the last events of all kinds of runs: complete, stopped, done, success of a download, error. */
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
  // The wall clock, because monotonic clocks pause while a device sleeps.
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Calls `wake` when the page is shown again or the network is back. */
export function onPageWake(wake: () => void): () => void {
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
