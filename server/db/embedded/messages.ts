import type { Gauges } from './gauges.ts'

/** The start data of the engine's thread. `create`: create a database in `dir`, sync it to disk and exit. */
export type WorkerStart = { dir: string; gauges: Gauges; statementTimeoutMs: number; create: boolean }

/** `session` is the number of a connection: a response to a closed one is discarded. */
export type ToWorker =
  | { type: 'request'; session: number; request: Uint8Array<ArrayBuffer> }
  | { type: 'close' }

export type FromWorker =
  | { type: 'ready' }
  | { type: 'response'; session: number; bytes: Uint8Array<ArrayBuffer> }
  /** The engine cannot continue; the thread exits. */
  | { type: 'broken'; reason: string }
  | { type: 'closed' }

/** Returns the transfer list for a message with these bytes: large ones are moved instead of copied. */
export const transferListOf = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer[] =>
  bytes.byteLength > 1 << 16 ? [bytes.buffer] : []
