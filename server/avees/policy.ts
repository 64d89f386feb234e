import { type Visibility } from '../../contract/avees.ts'
import { type Layer } from '../../contract/layers.ts'

/** A user; `aveeId` is the avee that their API key is restricted to. */
export type Viewer = { userId: string; aveeId: string | null }

type AveeAccess = { id: string; ownerId: string; isLibrary: boolean; visibility: Visibility }

/**
 * Returns the highest layer of an avee that the viewer may see; null without any access. Callers must not cache it, so
 * that changed permissions apply to the next turn.
 */
export function visibleLayer(viewer: Viewer, avee: AveeAccess, granted: Layer | null): Layer | null {
  if (viewer.aveeId !== null && viewer.aveeId !== avee.id) return null
  if (viewer.userId === avee.ownerId) return 'intimate'
  if (avee.isLibrary) return null
  if (granted !== null) return granted
  // Following an avee gives no access.
  return avee.visibility === 'private' ? null : 'public'
}

/** Whether the viewer may manage an avee: its owner, but not with a restricted API key. */
export const canManage = (viewer: Viewer, avee: AveeAccess): boolean =>
  viewer.userId === avee.ownerId && viewer.aveeId === null
