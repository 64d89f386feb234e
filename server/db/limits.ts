/** How long the store waits, in ms. */
export type Limits = {
  /** For a free connection, before the caller gets an error: a transaction that waits for another inside itself ends here. */
  wait: number
  /** For one statement; `set local statement_timeout` gives another limit to a transaction that needs it. */
  statement: number
  /** For the next statement of an open transaction. */
  idleInTransaction: number
}

export const LIMITS: Limits = { wait: 30_000, statement: 60_000, idleInTransaction: 60_000 }
