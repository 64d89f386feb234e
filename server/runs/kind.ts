import type { RunStatus } from '../../contract/runs.ts'
import type { Trx } from '../db/index.ts'

/** One line of a run's log. `data` is the JSON text exactly as it goes over the wire. */
export type RunEvent = { n: number; data: string }

/** What an event holds before it gets its number. */
export type EventBody = Record<string, unknown>

/** What a protocol sends in one frame: an object as JSON, a string as it is. */
export type Frame = EventBody | string

/**
 * Renders one log in one format for one reader. It gets every event from the start of the log, in order; no frames
 * leave an event out.
 */
export type Renderer = (event: EventBody) => Frame[]

/** The format that is the log itself. */
export const canonicalFormat = 'gabee'

export type RunRecord<Input = unknown> = {
  id: string
  kind: string
  userId: string
  subject: string | null
  scope: string | null
  input: Input
  status: RunStatus
  /** 1 at first; rises by one each time the run is taken up again. */
  attempt: number
  lastEvent: number
  error: { code: string; message: string } | null
  createdAt: Date
  finishedAt: Date | null
  /** Its events were deleted after the time they are kept; what the run made is where its kind stored it. */
  eventsExpired: boolean
  /** Anybody who is signed in may read it, see `RunKind.shared`. */
  shared: boolean
}

/** Why a worker's signal fired: `stopped` by a person, `handed-over` at shutdown or because another node has taken the run. */
export type AbortReason = 'stopped' | 'handed-over'

/**
 * What a worker gets: nothing of any request, so nothing of a request can break it.
 * Once the signal has fired, emit, flush and commit reject: nothing more gets into the log.
 */
export type RunContext<Input> = {
  readonly run: RunRecord<Input>
  readonly signal: AbortSignal
  /** Appends an event, which must not be changed afterwards. Resolves when there is room for more (the log is behind by a bounded amount), not when it is committed. */
  emit(event: EventBody): Promise<void>
  /** Resolves when all that was emitted is committed. */
  flush(): Promise<void>
  /**
   * Appends an event and stores what belongs to it, in one transaction that only the run's present owner can commit:
   * a step is told if and only if it is stored, and a worker that has lost its run stores nothing.
   * `store` may be called again after a lost connection, each time in a new transaction, and counts once.
   * What it throws is thrown here; the event is then not appended.
   */
  commit(event: EventBody, store: (trx: Trx) => Promise<void>): Promise<void>
  /** The committed log from its start: what an earlier attempt has already told. */
  events(): Promise<RunEvent[]>
}

/** How a run ends well: its last event and what is stored with it, in one transaction. */
export type Completion = { event: EventBody; store?: (trx: Trx) => Promise<void> }

/** How a run ends otherwise. */
export type Closing = { status: 'stopped' } | { status: 'failed'; error: { code: string; message: string } }

/**
 * A kind of long operation, registered by the room that knows it.
 *
 * `work` runs apart from any request. It must be able to start over from `run.input` and the events so far:
 * after a crash it is called again with `run.attempt` > 1.
 * `close` is called instead of a completion when the run is stopped, throws, or cannot be taken up again: it stores
 * what remains (in the closing transaction, from the committed events) and gives the last event.
 */
export type RunKind<Input = unknown> = {
  work(context: RunContext<Input>): Promise<Completion>
  close(run: RunRecord<Input>, closing: Closing, events: RunEvent[], trx: Trx): Promise<EventBody>
  /** Two neighbouring events of one commit as one, where that keeps their meaning (tokens); undefined keeps both. */
  merge?(first: EventBody, second: EventBody): EventBody | undefined
  /** The formats that its logs can be read in, besides the canonical one. */
  formats?: string[]
  /** Creates a renderer of one of `formats`. */
  renderer?(run: RunRecord<Input>, format: string): Renderer
  /** The format that a run's log is read in when the reader names none; the canonical one when left out. */
  defaultFormat?(run: RunRecord<Input>): string
  /** True for what concerns everybody, such as a model's download: anybody signed in may read the run, only who began it may stop it. */
  shared?: boolean
  /** How often it may be taken up again before it is closed as failed; 5 when left out. */
  maxAttempts?: number
}

export type NewRun<Input = unknown> = {
  /** Made by the caller where its own rows must name it; otherwise made here. */
  id?: string
  kind: string
  userId: string
  /** While a run of this kind and subject is running, no second one starts. */
  subject?: string
  /** An avee's id where the run belongs to one: a caller whose API key is bound to an avee sees only runs with that scope. */
  scope?: string
  input: Input
  /** The same key of the same user gives the same run, until the run is deleted (30 days after its end). */
  idempotencyKey?: string
}

/** `created` is a new run; `repeated` the run of an earlier request with the same key; `busy` the running run of the same subject. */
export type Started = { outcome: 'created' | 'repeated' | 'busy'; run: RunRecord }

/** What runs may belong to: a person, a scope, or what a kind of run is about. */
export type Belonging = { userId: string } | { scope: string } | { kind: string; subject: string }

/** The door of this room. */
export type Runs = {
  register<Input>(kind: string, definition: RunKind<Input>): void
  /** Writes the run and, in the same transaction, what the caller adds; then its worker starts. @throws 409 when the idempotency key is that of a run of another kind */
  start<Input>(run: NewRun<Input>, store?: (trx: Trx, runId: string) => Promise<void>): Promise<Started>
  get(id: string): Promise<RunRecord | undefined>
  /**
   * How a reader turns each event, from the start of the log, into the data of its frames; undefined for the canonical
   * format, whose frames are the events. Without `format`, the one that the run was asked in.
   * @throws 400 for a format that this kind of run does not have
   */
  renderer(run: RunRecord, format?: string): ((event: RunEvent) => string[]) | undefined
  list(userId: string, filter: { status?: RunStatus; scope?: string; limit: number }): Promise<RunRecord[]>
  /** The committed events after `after`, in batches: first what is there, then live, ending after the last event of a finished run. Ends early when the signal fires or this node shuts down; throws `run_events_expired` when they are no longer kept. */
  follow(id: string, after: number, signal: AbortSignal): AsyncGenerator<RunEvent[], void, void>
  /** Asks the run to stop, wherever it runs, and waits for its end. A finished run is returned as it is. */
  stop(id: string): Promise<RunRecord | undefined>
  /** Stops what runs and deletes all of them with their logs: for what is about to be deleted itself. */
  forget(of: Belonging): Promise<void>
  /** Deletes expired events and runs in small steps, until none is left or the signal fires. */
  prune(signal: AbortSignal): Promise<void>
  /** Begins to take up runs that nobody works on; call once, after every kind is registered. */
  open(): Promise<void>
  /** Counts for metrics and status. */
  stats(): { running: number; readers: number; events: number; commits: number }
  /** Takes no new work, lets short runs end within the grace period, hands the rest over, flushes. */
  [Symbol.asyncDispose](): Promise<void>
}
