import type { RunRecord, Viewer } from './kind.ts'

/**
 * Users can read their own runs, within the avee that their API key is restricted to; everybody can read shared runs.
 */
export const canRead = (viewer: Viewer, run: RunRecord): boolean =>
  run.shared || (run.userId === viewer.userId && (viewer.aveeId === null || run.scope === viewer.aveeId))

export const canStop = (viewer: Viewer, run: RunRecord): boolean =>
  run.userId === viewer.userId && canRead(viewer, run)
