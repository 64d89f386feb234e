import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { databaseBusy } from '../errors.ts'
import type { ConnectionSource } from '../pool.ts'

/** Statements that leave the session as it is. */
const independent = /^\s*(?:select|insert|update|delete|with)\b/i

/**
 * Statements that the engine has not answered: enough that it has its next ones while the main thread is busy, few
 * enough that a statement of an earlier caller soon precedes all others. With 8, the first tokens of 50 questions at
 * once took half as long again: `node bench/runs.ts --only turn`.
 */
const maxUnanswered = 32

/**
 * Lets callers share the only connection of the embedded database, in the order in which they connected: one that keeps
 * its connection precedes those that came after it, as it would with a connection of its own. Independent statements are
 * sent without waiting for earlier responses, so that the engine always has its next one. A caller that sends anything
 * else (the start of a transaction, a setting) has exclusive use of the connection until it is released.
 *
 * An unused connection returns to the pool, for whose other callers it is next. Statements wait up to `timeoutMs` for
 * their turn.
 */
export function shareConnection(
  pool: pg.Pool,
  timeoutMs: number,
): ConnectionSource & { waitingCount(): number } {
  type Turn = { holder: Holder; isExclusive: boolean; start: () => void; reject: (error: Error) => void }

  let waiting: Turn[] = []
  let client: Promise<pg.PoolClient> | undefined
  const users = new Set<Holder>()
  let exclusive: Holder | undefined
  let unanswered = 0
  let failure: Error | undefined
  let holderCount = 0

  class Holder extends EventEmitter {
    readonly number = ++holderCount
    unanswered = 0

    async query(statement: pg.QueryConfig): Promise<unknown> {
      if (exclusive === this) begin(this)
      else await turn(this, !independent.test(statement.text))
      client ??= connect()
      let isAnswered = false
      try {
        const result = await (await client).query(statement)
        isAnswered = true
        return result
      } finally {
        this.unanswered -= 1
        unanswered -= 1
        // After an error the caller may still have the connection closed.
        if (isAnswered && this.unanswered === 0 && exclusive !== this) users.delete(this)
        settle()
      }
    }

    /** With an error, the connection is closed once nobody uses it. */
    release(error?: Error): void {
      if (error !== undefined) {
        for (const { holder, reject } of waiting) if (holder === this) reject(error)
        waiting = waiting.filter(({ holder }) => holder !== this)
        if (users.has(this)) failure ??= error
      }
      users.delete(this)
      if (exclusive === this) exclusive = undefined
      settle()
    }
  }

  async function connect(): Promise<pg.PoolClient> {
    const opened = await pool.connect()
    opened.once('error', onLost)
    settle()
    return opened
  }

  function onLost(error: Error): void {
    failure ??= error
    for (const user of users) user.emit('error', error)
  }

  function begin(holder: Holder): void {
    users.add(holder)
    holder.unanswered += 1
    unanswered += 1
  }

  /** Waits until the holder may send a statement. */
  async function turn(holder: Holder, isExclusive: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const own = { holder, isExclusive, start: resolve, reject }
    const previous = waiting.findLastIndex((other) => other.holder.number <= holder.number)
    waiting.splice(previous + 1, 0, own)
    settle()
    if (!waiting.includes(own)) return
    const timeout = setTimeout(() => {
      waiting = waiting.filter((other) => other !== own)
      reject(databaseBusy(new Error(`no turn within ${timeoutMs} ms`)))
    }, timeoutMs)
    try {
      await promise
    } finally {
      clearTimeout(timeout)
    }
  }

  /** Returns the connection to the pool when nobody uses it; starts the statements whose turn it is. */
  function settle(): void {
    if (users.size === 0 && client !== undefined) {
      const reason = failure
      client.then(
        (opened) => {
          opened.off('error', onLost)
          opened.release(reason)
        },
        () => {},
      )
      client = undefined
      failure = undefined
    }
    while (exclusive === undefined && failure === undefined && unanswered < maxUnanswered) {
      if (client !== undefined && pool.waitingCount > 0) return
      const next = waiting.shift()
      if (next === undefined) return
      begin(next.holder)
      if (next.isExclusive) exclusive = next.holder
      next.start()
    }
  }

  return {
    options: pool.options,
    connect: async () => new Holder(),
    end: async () => pool.end(),
    /** Statements that wait for their turn. */
    waitingCount: () => waiting.length,
  }
}
