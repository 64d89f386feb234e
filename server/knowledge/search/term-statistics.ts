import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/index.ts'
import { documentFrequencies, type LibraryCounts, type Scope } from '../store/search.ts'

/** How many passages contain a term, and how it is written. */
type TermStatistics = { stem: string; passages: number }
/** Document frequencies by hash; terms of no passage are left out. */
export type FindFrequencies = (hashes: number[]) => Promise<Map<number, TermStatistics>>

const maxCachedTerms = 50_000
/** Passages of replaced documents count until they have been purged. */
const maxAgeMs = 60_000

/** Caches document frequencies for a version of the documents in a scope, which `counts` identify. */
export function termStatistics(db: Db): (scope: Scope, counts: LibraryCounts[]) => FindFrequencies {
  const cache = new LRUCache<string, TermStatistics>({ max: maxCachedTerms, ttl: maxAgeMs })
  return ({ aveeId, layers }, counts) => {
    const version = counts.map((each) =>
      [each.language, each.documents, each.passages, each.version].join(' '),
    )
    const scope = [aveeId, layers.length, ...version.toSorted()].join('/')
    const keyOf = (hash: number) => `${scope}/${hash}`
    return async (hashes) => {
      const missing = hashes.filter((hash) => !cache.has(keyOf(hash)))
      const read =
        missing.length === 0 ? new Map() : await documentFrequencies(db, { aveeId, layers }, missing)
      for (const hash of missing) cache.set(keyOf(hash), read.get(hash) ?? { stem: '', passages: 0 })
      const known = hashes.map((hash) => [hash, read.get(hash) ?? cache.get(keyOf(hash))] as const)
      return new Map(known.flatMap(([hash, one]) => (one && one.passages > 0 ? [[hash, one]] : [])))
    }
  }
}
