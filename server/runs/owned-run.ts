import { eventTooLarge } from './errors.ts'
import type { AbortReason, EventBody, RunEvent, RunKind, RunRecord } from './kind.ts'

const maxEventCharacters = 1024 * 1024
/** How far a worker may be ahead of the log before it has to wait. */
const maxPendingEvents = 256
const maxPendingCharacters = 1024 * 1024
/** Events are merged into one of about this size at most. */
const maxMergedCharacters = 16 * 1024

/** Thrown at a worker that writes after its run was stopped or handed over. */
export class RunInterrupted extends Error {
  override readonly name = 'AbortError'
  readonly reason: AbortReason

  constructor(reason: AbortReason) {
    super(`The run was ${reason}; nothing more gets into its log.`)
    this.reason = reason
  }
}

/** JSON leaves these as they are, and some clients (those that use Python's `splitlines`) end a line at them. */
const lineEnds = /[\u0085\u2028\u2029]/g

/** An event's JSON text, on one line for every client. */
export function encode(body: EventBody): string {
  const data = JSON.stringify(body).replace(
    lineEnds,
    (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  if (data.length > maxEventCharacters) throw eventTooLarge(data.length, maxEventCharacters)
  return data
}

export type Pending = { body: EventBody; data: string }

/**
 * A run in this node's hands: what its worker has said and the log does not hold yet.
 *
 *     emit ─→ queue ─→ in a commit ─→ settled
 *
 * Either the node's writer takes from the queue (with those of all other runs), or somebody who has the run `alone`
 * (an ending, a commit with rows), never both.
 */
export class OwnedRun {
  readonly record: RunRecord
  readonly kind: RunKind | undefined
  /** Taken up after its owner was gone, not begun here. */
  readonly takenUp: boolean
  /** The number of the last committed event. */
  committed: number
  /** The writer leaves it out while somebody has it alone. */
  held = false
  inCommit = false
  /** Ended, fenced or given back: nothing of it is this node's any more. */
  gone = false
  /** Resolves when the worker has returned, however. */
  settled: Promise<void> = Promise.resolve()
  #queue: Pending[] = []
  #emitted = 0
  #written = 0
  #pendingCharacters = 0
  #closed = false
  #waiting: (() => void)[] = []
  #turn: Promise<unknown> = Promise.resolve()
  readonly #abort = new AbortController()

  constructor(record: RunRecord, kind: RunKind | undefined, takenUp: boolean) {
    this.record = record
    this.kind = kind
    this.takenUp = takenUp
    this.committed = record.lastEvent
  }

  get id(): string {
    return this.record.id
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get reason(): AbortReason | undefined {
    return this.signal.aborted ? (this.signal.reason as AbortReason) : undefined
  }

  get pending(): number {
    return this.#emitted - this.#written
  }

  /** The worker's events are no longer wanted; its signal fires. Too late once the worker has ended. */
  abort(reason: AbortReason): void {
    if (!this.#closed) this.#abort.abort(reason)
    this.#changed()
  }

  /** The worker has ended: a stop comes too late now, and what it still says is refused. */
  close(): void {
    this.#closed = true
  }

  leave(): void {
    this.gone = true
    this.#closed = true
    this.#changed()
  }

  refuseUnlessOpen(): void {
    const { reason } = this
    if (reason) throw new RunInterrupted(reason)
    if (this.#closed) throw new Error(`The worker of run ${this.id} has ended and cannot write any more.`)
  }

  push(body: EventBody): void {
    const data = encode(body)
    this.#queue.push({ body, data })
    this.#emitted += 1
    this.#pendingCharacters += data.length
  }

  async roomForMore(): Promise<void> {
    while (this.pending >= maxPendingEvents || this.#pendingCharacters >= maxPendingCharacters) {
      await this.change()
      this.refuseUnlessOpen()
    }
  }

  async flushed(): Promise<void> {
    const target = this.#emitted
    while (this.#written < target) {
      await this.change()
      this.refuseUnlessOpen()
    }
  }

  /** Resolves at the next change: something was written, the signal fired, the run is gone. */
  async change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** What waits for the log, up to `limit` events. Whoever takes it says `wrote`, or gives it back. */
  take(limit = Number.POSITIVE_INFINITY): Pending[] {
    return limit >= this.#queue.length ? this.#queue.splice(0) : this.#queue.splice(0, limit)
  }

  giveBack(taken: Pending[]): void {
    this.#queue.unshift(...taken)
  }

  /** Taken events with their numbers; neighbours that the kind can merge are one event. */
  number(taken: Pending[]): RunEvent[] {
    const texts: string[] = []
    let open: Pending | undefined
    let dirty = false
    const finish = () => {
      if (open) texts.push(dirty ? encode(open.body) : open.data)
    }
    for (const next of taken) {
      const merged = open && this.#merged(open, next)
      if (open && merged) {
        open = { body: merged, data: open.data + next.data }
        dirty = true
      } else {
        finish()
        open = next
        dirty = false
      }
    }
    finish()
    return texts.map((data, index) => ({ n: this.committed + 1 + index, data }))
  }

  #merged(first: Pending, second: Pending): EventBody | undefined {
    if (first.data.length + second.data.length > maxMergedCharacters) return undefined
    return this.kind?.merge?.(first.body, second.body)
  }

  /** Taken events stand in the log, as `events`. */
  wrote(taken: Pending[], events: RunEvent[]): void {
    this.committed += events.length
    this.#written += taken.length
    for (const { data } of taken) this.#pendingCharacters -= data.length
    this.#changed()
  }

  hasQueue(): boolean {
    return this.#queue.length > 0
  }

  /** Runs `work` while nobody else writes this run; one at a time. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const turn = Promise.withResolvers<void>()
    this.#turn = turn.promise
    await before
    this.held = true
    try {
      while (this.inCommit) await this.change()
      return await work()
    } finally {
      this.held = false
      turn.resolve()
    }
  }

  /** Wakes whoever waits for a change. */
  #changed(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  leftCommit(): void {
    this.inCommit = false
    this.#changed()
  }
}
