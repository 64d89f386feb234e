import type { Kysely, Transaction } from 'kysely'
import type { Tables } from './tables.ts'

/** A connection or a transaction: what a store's functions take, so that a caller can put several in one transaction. */
export type Db = Kysely<Tables>
export type Trx = Transaction<Tables>

/** The store: PostgreSQL, or the same dialect embedded in this process' data directory. */
export type Database = {
  readonly kind: 'embedded' | 'postgres'
  readonly db: Db
  /**
   * Runs `work` in one transaction; throwing rolls back. Inside, use only the handed transaction: embedded there is a
   * single connection. Nothing is tried again by itself. Throws, besides what `work` does, AppErrors of status 503:
   * `database_conflict` (a deadlock; nothing was stored), `database_timeout` (a statement took too long, or none came),
   * `database_busy` (no connection was free in time; nothing was stored) and `database_away` (the connection was lost).
   * If a commit itself was lost or took too long, it may have happened. Single statements on `db` throw the same.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>
  /** Calls back with each payload sent on the channel, by any node, after its commit. Hints may be lost when the connection is: `onReconnect` is then called. */
  listen(
    channel: string,
    onPayload: (payload: string) => void,
    onReconnect?: () => void,
  ): Promise<() => Promise<void>>
  /** Sends a payload (under 8,000 bytes) to the channel's listeners on every node, this one included, once `on` commits. */
  notify(on: Db | Trx, channel: string, payload: string): Promise<void>
  /** One round trip; throws when the store is away. */
  ping(): Promise<void>
  /** Numbers for the metrics, at no cost: connections, how many of them are idle, how many callers wait for one; more of the embedded. */
  stats(): { connections: number; idle: number; waiting: number } & Record<string, number>
  [Symbol.asyncDispose](): Promise<void>
}
