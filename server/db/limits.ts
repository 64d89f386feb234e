/** Limits and timeouts of the database. */
export const defaultLimits = {
  /** Connections to a PostgreSQL server, besides the one for notifications. */
  maxConnections: 10,
  /** How long a caller waits for a free connection; a second connection requested inside a transaction can only time out. */
  connectTimeoutMs: 30_000,
  /** The timeout of one statement; a transaction that needs longer sets a local `statement_timeout`. */
  statementTimeoutMs: 60_000,
  /** How long a transaction may wait for its next statement. */
  idleInTransactionTimeoutMs: 60_000,
  /** How long running statements may take when the database is closed. */
  closeTimeoutMs: 5_000,
}

export type Limits = typeof defaultLimits
