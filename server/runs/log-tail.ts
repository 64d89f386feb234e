import type { RunEvent } from './kind.ts'

/** Limits of a tail: enough for up-to-date readers, with little memory. */
const maxEvents = 512
const maxCharacters = 256 * 1024

/**
 * This node's view of one run's log: the number of its last committed event, whether it has ended, and its last events.
 * Both the writer and the remote reader report to it; repeated and outdated reports have no effect.
 */
export class LogTail {
  readonly id: string
  /** False until this node has read the state of the run. */
  isKnown = false
  lastEvent = 0
  isFinished = false
  /** Notified of every change. */
  readonly listeners = new Set<() => void>()
  #events: RunEvent[] = []
  #characters = 0

  constructor(id: string) {
    this.id = id
  }

  /** Adds committed events, in order and without a gap between them. */
  publish(events: RunEvent[]): void {
    const added = events.filter(({ n }) => n > this.lastEvent)
    const first = added[0]
    if (!first) return
    if (first.n !== this.lastEvent + 1) this.#clear()
    for (const event of added) {
      this.#events.push(event)
      this.#characters += event.data.length
      this.lastEvent = event.n
    }
    this.isKnown = true
    this.#trim()
    this.#notify()
  }

  /** Records that the log reaches `lastEvent`, and that it is complete when `isFinished`. */
  advance(lastEvent: number, isFinished: boolean): void {
    if (this.isKnown && lastEvent <= this.lastEvent && isFinished === this.isFinished) return
    if (lastEvent > this.lastEvent) {
      this.#clear()
      this.lastEvent = lastEvent
    }
    this.isKnown = true
    this.isFinished ||= isFinished
    this.#notify()
  }

  /** Returns the events after `cursor`; undefined when the tail begins later and they must be read from the table. */
  eventsAfter(cursor: number): RunEvent[] | undefined {
    const first = this.#events[0]
    if (!first || first.n > cursor + 1) return undefined
    return this.#events.slice(cursor + 1 - first.n)
  }

  #trim(): void {
    let drop = Math.max(0, this.#events.length - maxEvents)
    let characters = this.#characters
    for (const [index, event] of this.#events.entries()) {
      if (index >= drop && characters <= maxCharacters) break
      characters -= event.data.length
      drop = Math.max(drop, index + 1)
    }
    this.#events.splice(0, drop)
    this.#characters = characters
  }

  #clear(): void {
    this.#events = []
    this.#characters = 0
  }

  #notify(): void {
    for (const listener of this.listeners) listener()
  }
}

/** The tails in use: of the runs that this node works on, and of those that are read here. */
export class LogTails {
  /** True once this node shuts down: readers end and continue on another node. */
  isClosed = false
  /** The number of readers that follow a run here. */
  readerCount = 0
  readonly #tails = new Map<string, { tail: LogTail; references: number }>()

  get(id: string): LogTail | undefined {
    return this.#tails.get(id)?.tail
  }

  /** Returns the run's tail, which is kept until it has been released as often as it was acquired. */
  acquire(id: string): LogTail {
    const entry = this.#tails.get(id) ?? { tail: new LogTail(id), references: 0 }
    entry.references += 1
    this.#tails.set(id, entry)
    return entry.tail
  }

  release(id: string): void {
    const entry = this.#tails.get(id)
    if (!entry) return
    entry.references -= 1
    if (entry.references === 0) this.#tails.delete(id)
  }

  ids(): string[] {
    return [...this.#tails.keys()]
  }

  close(): void {
    this.isClosed = true
    for (const { tail } of this.#tails.values()) for (const listener of tail.listeners) listener()
  }
}
