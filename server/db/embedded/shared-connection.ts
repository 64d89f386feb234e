import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { databaseBusy } from '../errors.ts'
import type { ConnectionSource } from '../pool.ts'

/** Statements that do not change the session. */
const independent = /^\s*(?:select|insert|update|delete|with)\b/i

/**
 * Lets callers share the only connection of the embedded database, in the order of their statements. Independent
 * statements are sent without waiting for earlier responses, so that the engine always has its next one. A caller that
 * sends anything else (the start of a transaction, a setting) has exclusive use of the connection until it is released.
 *
 * An unused connection returns to the pool, where other callers wait for it. Statements wait up to `timeoutMs` for
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
  let failure: Error | undefined

  class Holder extends EventEmitter {
    async query(statement: pg.QueryConfig): Promise<unknown> {
      if (exclusive !== this) await turn(this, !independent.test(statement.text))
      client ??= connect()
      const opened = await client
      return opened.query(statement)
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

  async function turn(holder: Holder, isExclusive: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const own = { holder, isExclusive, start: resolve, reject }
    waiting.push(own)
    const timeout = setTimeout(() => {
      waiting = waiting.filter((other) => other !== own)
      reject(databaseBusy(new Error(`no turn within ${timeoutMs} ms`)))
    }, timeoutMs)
    settle()
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
    while (exclusive === undefined && failure === undefined) {
      if (client !== undefined && pool.waitingCount > 0) return
      const next = waiting.shift()
      if (next === undefined) return
      users.add(next.holder)
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
