/** How much the store takes and how long it waits, in ms. */
export type Limits = {
  /** Connections to a PostgreSQL server, besides the one that listens. */
  connections: number
  /** For a free connection, before the caller gets an error: what asks for a second one inside a transaction ends here. */
  wait: number
  /** For one statement; a transaction that needs longer says `set local statement_timeout`. */
  statement: number
  /** For the next statement of an open transaction. */
  idleInTransaction: number
  /** For what still runs when the store is closed. */
  close: number
}

export const LIMITS: Limits = {
  connections: 10,
  wait: 30_000,
  statement: 60_000,
  idleInTransaction: 60_000,
  close: 5_000,
}
