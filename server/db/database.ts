import type { Kysely, Transaction } from 'kysely'
import type { Snapshot } from './snapshot.ts'
import type { Tables } from './tables.ts'

/**
 * A connection or a transaction. Store functions accept both, so that callers can combine several in one transaction.
 */
export type Db = Kysely<Tables>
export type Trx = Transaction<Tables>

/** PostgreSQL, on a server or embedded in the data directory of this process. */
export type Database = {
  readonly kind: 'embedded' | 'postgres'
  readonly db: Db
  /**
   * Runs `work` in one transaction; throwing rolls back. `work` must use only the given transaction, as the embedded
   * database has a single connection. Does not retry. Throws the errors of `work`, and AppErrors with status 503:
   * `database_conflict` (a deadlock; nothing was stored), `database_timeout` (a statement took too long, or the
   * transaction was idle for too long), `database_busy` (no connection was free in time; nothing was stored) and
   * `database_away` (the connection was lost). A commit that was lost or timed out may have happened. Single statements
   * on `db` throw the same errors.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>
  /**
   * Calls `onPayload` with each payload that any node sends on the channel, after its commit. Payloads are lost while
   * the connection is lost; `onReconnect` is called afterwards. Resolves with a function that stops listening.
   */
  listen(
    channel: string,
    onPayload: (payload: string) => void,
    onReconnect?: () => void,
  ): Promise<() => Promise<void>>
  /** Sends a payload (under 8,000 bytes) to the listeners of the channel on all nodes, including this one, once `on` commits. */
  notify(on: Db | Trx, channel: string, payload: string): Promise<void>
  /**
   * Resolves when no file of the embedded database contains rows that were deleted before the call: a few seconds after
   * the last use of a small database, or after a longer idle time of a large one. On a server it resolves at once:
   * autovacuum and the retention of the WAL are the operator's.
   */
  purge(): Promise<void>
  /**
   * Calls `work` with the contents of the database at one moment, without blocking other callers. The embedded database
   * reads a copy of its files.
   */
  readSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>
  /** Makes one round trip; throws if the database is unavailable. */
  ping(): Promise<void>
  /** Whether a write of the last minute failed because the disk of the database is full. */
  isDiskFull(): boolean
  /** Connections, idle ones and callers that wait for one, without a query; the embedded database adds its own figures. */
  stats(): { connections: number; idle: number; waiting: number } & Record<string, number>
  [Symbol.asyncDispose](): Promise<void>
}
