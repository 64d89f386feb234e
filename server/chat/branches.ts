import { LRUCache } from 'lru-cache'
import type { Db } from '../db/index.ts'
import { listBranchIds } from './store/messages.ts'

/** Cached ids, about 60 bytes each. */
const maxIds = 100_000
/** The ids of a branch that has grown by a few turns are read from its earlier end on. */
const nearMessages = 32

/**
 * Caches the message ids of branches by their last message. Reading a branch takes time proportional to its length
 * (measured: 170 ms for 10,000 messages), and branches do not change, as messages keep their parents.
 */
export function branches(db: Db) {
  const cache = new LRUCache<string, readonly string[]>({
    maxSize: maxIds,
    sizeCalculation: (ids) => ids.length,
  })

  /** Returns the ids of the branch that ends in `leafId`, oldest first. */
  return async (leafId: string): Promise<readonly string[]> => {
    const cached = cache.get(leafId)
    if (cached) return cached
    const near = await listBranchIds(db, leafId, nearMessages)
    const known = near.findIndex((id) => cache.has(id))
    const earlier = cache.get(near[known] ?? '') ?? []
    const later =
      known !== -1
        ? near.slice(0, known)
        : near.length < nearMessages
          ? near
          : await listBranchIds(db, leafId)
    const ids = [...earlier, ...later.toReversed()]
    cache.set(leafId, ids)
    return ids
  }
}
