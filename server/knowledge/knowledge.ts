import { availableParallelism } from 'node:os'
import { layers as allLayers, type Layer } from '../../contract/layers.ts'
import { isLocalOnly } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import type { Embedder } from '../models/index.ts'
import { pageOf } from '../paging.ts'
import type { Runs } from '../runs/index.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { cleanup as cleanupOf } from './cleanup.ts'
import { documentDeletion } from './deletion.ts'
import { documentNotFound, webPageUnreadable } from './errors.ts'
import { limited, type Network, pageFetcher } from './fetch/fetch-page.ts'
import { nameOfPage } from './fetch/name-of-page.ts'
import { originals, type StagedFile } from './files.ts'
import { watchedFolders } from './folders/folders.ts'
import { embeddingRunKind, scheduleEmbedding } from './ingest/embedding.ts'
import { ingestRunKind } from './ingest/ingest.ts'
import type { IngestInput } from './ingest/input.ts'
import { type IngestedDocument, intake } from './ingest/intake.ts'
import { reindexJob } from './ingest/reindex.ts'
import { deleteAbandonedFolders, documentParser, type OcrSettings } from './parsers/index.ts'
import { modelPictures } from './pictures/pictures.ts'
import type { DocumentLayers } from './policy.ts'
import { documentReader } from './reading.ts'
import { retrieval } from './search/retrieval.ts'
import { hybridSearch } from './search/search.ts'
import { storageQuota } from './storage-quota.ts'
import {
  countDocuments,
  type DocumentRow,
  documentStatistics,
  findDocument,
  findLayers,
  findStoredDocument,
  listAllDocuments,
  listAttachments,
  listDocuments,
  renameDocument,
  sumAttachmentBytes,
} from './store/documents.ts'
import { lockDocumentsOfAvee, pinOriginals, unpinOriginals } from './store/ingest-files.ts'
import { vectorIndexes } from './store/vector-index.ts'
import { changeLayer, listPagesForImages, type PageForImage } from './store/versions.ts'

export type KnowledgeLimits = {
  maxUploadBytes: number
  maxPages: number
  maxSitePages: number
  maxUnpackedBytes: number
  readTimeoutMs: number
  readMemoryMb: number
  /** Total size of a user's documents in bytes; 0 for no limit. */
  quotaBytes: number
}

export type KnowledgeDependencies = {
  database: Database
  runs: Runs
  jobs: Jobs
  deletions: Deletions
  models: {
    embedder(signal: AbortSignal): Promise<Embedder | undefined>
    embedderForSpace?(space: string): Promise<Embedder | undefined>
    scoreRelevance?(query: string, texts: string[], signal: AbortSignal): Promise<number[] | undefined>
    hasRemoteReranker?: boolean
  }
  log: Log
  config: {
    dataDir: string
    limits: KnowledgeLimits
    /** Without it, images and scanned pages have no text. */
    ocr?: OcrSettings | null
    /** The search path for LibreOffice, in the format of PATH. */
    searchPath?: string | undefined
    /** Absolute paths of the folders that may be watched, with their subfolders. */
    watchFolders?: string[]
  }
  /** Whether free disk space is below the reserve; scheduled imports then wait. */
  isDiskLow?: () => Promise<boolean>
  /** Clock and network, replaced in tests. */
  now?: () => Date
  network?: Network
  telemetry?: Telemetry
}

/** A document, and whether all of its passages have vectors of the current embedding model. */
export type ListedDocument = DocumentRow & { embedded: boolean; restorable_until?: Date | null }

/** The maximum number of files parsed at the same time; each may take the memory of READ_MEMORY_MB. */
const maxParsers = Math.min(4, Math.max(2, availableParallelism() - 1))
/** Timeout for one page with its redirects; a user may be waiting for it. */
const fetchTimeoutMs = 30_000
const maxRedirects = 5
/** Limit for a page that is read once and not stored. */
const maxWebPageBytes = 10 * 1024 * 1024
/** The maximum time that lists wait for the embedding state of documents. */
const modelTimeoutMs = 1_000

