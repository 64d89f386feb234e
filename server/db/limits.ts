/** Limits and timeouts of the database. */
export type Limits = {
  /** Connections to a PostgreSQL server, besides the one for notifications. */
  maxConnections: number
  /** How long a caller waits for a free connection; a second connection requested inside a transaction can only time out. */
  connectTimeoutMs: number
  /** Of one statement; a transaction that needs longer sets a local `statement_timeout`. */
  statementTimeoutMs: number
  /** How long a transaction may wait for its next statement. */
  idleInTransactionTimeoutMs: number
  /** How long running statements may take when the database is closed. */
  closeTimeoutMs: number
}

export const defaultLimits: Limits = {
  maxConnections: 10,
  connectTimeoutMs: 30_000,
  statementTimeoutMs: 60_000,
  idleInTransactionTimeoutMs: 60_000,
  closeTimeoutMs: 5_000,
}
