import type { RunEvent } from './kind.ts'

/** What a feed keeps of a log's end, for readers that are up to date: more than a screenful, little memory. */
const tailEvents = 512
const tailCharacters = 256 * 1024

/**
 * What this node knows of one run's log: the number of its last committed event, whether it has ended, and the last
 * few events. Knowledge only grows, so the writer and the tailer may report the same thing twice or out of order.
 */
export class Feed {
  readonly id: string
  /** False until this node has heard of the run's state. */
  known = false
  last = 0
  finished = false
  /** Called on every change; readers look for themselves what is new to them. */
  readonly watchers = new Set<() => void>()
  #tail: RunEvent[] = []
  #characters = 0

  constructor(id: string) {
    this.id = id
  }

  /** Committed events in order, without a gap among them. */
  publish(events: RunEvent[]): void {
    const fresh = events.filter(({ n }) => n > this.last)
    const first = fresh[0]
    if (!first) return
    if (first.n !== this.last + 1) this.#forget()
    for (const event of fresh) {
      this.#tail.push(event)
      this.#characters += event.data.length
      this.last = event.n
    }
    this.known = true
    this.#trim()
    this.#tell()
  }

  /** The log is known to reach `last`, and to be complete when `finished`. */
  advance(last: number, finished: boolean): void {
    if (this.known && last <= this.last && finished === this.finished) return
    if (last > this.last) {
      this.#forget()
      this.last = last
    }
    this.known = true
    this.finished ||= finished
    this.#tell()
  }

  /** The events after `cursor` when the tail reaches back so far; undefined when they must be read from the table. */
  after(cursor: number): RunEvent[] | undefined {
    const first = this.#tail[0]
    if (!first || first.n > cursor + 1) return undefined
    return this.#tail.slice(cursor + 1 - first.n)
  }

  #trim(): void {
    let drop = Math.max(0, this.#tail.length - tailEvents)
    let characters = this.#characters
    for (const [index, event] of this.#tail.entries()) {
      if (index >= drop && characters <= tailCharacters) break
      characters -= event.data.length
      drop = Math.max(drop, index + 1)
    }
    this.#tail.splice(0, drop)
    this.#characters = characters
  }

  #forget(): void {
    this.#tail = []
    this.#characters = 0
  }

  #tell(): void {
    for (const watcher of this.watchers) watcher()
  }
}

/** The feeds that somebody needs: the runs worked on here, and those read here. */
export class Feeds {
  /** True when this node shuts down: readers end, and go on elsewhere. */
  closed = false
  /** How many readers follow a run here at this moment. */
  readers = 0
  readonly #feeds = new Map<string, { feed: Feed; users: number }>()

  get(id: string): Feed | undefined {
    return this.#feeds.get(id)?.feed
  }

  /** Keeps the run's feed until it is let go as often as it was taken. */
  take(id: string): Feed {
    const entry = this.#feeds.get(id) ?? { feed: new Feed(id), users: 0 }
    entry.users += 1
    this.#feeds.set(id, entry)
    return entry.feed
  }

  letGo(id: string): void {
    const entry = this.#feeds.get(id)
    if (!entry) return
    entry.users -= 1
    if (entry.users === 0) this.#feeds.delete(id)
  }

  ids(): string[] {
    return [...this.#feeds.keys()]
  }

  close(): void {
    this.closed = true
    for (const { feed } of this.#feeds.values()) for (const watcher of feed.watchers) watcher()
  }
}
