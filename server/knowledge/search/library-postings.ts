import { LRUCache } from 'lru-cache'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import { Postings } from '../../search/index.ts'
import { type LibraryCounts, listTermWeights, listVersions, type Scope } from '../store/search.ts'
import { inGroups } from './in-groups.ts'
import { identityOf } from './term-statistics.ts'

/** With fewer passages, the database is as fast. */
const minPassages = 300
const maxBytes = 64 * 1024 * 1024
/** A typical passage has about 100 terms. */
const bytesPerPassage = 1_000
const maxIdleMs = 10 * 60_000
/** The number of passages read at a time, which blocks the event loop for about 10 ms. */
const passagesPerBatch = 500
/** Every search looks up its terms in each segment. */
const maxSegments = 200

/** Deleted versions remain until they are half of all; the database omits them from results. */
type Library = { postings: Postings; versions: Set<string>; identity?: string; isReading: boolean }

/**
 * Returns the ids of the `count` best passages that contain a candidate term; undefined if the database must select
 * them.
 */
export type ChoosePassages = (
  weights: Map<number, number>,
  candidates: number[],
  count: number,
) => string[] | undefined

/**
 * Selects the passages that the database ranks. Reading candidates takes half the time of a lexical search in the
 * embedded database, so the postings of libraries in use are kept in memory. While they are loaded, for libraries too
 * small or too large, and on PostgreSQL, the database selects the passages with its index.
 */
export function libraryPostings({
  database,
  log,
}: {
  database: Pick<Database, 'kind' | 'db'>
  log: Log
}): (scope: Scope, counts: LibraryCounts[]) => ChoosePassages {
  const { db } = database
  const libraries = new LRUCache<string, Library>({
    maxSize: maxBytes,
    ttl: maxIdleMs,
    ttlAutopurge: true,
    updateAgeOnGet: true,
  })

  /** Reads the documents that are not in memory. */
  async function read(library: Library, scope: Scope, identity: string): Promise<void> {
    delete library.identity
    const documents = await listVersions(db, scope)
    const present = documents.filter(({ version }) => library.versions.has(version)).length
    if (library.postings.segments > maxSegments || present < library.versions.size / 2) {
      library.postings = new Postings()
      library.versions.clear()
    }
    const added = documents.filter(({ version }) => !library.versions.has(version))
    for (const group of inGroups(added, passagesPerBatch)) {
      const versions = group.map(({ version }) => version)
      const end = Math.max(...group.map(({ passages }) => passages))
      for (let n = 1; n <= end; n += passagesPerBatch)
        library.postings.add(await listTermWeights(db, versions, n, n + passagesPerBatch))
      for (const version of versions) library.versions.add(version)
    }
    library.identity = identity
  }

  return (scope, counts) => {
    const passages = counts.reduce((sum, each) => sum + each.passages, 0)
    const size = passages * bytesPerPassage
    if (database.kind !== 'embedded' || scope.filter || passages < minPassages || size > maxBytes)
      return () => undefined
    const key = `${scope.aveeId} ${scope.layers.join()}`
    const identity = identityOf(counts)
    return (weights, candidates, count) => {
      const library = libraries.get(key) ?? {
        postings: new Postings(),
        versions: new Set(),
        isReading: false,
      }
      if (library.identity === identity) return library.postings.best(weights, candidates, count)
      libraries.set(key, library, { size })
      if (library.isReading) return undefined
      library.isReading = true
      read(library, scope, identity)
        .catch((err: unknown) => {
          libraries.delete(key)
          log.warn({ err }, 'the terms of a library could not be read; the database selects the passages')
        })
        .finally(() => {
          library.isReading = false
        })
      return undefined
    }
  }
}
