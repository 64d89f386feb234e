import { validate as isUuid } from 'uuid'
import { layersWithin } from '../../contract/layers.ts'
import type { Avees } from '../avees/index.ts'
import type { Access } from './store/memories.ts'

/** A user, and the one avee that their API key is restricted to. */
export type Viewer = { userId: string; aveeId: string | null }

/**
 * Users can access only their own memories, also with avees of others, up to their current access layer. Memories of
 * wider layers are not listed or counted, but can be forgotten.
 */
export function memoryPolicy(avees: Pick<Avees, 'view' | 'getLayer'>) {
  return {
    /** Returns the layers of these avees that a viewer can access; none for an avee that is hidden from them. */
    async accessTo(viewer: Viewer, aveeIds: string[]): Promise<Access[]> {
      const all = await Promise.all(
        aveeIds.map(async (aveeId) => {
          if (viewer.aveeId !== null && viewer.aveeId !== aveeId) return []
          const layer = await avees.getLayer(viewer.userId, aveeId).catch(() => undefined)
          return layer ? layersWithin(layer).map((each) => ({ aveeId, layer: each })) : []
        }),
      )
      return all.flat()
    },

    /**
     * Returns the id of an avee. An id is accepted even if the avee is now hidden from the viewer, so that they can
     * forget its memories.
     */
    async aveeId(viewer: Viewer, idOrHandle: string): Promise<string> {
      if (isUuid(idOrHandle) && (viewer.aveeId === null || viewer.aveeId === idOrHandle.toLowerCase()))
        return idOrHandle.toLowerCase()
      return (await avees.view(viewer, idOrHandle)).avee.id
    },
  }
}
