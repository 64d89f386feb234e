import { validate as isUuid } from 'uuid'
import { layersWithin } from '../../contract/layers.ts'
import { type Avees } from '../avees/index.ts'
import type { Seen } from './store/memories.ts'

/** Who asks: a person, and the one avee that their API key is for, if it is. */
export type Viewer = { userId: string; aveeId: string | null }

/**
 * Whose memories, and how far: a person's own, of an avee that they may see, up to the layer at which they see it now.
 * Nobody else's, whoever owns the avee. What is above their layer is in no list and no count; forgetting reaches it.
 */
export function memoryPolicy(avees: Pick<Avees, 'view' | 'getLayer'>) {
  return {
    /** The layers of these avees that somebody sees; of an avee that is not theirs to know of, none. */
    async seen(viewer: Viewer, aveeIds: string[]): Promise<Seen[]> {
      const all = await Promise.all(
        aveeIds.map(async (aveeId) => {
          if (viewer.aveeId !== null && viewer.aveeId !== aveeId) return []
          const layer = await avees.getLayer(viewer.userId, aveeId).catch(() => undefined)
          return layer ? layersWithin(layer).map((each) => ({ aveeId, layer: each })) : []
        }),
      )
      return all.flat()
    },

    /** The avee that is named; by its id also one that may not be seen any more, as one's own memories of it are reached through it. */
    async which(viewer: Viewer, idOrHandle: string): Promise<string> {
      if (isUuid(idOrHandle) && (viewer.aveeId === null || viewer.aveeId === idOrHandle.toLowerCase()))
        return idOrHandle.toLowerCase()
      return (await avees.view(viewer, idOrHandle)).avee.id
    },
  }
}
