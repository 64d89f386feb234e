import type { Gauges } from './gauges.ts'

/** What the engine's thread is started with. `create`: make a database in `dir`, write it down and end. */
export type WorkerStart = { dir: string; gauges: Gauges; statementTimeout: number; create: boolean }

/** `session` counts connections: the answer to one that is gone is nobody's. */
export type ToWorker = { type: 'unit'; session: number; unit: Uint8Array<ArrayBuffer> } | { type: 'close' }

export type FromWorker =
  | { type: 'ready' }
  | { type: 'answer'; session: number; bytes: Uint8Array<ArrayBuffer> }
  /** The engine cannot go on; the thread ends. */
  | { type: 'broken'; reason: string }
  | { type: 'closed' }

/** What is moved to the other thread with the bytes: they themselves, where copying would cost more. */
export const moved = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer[] =>
  bytes.byteLength > 1 << 16 ? [bytes.buffer] : []
