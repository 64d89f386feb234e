import type { RunRecord } from './kind.ts'

/** The part of a caller that decides what they may see. */
export type Reader = { userId: string; aveeId: string | null }

/** Who began a run reads it, within the avee that their API key is bound to; a shared run everybody. */
export const mayRead = (reader: Reader, run: RunRecord): boolean =>
  run.shared || (run.userId === reader.userId && (reader.aveeId === null || run.scope === reader.aveeId))

export const mayStop = (reader: Reader, run: RunRecord): boolean =>
  run.userId === reader.userId && mayRead(reader, run)
