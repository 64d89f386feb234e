import { LRUCache } from 'lru-cache'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import { QuantizedVectors } from '../../search/index.ts'
import type { RankedPassage, Scope } from '../store/search.ts'
import {
  listEmbeddedVersions,
  listVectors,
  scorePassagesByVector,
  searchVectors,
  type VectorQuery,
} from '../store/vectors.ts'
import { inGroups } from './in-groups.ts'

/** With fewer vectors, the database is as fast. */
const minVectors = 100
const maxBytes = 128 * 1024 * 1024
const maxLibraries = 100
const maxIdleMs = 10 * 60_000
/**
 * A search waits until up to this many new vectors are read; if there are more, the database compares vectors in the
 * meantime.
 */
const maxAwaited = 1_000
/** Coordinates read at a time, which takes about 15 ms of the event loop. */
const coordinatesPerBatch = 150_000
/** Each statement reads the vectors of documents with about this many passages. */
const passagesPerGroup = 5_000
/** Candidates whose access and exact distance are checked, as a multiple of the results, at first and at most. */
const minCandidates = 2
const maxCandidates = 32

/** The vectors of an avee in one space. */
type Library = {
  vectors: QuantizedVectors
  /** Ids of passages by row. */
  ids: string[]
  rows: Map<string, number[]>
  freeRows: number[]
  /** Identifies the documents in memory. */
  checksum?: string | null
  refreshing?: Promise<void>
  isLoading: boolean
}

/**
 * Finds the nearest passages. The only connection of the embedded database is the bottleneck of a search, so the
 * vectors of libraries in use are kept in memory, quantized, and the database checks access and computes exact
 * distances for the nearest only. While vectors are being read, and in larger libraries, the database compares them one
 * by one. PostgreSQL uses its index.
 */
export function vectorSearch({ database, log }: { database: Pick<Database, 'kind' | 'db'>; log: Log }) {
  const { db } = database
  const libraries = new LRUCache<string, Library>({
    max: maxLibraries,
    maxSize: maxBytes,
    ttl: maxIdleMs,
    ttlAutopurge: true,
    updateAgeOnGet: true,
  })

  /** Reads the vectors of new documents and removes those of deleted ones. */
  async function refresh(library: Library, aveeId: string, query: VectorQuery): Promise<void> {
    const { vectors, ids, rows, freeRows } = library
    const embedded = await listEmbeddedVersions(db, aveeId, query.space)
    const present = new Set(embedded.map(({ version }) => version))
    for (const [version, former] of rows) {
      if (present.has(version)) continue
      for (const row of former) vectors.delete(row)
      freeRows.push(...former)
      rows.delete(version)
    }
    const added = embedded.filter(({ version }) => !rows.has(version))

    async function load(): Promise<void> {
      const dimensions = query.vector.length
      const limit = Math.ceil(coordinatesPerBatch / dimensions)
      for (const group of inGroups(added, passagesPerGroup)) {
        const versions = group.map(({ version }) => version)
        for (const version of versions) rows.set(version, [])
        for (let after = '0', isLast = false; !isLast; ) {
          const batch = await listVectors(db, versions, { space: query.space, dimensions, after, limit })
          for (const { id, version, vector } of batch) {
            const row = freeRows.pop() ?? ids.length
            ids[row] = id
            vectors.set(row, vector)
            rows.get(version)?.push(row)
            after = id
          }
          isLast = batch.length < limit
        }
      }
      library.checksum = query.checksum
    }

    const loading = load().catch((error: unknown) => {
      libraries.delete(keyOf(aveeId, query))
      throw error
    })
    if (added.reduce((sum, { passages }) => sum + passages, 0) <= maxAwaited) return await loading
    library.isLoading = true
    loading
      .catch((err: unknown) =>
        log.warn({ err }, 'the vectors of a library could not be read; the database compares them'),
      )
      .finally(() => {
        library.isLoading = false
      })
  }

  const keyOf = (aveeId: string, { space, vector }: VectorQuery) => `${aveeId} ${vector.length} ${space}`

  /** Returns the library when it contains all of the avee's vectors; undefined if the database should compare them. */
  async function libraryOf(aveeId: string, query: VectorQuery): Promise<Library | undefined> {
    const size = query.own * query.vector.length
    if (database.kind !== 'embedded' || query.own < minVectors || size > maxBytes) return undefined
    const key = keyOf(aveeId, query)
    const library: Library = libraries.get(key) ?? {
      vectors: new QuantizedVectors(query.vector.length),
      ids: [],
      rows: new Map(),
      freeRows: [],
      isLoading: false,
    }
    // A refresh by another search may have listed the documents before the latest change.
    while (!library.isLoading && library.checksum !== query.checksum) {
      libraries.set(key, library, { size })
      library.refreshing ??= refresh(library, aveeId, query).finally(() => delete library.refreshing)
      await library.refreshing
    }
    return library.isLoading ? undefined : library
  }

  return async function nearestPassages(scope: Scope, query: VectorQuery): Promise<RankedPassage[]> {
    const library = await libraryOf(scope.aveeId, query)
    for (let factor = minCandidates; library && factor <= maxCandidates; factor *= 4) {
      const rows = library.vectors.nearest(query.vector, factor * query.limit)
      const ids = rows.map((row) => library.ids[row] ?? '')
      const passages = await scorePassagesByVector(db, scope, query, ids)
      if (passages.length === query.limit || ids.length < factor * query.limit) return passages
    }
    return await searchVectors(database, scope, query)
  }
}
