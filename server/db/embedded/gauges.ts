/** Figures in shared memory that the engine's thread writes and other threads read. */
export type Gauges = BigInt64Array<SharedArrayBuffer>

export const gauge = {
  /** Calls of fsync since the thread started. */
  syncs: 0,
  /** Bytes by which the WAL grew since the thread started, in whole pages. */
  walBytes: 1,
  /** The session's `statement_timeout`, 0 for none; the engine cannot enforce it itself. */
  statementTimeoutMs: 2,
  /** 1 while a transaction is open. */
  inTransaction: 3,
} as const

export const newGauges = (): Gauges => new BigInt64Array(new SharedArrayBuffer(4 * 8))
