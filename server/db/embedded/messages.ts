import type { Gauges } from './gauges.ts'

/** What the engine's thread is started with. `create`: make a database in `dir`, write it down and end. */
export type WorkerStart = { dir: string; gauges: Gauges; statementTimeout: number; create: boolean }

/** `session` counts connections: the answer to one that is gone is nobody's. */
export type ToWorker = { type: 'unit'; session: number; unit: Uint8Array } | { type: 'close' }

export type FromWorker =
  | { type: 'ready' }
  | { type: 'answer'; session: number; bytes: Uint8Array<ArrayBuffer> }
  /** The engine cannot go on; the thread ends. */
  | { type: 'broken'; reason: string }
  | { type: 'closed' }
