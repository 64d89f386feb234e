import type { Database, Db } from '../../db/index.ts'
import type { Deletions } from '../../deletions/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import type { Telemetry } from '../../telemetry/index.ts'
import type { Cleanup } from '../cleanup.ts'
import type { PageFetcher } from '../fetch/fetch-page.ts'
import type { Originals } from '../files.ts'
import type { DocumentParser } from '../parsers/index.ts'
import type { StorageQuota } from '../storage-quota.ts'
import type { VectorIndexes } from '../store/vector-index.ts'

export type IngestDependencies = {
  database: Database
  log: Log
  parser: DocumentParser
  files: Originals
  fetcher: PageFetcher
  embedderFor(aveeId: string, signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
  cleanup: Cleanup
  deletions: Pick<Deletions, 'record'>
  /** Enqueues the indexing of a document under its new file name. */
  reindex(db: Db, documentId: string): Promise<void>
  quota: StorageQuota
  now(): number
  telemetry: Telemetry
}
