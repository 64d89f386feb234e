import { type Visibility } from '../../contract/avees.ts'
import { type Layer } from '../../contract/layers.ts'

/** Who looks: a person, and the one avee that their API key is for, if it is. */
export type Viewer = { userId: string; aveeId: string | null }

type Looked = { id: string; ownerId: string; isLibrary: boolean; visibility: Visibility }

/**
 * How far a viewer may see into an avee, given what its owner granted them; null when it is not theirs to know of.
 * Asked anew at every turn, so that what is granted or taken away counts from then on.
 */
export function visibleLayer(viewer: Viewer, avee: Looked, granted: Layer | null): Layer | null {
  // A key for one avee shows no other.
  if (viewer.aveeId !== null && viewer.aveeId !== avee.id) return null
  // The owner sees everything.
  if (viewer.userId === avee.ownerId) return 'intimate'
  // A library is its owner's alone.
  if (avee.isLibrary) return null
  // Others see what they were granted,
  if (granted !== null) return granted
  // or else the public part, unless the avee is private. Following it changes nothing.
  return avee.visibility === 'private' ? null : 'public'
}

/** The owner manages an avee; a key that is for talking to it does not. */
export const canManage = (viewer: Viewer, avee: Looked): boolean =>
  viewer.userId === avee.ownerId && viewer.aveeId === null
