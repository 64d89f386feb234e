import type { RunRecord } from './kind.ts'

/** The part of a caller that decides which runs they may see. */
export type Viewer = { userId: string; aveeId: string | null }

/** A user can read their own runs, within the avee that their API key is restricted to; everybody can read a shared run. */
export const canRead = (viewer: Viewer, run: RunRecord): boolean =>
  run.shared || (run.userId === viewer.userId && (viewer.aveeId === null || run.scope === viewer.aveeId))

export const canStop = (viewer: Viewer, run: RunRecord): boolean =>
  run.userId === viewer.userId && canRead(viewer, run)