/** The documents of avees: ingestion, storage, search. */
export async function knowledge({
  database,
  runs,
  jobs,
  deletions,
  models,
  log,
  config,
  isDiskLow = async () => false,
  now = () => new Date(),
  network,
  telemetry = createTelemetry(),
}: KnowledgeDependencies) {
  const { db } = database
  const { limits } = config
  const files = originals(config.dataDir)
  const quota = storageQuota(db, limits.quotaBytes)
  await deleteAbandonedFolders(log)
  const parser = documentParser({
    limits: {
      bytes: limits.maxUploadBytes,
      pages: limits.maxPages,
      unpackedBytes: limits.maxUnpackedBytes,
      milliseconds: limits.readTimeoutMs,
      memoryBytes: limits.readMemoryMb * 1024 * 1024,
    },
    concurrency: maxParsers,
    log,
    ocr: config.ocr ?? null,
    searchPath: config.searchPath,
  })
  const fetcher = pageFetcher(
    { bytes: limits.maxUploadBytes, milliseconds: fetchTimeoutMs, redirects: maxRedirects },
    network,
  )
  const cleanup = cleanupOf({ database, jobs, files, now })
  const embedder = (signal: AbortSignal) => models.embedder(signal)
  /** A local-only avee must not use an embedding model outside the private network. */
  const permitted = async (model: Embedder | undefined, aveeId: string): Promise<Embedder | undefined> =>
    model?.remote && (await isLocalOnly(db, [aveeId])) ? undefined : model
  const embedderFor = async (aveeId: string, signal: AbortSignal) =>
    await permitted(await models.embedder(signal), aveeId)
  const indexes = vectorIndexes({ database, log })
  const search = hybridSearch({
    database,
    log,
    embedderFor,
    embedderOf: async (space, aveeId) => await permitted(await models.embedderForSpace?.(space), aveeId),
    relevance: async (aveeIds, ...asked) =>
      models.hasRemoteReranker && (await isLocalOnly(db, aveeIds))
        ? undefined
        : await models.scoreRelevance?.(...asked),
    telemetry,
  })
  const reindex = reindexJob({ database, jobs, log, embedderFor, indexes, cleanup })
  runs.register<IngestInput>(
    'ingest',
    ingestRunKind({
      database,
      log,
      parser,
      files,
      fetcher,
      embedderFor,
      indexes,
      cleanup,
      deletions,
      reindex,
      quota,
      now: () => now().getTime(),
      telemetry,
    }),
  )
  runs.register('index', embeddingRunKind({ database, embedderFor, indexes }))
  const embedMissing = scheduleEmbedding({ database, runs, jobs, embedder, embedderFor })
  const { discard, restoreDocument, ...deleting } = documentDeletion({
    database,
    runs,
    deletions,
    cleanup,
    quota,
  })
  const { getVisible, ...reading } = documentReader(db, files)
  const folders = watchedFolders({
    database,
    runs,
    jobs,
    allowed: config.watchFolders ?? [],
    isReadable: (filename) => parser.typeOf(filename) !== undefined,
    maxBytes: limits.maxUploadBytes,
    now: () => now().getTime(),
    deleteDocuments: discard,
    isDiskLow,
  })
  const ingestion = intake({ db, runs, files, parser, fetcher, quota, maxSitePages: limits.maxSitePages })

  deletions.onPurge(async () => {
    await cleanup.versions()
    await cleanup.originals()
  })

  /** Returns the vector space of the current embedding model, or null if there is none or it does not respond. */
  async function currentSpace(): Promise<string | null> {
    const model = await embedder(AbortSignal.timeout(modelTimeoutMs)).catch(() => undefined)
    return model?.space ?? null
  }

  async function listed(row: DocumentRow, space = currentSpace()): Promise<ListedDocument> {
    return { ...row, embedded: row.embedded_by !== null && row.embedded_by === (await space) }
  }

  const withStatus = async ({ document, isNew }: IngestedDocument) => ({
    document: await listed(document),
    isNew,
  })

  return {
    limits,
    /** Returns the type of a file by its name, or undefined if it cannot be parsed. */
    typeOf: parser.typeOf,

    /** Receives the bytes of a file before it is validated. */
    staging: { stage: files.stage, discard: files.discard },

    /** Stores files for runs of other modules, which are kept until the run releases them or is deleted. */
    runFiles: {
      pathOf: files.pathOf,
      async keep(trx: Trx, runId: string, staged: StagedFile): Promise<void> {
        await pinOriginals(trx, runId, [{ index: 0, sha256: staged.sha256 }])
        await files.keep([staged])
      },
      async release(trx: Trx, runId: string): Promise<void> {
        await unpinOriginals(trx, runId)
        await cleanup.enqueue(trx)
      },
    },

    ingest: ingestion.upload,
    ingestNamed: ingestion.named,
    ingestSite: ingestion.site,

    /** Ingests a pasted text; resolves when it can be found. */
    ingestText: async (...given: Parameters<typeof ingestion.text>) =>
      withStatus(await ingestion.text(...given)),

    /** Fetches and ingests a web page; resolves when it can be found. */
    ingestUrl: async (...given: Parameters<typeof ingestion.page>) =>
      withStatus(await ingestion.page(...given)),

    /** Lists an avee's documents in these layers, newest first. `next` is the cursor of the next page. */
    async list(
      aveeId: string,
      layers: Layer[],
      page: {
        limit: number
        cursor?: string | undefined
        query?: string | undefined
        inTrash?: boolean | undefined
      },
    ): Promise<{ documents: ListedDocument[]; next: string | null }> {
      const rows = await listDocuments(db, aveeId, layers, {
        limit: page.limit + 1,
        after: page.cursor,
        query: page.query,
        inTrash: page.inTrash,
      })
      const { page: shown, next } = pageOf(rows, page.limit, (last) => last.id)
      const space = currentSpace()
      return { documents: await Promise.all(shown.map((row) => listed(row, space))), next }
    },

    /** Returns the avee of a document, also of one in the trash, for access checks. */
    async aveeOf(id: string): Promise<string | undefined> {
      return (await findStoredDocument(db, id))?.avee_id
    },

    /** Returns the current layers of the documents that still exist, for a user or the public. */
    layersOf: (ids: string[], readerId: string | null): Promise<DocumentLayers> =>
      findLayers(db, ids, readerId),

    /** Returns a picture, or a page of a PDF, converted for models. */
    picture: modelPictures({ pathOf: files.pathOf, parser, log }),

    /** Lists the pages whose text may be incomplete, in documents of these layers. */
    pagesForImages: (
      pages: { documentId: string; page: number }[],
      layers: Layer[],
    ): Promise<PageForImage[]> => listPagesForImages(db, pages, layers),

    attachments: {
      /** Lists the attachments of a conversation, without those in the trash. */
      of: (conversationId: string): Promise<DocumentRow[]> => listAllDocuments(db, conversationId),

      /** Lists the attachments of a user by conversation, without those in the trash. */
      ofUser: async (userId: string): Promise<Map<string, DocumentRow[]>> =>
        Map.groupBy(await listAttachments(db, userId), ({ avee_id }) => avee_id),

      /** Whether a conversation with its attachments fits into the trash. */
      fitTrash: async (conversationId: string): Promise<boolean> =>
        await quota.fitsIntoTrash(conversationId, await sumAttachmentBytes(db, conversationId)),

      /** @throws quota_exceeded if the attachments of a conversation in the trash exceed the quota */
      assertRoom: async (trx: Trx, conversationId: string): Promise<void> =>
        await quota.assertRoom(conversationId, await sumAttachmentBytes(trx, conversationId), trx),
    },

    /** Returns a document in one of these layers. @throws document_not_found */
    async get(id: string, layers: Layer[]): Promise<ListedDocument> {
      return await listed(await getVisible(id, layers))
    },

    /**
     * Changes the title or layer of a document. The layer takes effect at once; search uses the new title after a job
     * has indexed it. @throws document_not_found
     */
    async updateDocument(
      id: string,
      { title, layer }: { title?: string | undefined; layer?: Layer | undefined },
    ): Promise<ListedDocument> {
      const aveeId = (await findDocument(db, id))?.avee_id
      if (aveeId === undefined) throw documentNotFound()
      const updated = await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        const document = await findDocument(trx, id)
        if (!document) throw documentNotFound()
        if (title !== undefined && title !== document.title) {
          await renameDocument(trx, id, title)
          await reindex(trx, id)
        }
        if (layer !== undefined && layer !== document.layer)
          await changeLayer(trx, {
            id,
            aveeId,
            version: document.version,
            from: document.layer,
            to: layer,
          })
        return (await findDocument(trx, id)) ?? document
      })
      return await listed(updated)
    },

    ...deleting,

    /** Restores a document from the trash. @throws document_not_found, quota_exceeded, document_replaced */
    async restore(id: string): Promise<ListedDocument> {
      await restoreDocument(id)
      return await listed(await getVisible(id, [...allLayers]))
    },

    ...reading,

    /** Fetches a page from the public internet and returns its text. @throws AppError with a message for the user */
    async webPage(
      address: string,
      { userId, signal }: { userId: string; signal: AbortSignal },
    ): Promise<{ url: string; title: string | null; text: string }> {
      const { url, contentType, body } = await fetcher.fetchPage(address, signal)
      const staged = await files.stage(limited(body, maxWebPageBytes))
      try {
        const name = nameOfPage(url, contentType, parser.typeOf)
        const outcome = await parser.read(staged.path, name, { signal, user: userId, isWebPage: true })
        if (!outcome.ok) throw webPageUnreadable(outcome.message)
        const { title, pages } = outcome.document
        return { url, title, text: pages.map(({ text }) => text).join('\n\n') }
      } finally {
        await files.discard(staged)
      }
    },

    /** Counts an avee's documents, in these layers or in all. */
    count: (aveeId: string, layers?: Layer[]): Promise<number> => countDocuments(db, aveeId, layers),

    async stats(aveeId: string, layers: Layer[]) {
      return await documentStatistics(db, aveeId, layers, await currentSpace())
    },

    ...retrieval(db, search),

    folders,

    /** Purges deleted documents and unused original files now; a schedule does so too. */
    async purge(): Promise<void> {
      await cleanup.versions()
      await cleanup.originals()
    },

    /** Starts to embed documents without vectors of the current model now; a schedule does so too. */
    embedMissing,

    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([parser[Symbol.asyncDispose](), fetcher[Symbol.asyncDispose](), indexes.idle()])
    },
  }
}

export type Knowledge = Awaited<ReturnType<typeof knowledge>>
