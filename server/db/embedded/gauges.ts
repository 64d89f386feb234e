/** Numbers that the engine's thread keeps and other threads read without asking, in shared memory. */
export type Gauges = BigInt64Array<SharedArrayBuffer>

export const gauge = {
  /** fsyncs that reached the operating system since the thread began. */
  syncs: 0,
  /** Bytes by which the WAL grew since the thread began, in whole pages. */
  walBytes: 1,
  /** The session's `statement_timeout` in ms, 0 for none; the engine cannot keep it itself. */
  statementTimeout: 2,
  /** 1 while a transaction is open. */
  inTransaction: 3,
} as const

export const newGauges = (): Gauges => new BigInt64Array(new SharedArrayBuffer(4 * 8))
