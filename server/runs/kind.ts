import type { AliasedExpression, RawBuilder } from 'kysely'
import type { Failure, RunStatus } from '../../contract/runs.ts'
import type { Trx } from '../db/index.ts'

/** The data of a caller that decides which runs they may see. */
export type Viewer = { userId: string; aveeId: string | null }

/** One event of a run's log, numbered from 1. `data` is its JSON text on one line. */
export type RunEvent = { n: number; data: string }

/** The content of an event. */
export type EventBody = Record<string, unknown>

/** A frame of a protocol: an object, sent as JSON, or a string. */
export type Frame = EventBody | string

/**
 * Renders one log in one format for one reader. It receives every event from the start of the log, in order; an event
 * without frames is omitted.
 */
export type Renderer = (event: EventBody) => Frame[]

/** The log as one reader may see it now, not when it was written. */
export type LogView = {
  /**
   * Returns the replacement of an event; undefined for the event itself. @throws 404 when the reader may no
   * longer see the run
   */
  show(event: RunEvent): EventBody | undefined | Promise<EventBody>
  /** Whether `show` must be called with every event from the start of the log. */
  needsWholeLog: boolean
}

/** The format that is the log itself. */
export const canonicalFormat = 'gabee'

/** A `LogView` in one format. */
export type FrameView = {
  framesOf(event: RunEvent): string[] | Promise<string[]>
  needsWholeLog: boolean
}

export type RunRecord<Input = unknown> = {
  id: string
  kind: string
  userId: string
  subject: string | null
  scope: string | null
  input: Input
  status: RunStatus
  /** 1 at first; incremented by each takeover. */
  attempt: number
  lastEvent: number
  error: Failure | null
  createdAt: Date
  finishedAt: Date | null
  /** Its events were deleted by retention; its result remains where its kind stored it. */
  eventsExpired: boolean
  /** Every signed-in user can read it, see `RunKind.shared`. */
  shared: boolean
  /** See `RunKind.isChat`. */
  isChat: boolean
}

/**
 * Why a worker's signal was aborted: `stopped` by a user, `handed-over` at shutdown or because another node took over
 * the run.
 */
export type AbortReason = 'stopped' | 'handed-over'

/**
 * The interface of a worker. It is independent of requests, so that the end of a request does not affect it. Once the
 * signal has fired, emit, flush and commit reject.
 */
export type RunContext<Input> = {
  readonly run: RunRecord<Input>
  readonly signal: AbortSignal
  /** `NewRun.preloaded` on the node that started the run; undefined after a takeover. */
  readonly preloaded: unknown
  /**
   * Appends an event, which must not be changed afterwards. Resolves before it is committed, but waits while too many
   * events are uncommitted.
   */
  emit(event: EventBody): Promise<void>
  /** Resolves when all events emitted so far are committed. */
  flush(): Promise<void>
  /**
   * Appends one or more events and writes rows in one transaction that only the current owner of the run can commit:
   * the log contains the events if and only if the rows are stored, and a worker that has lost its run stores nothing.
   * After a lost connection `store` is called again in a new transaction; it takes effect once. Throws what `store`
   * throws, without appending an event.
   */
  commit(events: EventBody | EventBody[], store: (trx: Trx) => Promise<void>): Promise<void>
  /**
   * Ends the run like a completion returned by `work`, except that the run continues if the completion throws.
   * Afterwards `work` returns undefined.
   */
  complete(completion: Completion): Promise<void>
  /** Commits an item of a batch, perhaps in one transaction with those of other runs. */
  commitTogether<Item>(batch: Batch<Item>, item: Item): Promise<void>
  /** Reads the committed log from its start, with the events of earlier attempts. */
  events(): Promise<RunEvent[]>
}

/**
 * A successful end: the last events, which may be read in the transaction that ends the run, and rows to store in it,
 * once it is certain that the owner of the run has not changed.
 */
export type Completion = {
  event: EventBody | ((trx: Trx) => Promise<EventBody[]>)
  store?: (trx: Trx) => Promise<void>
}

