import type { RankedPassage } from '../store/search.ts'

/** A search result without the store's own keys; `score` is 0 to 1 and decreases with rank. */
export type Hit = Omit<RankedPassage, 'id' | 'version' | 'language'>

export const toHit = ({ id: _, version: __, language: ___, ...hit }: RankedPassage): Hit => hit
