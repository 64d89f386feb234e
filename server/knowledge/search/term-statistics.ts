import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/index.ts'
import { documentFrequencies, type LibraryCounts, type Scope } from '../store/search.ts'

/** The number of passages that contain a term, and its spelling. */
type TermStatistics = { stem: string; passages: number }
/** Document frequencies by hash; omits terms without passages. */
export type FindFrequencies = (hashes: number[]) => Promise<Map<number, TermStatistics>>

/** The maximum number of cached scopes, and of frequencies in each. */
const maxScopes = 20
const maxTermsOfScope = 10_000
/** Passages of replaced documents count until they have been purged. */
const maxAgeMs = 60_000
const noPassage: TermStatistics = { stem: '', passages: 0 }

/** Identifies a version of the documents of a scope. */
export const identityOf = (counts: LibraryCounts[]): string =>
  counts
    .map(({ language, documents, passages, checksum }) => [language, documents, passages, checksum].join(' '))
    .toSorted()
    .join('/')

/** Caches document frequencies for a version of the documents in a scope, which `counts` identify. */
export function termStatistics(db: Db): (scope: Scope, counts: LibraryCounts[]) => FindFrequencies {
  const scopes = new LRUCache<string, Map<number, TermStatistics>>({ max: maxScopes, ttl: maxAgeMs })
  return ({ aveeId, layers }, counts) => {
    const scope = [aveeId, layers.length, identityOf(counts)].join('/')
    const known = scopes.get(scope) ?? new Map<number, TermStatistics>()
    scopes.set(scope, known, { noUpdateTTL: true })
    return async (hashes) => {
      const missing = hashes.filter((hash) => !known.has(hash))
      const read =
        missing.length === 0 ? new Map() : await documentFrequencies(db, { aveeId, layers }, missing)
      const found = hashes.map((hash) => [hash, read.get(hash) ?? known.get(hash) ?? noPassage] as const)
      if (known.size + missing.length > maxTermsOfScope) known.clear()
      for (const hash of missing) known.set(hash, read.get(hash) ?? noPassage)
      return new Map(found.filter(([, { passages }]) => passages > 0))
    }
  }
}