/**
 * Events and rows that several runs can commit by the same statements. When it throws, it is called again with each item
 * alone, in a transaction of its own; that run gets the error.
 */
export type Batch<Item> = {
  /** Whether the runs end, as by `complete`, or continue, as by `commit`. */
  ends: boolean
  /** Returns the events of each item. */
  events(trx: Trx, items: Item[]): Promise<EventBody[][]>
  /** Stores the rows of the items, once it is certain that the owners of their runs have not changed. */
  store(trx: Trx, items: Item[]): Promise<void>
}

/** Any other end. */
export type Closing = { status: 'stopped' } | { status: 'failed'; error: Failure }

/**
 * A kind of long operation, registered by the module that implements it.
 *
 * `work` is independent of requests. After a crash it is called again with `run.attempt` > 1 and must be able to
 * continue from `run.input` and the events so far. `close` is called when the run is stopped, throws or has no attempts
 * left: it stores the remaining result from the committed events, in the closing transaction, and returns the last
 * event.
 */
export type RunKind<Input = unknown> = {
  /** Returns undefined after `context.complete`. */
  work(context: RunContext<Input>): Promise<Completion | undefined>
  close(run: RunRecord<Input>, closing: Closing, events: RunEvent[], trx: Trx): Promise<EventBody>
  /** Merges two adjacent events of one commit, such as tokens; undefined keeps both. */
  merge?(first: EventBody, second: EventBody): EventBody | undefined
  /** The formats that its logs can be read in, besides the canonical one. */
  formats?: string[]
  /** Creates a renderer of one of `formats`. */
  renderer?(run: RunRecord<Input>, format: string): Renderer
  /** Creates the view of a reader who may see the run; without it, events are sent as they were written. */
  view?(run: RunRecord<Input>, viewer: Viewer): Promise<LogView>
  /** The default format of a run's log; the canonical one by default. */
  defaultFormat?(run: RunRecord<Input>): string
  /**
   * Whether every signed-in user can read the runs, such as the download of a model; only the user who started one can
   * stop it.
   */
  shared?: boolean
  /** Whether the scope `chat` of an API key starts such a run, and is therefore enough to read it. */
  isChat?(run: { scope: string | null; input: Input }): boolean
  /** The maximum number of times a run is resumed before it is closed as failed; 5 by default. */
  maxAttempts?: number
}

export type NewRun<Input = unknown> = {
  /** The id, if rows of the caller refer to the run; generated by default. */
  id?: string
  kind: string
  userId: string
  /** While a run of this kind and subject is running, no second one starts. */
  subject?: string
  /** The id of the avee that the run belongs to: with an API key restricted to an avee, only runs of that scope are visible. */
  scope?: string
  input: Input
  /** The same key of the same user and scope returns the same run, until the run is deleted (30 days after its end). */
  idempotencyKey?: string | undefined
  /** The first events of the log, stored together with the run. */
  events?: EventBody[] | undefined
  /** Data that the worker would otherwise read again; not stored. */
  preloaded?: unknown
}

/**
 * Rows to store together with a new run: in its transaction, or in its statement as further common table expressions,
 * which takes one round trip. These select `from run`, which is empty when the run was not created. Such a statement can
 * also read `columns`: `onStored` gets them before the worker starts, unless the connection was lost.
 */
export type WithRun = ((trx: Trx, runId: string) => Promise<void>) | RunStatement
export type RunStatement = {
  expressions: RawBuilder<unknown>
  columns?: AliasedExpression<unknown, string>[]
  onStored?(row: object): void
  /** Further work in the transaction of the statement, after `onStored`. */
  store?(trx: Trx): Promise<void>
}

/** `created`: a new run; `repeated`: the run of an earlier request with the same key; `busy`: the running run of the same subject. */
export type StartResult = { outcome: 'created' | 'repeated' | 'busy'; run: RunRecord }

/** Runs of a user, of a scope, of a kind, of a kind and subject, or ended ones of a kind and scope whose input contains one of the texts. */
export type RunSelector =
  | { userId: string }
  | { scope: string }
  | { kind: string }
  | { kind: string; subject: string }
  | { kind: string; scope: string; mentions: string[] }
