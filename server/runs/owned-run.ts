import { eventTooLarge } from './errors.ts'
import type { AbortReason, EventBody, RunEvent, RunKind, RunRecord } from './kind.ts'

const maxEventCharacters = 1024 * 1024
/** The number of uncommitted events from which `emit` waits. */
const maxQueuedEvents = 256
const maxQueuedCharacters = 1024 * 1024
/** The approximate size up to which events are merged into one. */
const maxMergedCharacters = 16 * 1024

/** The error of a worker that writes after its run was stopped or handed over. */
export class RunInterrupted extends Error {
  override readonly name = 'AbortError'
  readonly reason: AbortReason

  constructor(reason: AbortReason) {
    super(`The run was ${reason}; its log accepts no more events from this worker.`)
    this.reason = reason
  }
}

/** JSON does not escape these, and some clients (those that use Python's `splitlines`) end a line at them. */
const lineTerminators = /[\u0085\u2028\u2029]/g

/** Returns the JSON text of an event, on one line for every client. */
export function encode(body: EventBody): string {
  const data = JSON.stringify(body).replace(
    lineTerminators,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  if (data.length > maxEventCharacters) throw eventTooLarge(data.length, maxEventCharacters)
  return data
}

export type QueuedEvent = { body: EventBody; data: string }

/**
 * A run that this node works on, with the emitted events that are not yet in the log.
 *
 *     emit ─→ queue ─→ commit ─→ log
 *
 * Either the node's writer takes events from the queue (together with those of all other runs), or a caller with
 * exclusive access (the finisher, a commit with rows), never both.
 */
export class OwnedRun {
  readonly record: RunRecord
  readonly kind: RunKind | undefined
  /** Whether the run was claimed after its owner had crashed, not started here. */
  readonly isTakeover: boolean
  readonly preloaded: unknown
  /** The number of the last committed event. */
  lastCommitted: number
  /** A caller has exclusive access: the writer skips the run. */
  isExclusive = false
  isCommitting = false
  /** Ended, fenced off or released: this node no longer owns it. */
  isReleased = false
  /** Resolves when the worker has ended, for any reason. */
  finished: Promise<void> = Promise.resolve()
  #queue: QueuedEvent[] = []
  #pushedCount = 0
  #committedCount = 0
  #queuedCharacters = 0
  #isClosed = false
  #listeners: (() => void)[] = []
  #exclusive: Promise<unknown> = Promise.resolve()
  readonly #abort = new AbortController()

  constructor(record: RunRecord, kind: RunKind | undefined, isTakeover: boolean, preloaded?: unknown) {
    this.record = record
    this.kind = kind
    this.isTakeover = isTakeover
    this.preloaded = preloaded
    this.lastCommitted = record.lastEvent
  }

  get id(): string {
    return this.record.id
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get abortReason(): AbortReason | undefined {
    return this.signal.aborted ? (this.signal.reason as AbortReason) : undefined
  }

  get #uncommittedCount(): number {
    return this.#pushedCount - this.#committedCount
  }

  /** Aborts the worker's signal, after which its events are refused. Has no effect once the worker has ended. */
  abort(reason: AbortReason): void {
    if (!this.#isClosed) this.#abort.abort(reason)
    this.#notify()
  }

  /** Marks the worker as ended: further events are refused, and a stop has no effect. */
  close(): void {
    this.#isClosed = true
  }

  release(): void {
    this.isReleased = true
    this.#isClosed = true
    this.#notify()
  }

  assertOpen(): void {
    const { abortReason } = this
    if (abortReason) throw new RunInterrupted(abortReason)
    if (this.#isClosed) throw new Error(`The worker of run ${this.id} has ended and can no longer write.`)
  }

  push(body: EventBody): void {
    const data = encode(body)
    this.#queue.push({ body, data })
    this.#pushedCount += 1
    this.#queuedCharacters += data.length
  }

  async waitForCapacity(): Promise<void> {
    while (this.#uncommittedCount >= maxQueuedEvents || this.#queuedCharacters >= maxQueuedCharacters) {
      await this.nextChange()
      this.assertOpen()
    }
  }

  /** Resolves when all events pushed so far are committed. */
  async waitForCommit(): Promise<void> {
    const target = this.#pushedCount
    while (this.#committedCount < target) {
      await this.nextChange()
      this.assertOpen()
    }
  }

  /** Resolves at the next change: events were committed, the signal was aborted, or the run was released. */
  async nextChange(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve))
  }

  /** Removes up to `limit` events from the queue; the caller then calls `markCommitted` or `requeue`. */
  dequeue(limit = Number.POSITIVE_INFINITY): QueuedEvent[] {
    return limit >= this.#queue.length ? this.#queue.splice(0) : this.#queue.splice(0, limit)
  }

  requeue(events: QueuedEvent[]): void {
    this.#queue.unshift(...events)
  }

  /** Numbers dequeued events; adjacent ones that the kind can merge become one event. */
  toEvents(queued: QueuedEvent[]): RunEvent[] {
    const texts: string[] = []
    let current: QueuedEvent | undefined
    let isMerged = false
    const finish = () => {
      if (current) texts.push(isMerged ? encode(current.body) : current.data)
    }
    for (const next of queued) {
      const merged = current && this.#merge(current, next)
      if (current && merged) {
        current = { body: merged, data: current.data + next.data }
        isMerged = true
      } else {
        finish()
        current = next
        isMerged = false
      }
    }
    finish()
    return texts.map((data, index) => ({ n: this.lastCommitted + 1 + index, data }))
  }

  #merge(first: QueuedEvent, second: QueuedEvent): EventBody | undefined {
    if (first.data.length + second.data.length > maxMergedCharacters) return undefined
    return this.kind?.merge?.(first.body, second.body)
  }

  /** Records that dequeued events were committed, as `events`. */
  markCommitted(queued: QueuedEvent[], events: RunEvent[]): void {
    this.lastCommitted += events.length
    this.#committedCount += queued.length
    for (const { data } of queued) this.#queuedCharacters -= data.length
    this.#notify()
  }

  hasQueued(): boolean {
    return this.#queue.length > 0
  }

  /** Runs `work` with exclusive access to this run; further callers wait. */
  async runExclusively<T>(work: () => Promise<T>): Promise<T> {
    const previous = this.#exclusive
    const current = Promise.withResolvers<void>()
    this.#exclusive = current.promise
    await previous
    this.isExclusive = true
    try {
      while (this.isCommitting) await this.nextChange()
      return await work()
    } finally {
      this.isExclusive = false
      current.resolve()
    }
  }

  #notify(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const resolve of listeners) resolve()
  }

  endCommit(): void {
    this.isCommitting = false
    this.#notify()
  }
}
