import { availableParallelism } from 'node:os'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { Answerability } from '../../contract/knowledge.ts'
import { layers as allLayers, type Layer } from '../../contract/layers.ts'
import { isLocalOnly } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import type { Embedder } from '../models/index.ts'
import { pageOf } from '../paging.ts'
import type { Runs } from '../runs/index.ts'
import { termHasher } from '../search/index.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { cleanup as cleanupOf } from './cleanup.ts'
import {
  documentNotFound,
  documentReplaced,
  originalMissing,
  pageNotFound,
  passageNotFound,
  webPageUnreadable,
} from './errors.ts'
import { limited, type Network, pageFetcher } from './fetch/fetch-page.ts'
import { nameOfPage } from './fetch/name-of-page.ts'
import { originals, type StagedFile } from './files.ts'
import { watchedFolders } from './folders/folders.ts'
import { embeddingRunKind, scheduleEmbedding } from './ingest/embedding.ts'
import { ingestRunKind } from './ingest/ingest.ts'
import type { IngestInput } from './ingest/input.ts'
import { type IngestedDocument, intake } from './ingest/intake.ts'
import { reindexJob } from './ingest/reindex.ts'
import { deleteAbandonedFolders, documentParser, type OcrSettings, type PageWord } from './parsers/index.ts'
import { modelPictures } from './pictures/pictures.ts'
import type { DocumentLayers } from './policy.ts'
import { maxConsideredPassages, selectContext } from './search/context-passages.ts'
import { type Hit, toHit } from './search/hit.ts'
import { interleave, partsOf } from './search/question-parts.ts'
import { hybridSearch, type SearchQuery } from './search/search.ts'
import { storageQuota } from './storage-quota.ts'
import {
  countDocuments,
  type DocumentRow,
  documentStatistics,
  findDocument,
  findDocumentBySource,
  findLayers,
  findScope,
  findStoredDocument,
  listAllDocuments,
  listAttachments,
  listDocuments,
  listInTrash,
  moveOutOfTrash,
  moveToTrash,
  renameDocument,
  retireDocument,
  sumAttachmentBytes,
} from './store/documents.ts'
import { lockDocumentsOfAvee, lockOriginals, pinOriginals, unpinOriginals } from './store/ingest-files.ts'
import {
  countPassagesByLanguage,
  documentFrequencies,
  type LibraryCounts,
  listFirstPassages,
  searchLiteral,
} from './store/search.ts'
import { vectorIndexes } from './store/vector-index.ts'
import { changeLayer, findPage, findPageWords, listNeighbours, listPages } from './store/versions.ts'

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
    /** Where LibreOffice is looked for, in the format of PATH. */
    searchPath?: string | undefined
    /** Absolute paths of the folders that may be watched, with their subfolders. */
    watchFolders?: string[]
  }
  /** Whether the disk has less than its reserve, which scheduled imports must leave. */
  isDiskLow?: () => Promise<boolean>
  /** Clock and network, replaced in tests. */
  now?: () => Date
  network?: Network
  telemetry?: Telemetry
}

/** Passages for a prompt, best first. `text` is exactly the stretch of the page from `start` to `end`. */
export type ContextPassages = { passages: Hit[]; answerable: Answerability }

/** The attachments of a conversation, with the number of their passages, and those that come with the question. */
export type ConversationAttachments = {
  conversationId: string
  counts: LibraryCounts[]
  given: string[]
}

/** A document, and whether all of its passages have vectors of the current embedding model. */
export type ListedDocument = DocumentRow & { embedded: boolean; restorable_until?: Date | null }

/** Files parsed at the same time; each may take the memory of READ_MEMORY_MB. */
const maxParsers = Math.min(4, Math.max(2, availableParallelism() - 1))
/** For one page with its redirects; a person may be waiting for it. */
const fetchTimeoutMs = 30_000
const maxRedirects = 5
/** Of a page that is read once and not kept. */
const maxWebPageBytes = 10 * 1024 * 1024
/** Lists do not wait longer to learn whether documents are embedded. */
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
  /** Nothing of an avee that is local only is sent to an embedding model outside the private network. */
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

  deletions.onExpiry(async (trx, deletionId) => {
    for (const id of await listInTrash(trx, deletionId)) await retireDocument(trx, id)
    await cleanup.enqueue(trx)
  })

  /** Deletes documents of an avee, also from the trash, and what was made of them; returns how many existed. */
  async function deleteDocuments(ids: string[], aveeId: string): Promise<number> {
    const deleted: DocumentRow[] = []
    for (const id of ids) {
      const document = await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        await cleanup.enqueue(trx)
        const deletionId = (await findStoredDocument(trx, id))?.deletion_id ?? null
        if (deletionId === null) return await retireDocument(trx, id)
        let retired: DocumentRow | undefined
        await deletions.takeOut(trx, deletionId, async () => {
          retired = await retireDocument(trx, id)
        })
        return retired
      })
      if (document) deleted.push(document)
    }
    // The job queue logs a failure and tries again; the documents are deleted in any case.
    await cleanup.versions().catch(() => undefined)
    await cleanup.deleteUnreferenced([...new Set(deleted.map(({ sha256 }) => sha256))])
    await deleteUploadLogs(deleted, aveeId)
    return deleted.length
  }

  /** Deletes the logs of uploads, which name their files. */
  async function deleteUploadLogs(documents: DocumentRow[], aveeId: string): Promise<void> {
    const scope = await findScope(db, aveeId)
    const mentions = documents.flatMap(({ sha256, source_url: url, filename }) =>
      [sha256, url, filename].filter((text) => text !== null),
    )
    if (scope !== undefined && mentions.length > 0) await runs.delete({ kind: 'ingest', scope, mentions })
  }

  /** Moves documents of an avee to the trash, or deletes them permanently. @throws document_not_found if there are none */
  async function deleteFor(
    userId: string,
    ids: string[],
    aveeId: string,
    permanent: boolean,
  ): Promise<DeletionReceipt> {
    if (permanent) {
      const counts = await deletions.count(db, { documentIds: ids })
      if ((await deleteDocuments(ids, aveeId)) === 0) throw documentNotFound()
      return await deletions.record(db, userId, counts, ids)
    }
    let moved: DocumentRow[] = []
    const receipt = await database.transaction(async (trx) => {
      await lockDocumentsOfAvee(trx, aveeId)
      return await deletions.trash(trx, userId, async (deletionId) => {
        moved = await moveToTrash(trx, ids, deletionId)
        if (moved.length === 0) throw documentNotFound()
      })
    })
    await deleteUploadLogs(moved, aveeId)
    return receipt
  }

  async function isTrashable(documents: DocumentRow[], aveeId: string): Promise<boolean> {
    const bytes = documents.reduce((sum, document) => sum + Number(document.bytes), 0)
    return deletions.hasTrash && (await quota.hasRoomInTrash(aveeId, bytes))
  }

  /** Deletes documents without a user's request, so nobody gets the receipt. */
  async function discard(ids: string[], aveeId: string): Promise<number> {
    const count = await deleteDocuments(ids, aveeId)
    if (count > 0) await deletions.record(db, null, { documents: count }, ids)
    return count
  }

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

  /** @throws document_not_found also for a document of another layer */
  async function visibleDocument(id: string, layers: Layer[]): Promise<DocumentRow> {
    const row = await findDocument(db, id)
    if (!row || !layers.includes(row.layer)) throw documentNotFound()
    return row
  }

  return {
    limits,
    /** Returns the type of a file by its name, or undefined if it cannot be parsed. */
    typeOf: parser.typeOf,

    /** Receives the bytes of a file before it is validated. */
    staging: { stage: files.stage, discard: files.discard },

    /** Files of runs of other modules, which are kept until the run releases them or is deleted. */
    runFiles: {
      pathOf: files.pathOf,
      async keep(trx: Trx, runId: string, staged: StagedFile): Promise<void> {
        await lockOriginals(trx)
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

    /** Returns the avee that a document, also one in the trash, belongs to, which decides who may see it. */
    async aveeOf(id: string): Promise<string | undefined> {
      return (await findStoredDocument(db, id))?.avee_id
    },

    /** Returns the current layers of those of these documents that still exist, for a user or everybody. */
    layersOf: (ids: string[], readerId: string | null): Promise<DocumentLayers> =>
      findLayers(db, ids, readerId),

    /** Returns the original of a picture as a model gets it. */
    picture: modelPictures({ pathOf: files.pathOf, log }),

    attachments: {
      /** Lists the attachments of a conversation, without those in the trash. */
      of: (conversationId: string): Promise<DocumentRow[]> => listAllDocuments(db, conversationId),

      /** Lists the attachments of a user by conversation, without those in the trash. */
      ofUser: async (userId: string): Promise<Map<string, DocumentRow[]>> =>
        Map.groupBy(await listAttachments(db, userId), ({ avee_id }) => avee_id),

      /** Returns whether the trash takes a conversation with its attachments. */
      fitTrash: async (conversationId: string): Promise<boolean> =>
        await quota.hasRoomInTrash(conversationId, await sumAttachmentBytes(db, conversationId)),

      /** @throws quota_exceeded if the attachments of a conversation in the trash do not fit outside of it */
      assertRoom: async (trx: Trx, conversationId: string): Promise<void> =>
        await quota.assertRoom(conversationId, await sumAttachmentBytes(trx, conversationId), trx),
    },

    /** Returns a document in one of these layers. @throws document_not_found */
    async get(id: string, layers: Layer[]): Promise<ListedDocument> {
      return await listed(await visibleDocument(id, layers))
    },

    /**
     * Changes the title or layer of a document. The layer takes effect at once; search uses the new title when a job has
     * indexed it. @throws document_not_found
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

    /** Deletes a document with everything made of it; resolves when it is purged. @throws document_not_found */
    async remove(id: string): Promise<void> {
      const row = await findStoredDocument(db, id)
      if (!row || (await discard([id], row.avee_id)) === 0) throw documentNotFound()
    },

    /** Moves a document to the trash for a user, or deletes it permanently, also from the trash. @throws document_not_found */
    async delete(userId: string, id: string, permanent = false): Promise<DeletionReceipt> {
      const row = await findStoredDocument(db, id)
      if (!row || (row.deletion_id !== null && !permanent)) throw documentNotFound()
      const isPermanent = permanent || !(await isTrashable([row], row.avee_id))
      return await deleteFor(userId, [id], row.avee_id, isPermanent)
    },

    /** Moves all documents of an avee to the trash, or deletes them permanently. */
    async deleteAll(userId: string, aveeId: string, permanent = false): Promise<DeletionReceipt> {
      const documents = await listAllDocuments(db, aveeId)
      if (documents.length === 0) return await deletions.record(db, userId, {})
      const ids = documents.map(({ id }) => id)
      return await deleteFor(userId, ids, aveeId, permanent || !(await isTrashable(documents, aveeId)))
    },

    /** Returns whether a document is in the trash. */
    isInTrash: async (id: string): Promise<boolean> =>
      ((await findStoredDocument(db, id))?.deletion_id ?? null) !== null,

    /**
     * Restores a document from the trash. @throws document_not_found, quota_exceeded, and document_replaced if there is
     * another one from the same source
     */
    async restore(id: string): Promise<ListedDocument> {
      const aveeId = (await findStoredDocument(db, id))?.avee_id
      if (aveeId === undefined) throw documentNotFound()
      await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        const row = await findStoredDocument(trx, id)
        if (!row) throw documentNotFound()
        if (row.deletion_id === null) return
        if (await findDocumentBySource(trx, aveeId, { ...row, sourceUrl: row.source_url }))
          throw documentReplaced()
        await quota.assertRoom(aveeId, Number(row.bytes), trx)
        if (!(await deletions.takeOut(trx, row.deletion_id, () => moveOutOfTrash(trx, row))))
          throw documentNotFound()
      })
      return await listed(await visibleDocument(id, [...allLayers]))
    },

    /** Returns the text of a document, page by page. @throws document_not_found */
    async text(id: string, layers: Layer[]): Promise<{ page: number; text: string }[]> {
      return await listPages(db, (await visibleDocument(id, layers)).version)
    },

    /**
     * Returns up to `length` characters of a page, around `offset`, as one passage. @throws document_not_found,
     * page_not_found
     */
    async page(
      id: string,
      layers: Layer[],
      { page, offset, length }: { page: number; offset: number; length: number },
    ): Promise<Hit> {
      const { avee_id, title, filename, layer, version, created_at } = await visibleDocument(id, layers)
      const found = await findPage(db, version, page, offset)
      if (!found) throw pageNotFound(page)
      const { pageText, ...passage } = found
      const start = Math.max(0, Math.min(offset - Math.floor(length / 2), pageText.length - length))
      const end = Math.min(pageText.length, start + length)
      const document = { documentId: id, aveeId: avee_id, title, filename, layer, createdAt: created_at }
      return { ...passage, ...document, start, end, text: pageText.slice(start, end), score: 1 }
    },

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

    /** Returns the recognized words of a scanned page; none for other pages. @throws document_not_found */
    async pageWords(id: string, layers: Layer[], page: number): Promise<PageWord[]> {
      return (await findPageWords(db, (await visibleDocument(id, layers)).version, page)) ?? []
    },

    /** Returns a document and its original file. @throws document_not_found, original_missing */
    async file(id: string, layers: Layer[]) {
      const document = await visibleDocument(id, layers)
      if (!(await files.has(document.sha256))) throw originalMissing()
      return { document, open: () => files.read(document.sha256) }
    },

    /** Returns a passage with the text before and after it. @throws document_not_found, passage_not_found */
    async passage(id: string, layers: Layer[], n: number) {
      const document = await visibleDocument(id, layers)
      const neighbours = await listNeighbours(db, document.version, n)
      const passage = neighbours.find((each) => each.n === n)
      if (!passage) throw passageNotFound(n)
      const textOf = (number: number) => neighbours.find((each) => each.n === number)?.text ?? ''
      return { document, passage, before: textOf(n - 1), after: textOf(n + 1) }
    },

    /** Counts an avee's documents, in these layers or in all. */
    count: (aveeId: string, layers?: Layer[]): Promise<number> => countDocuments(db, aveeId, layers),

    async stats(aveeId: string, layers: Layer[]) {
      return await documentStatistics(db, aveeId, layers, await currentSpace())
    },

    /** Searches passages, best first; `answerable` estimates whether they answer the query. */
    async search(
      query: SearchQuery & { limit: number },
    ): Promise<{ hits: Hit[]; answerable: Answerability }> {
      const { passages, answerable } = await search([query], query.limit)
      return { hits: passages.map(toHit), answerable }
    },

    /** Searches the passages of several avees, up to the layers of each. */
    async searchAvees(
      scopes: Pick<SearchQuery, 'aveeId' | 'layers'>[],
      { limit, ...query }: Pick<SearchQuery, 'query' | 'filter' | 'signal'> & { limit: number },
    ): Promise<{ hits: Hit[]; answerable: Answerability }> {
      const [first, ...others] = scopes.map((scope) => ({ ...query, ...scope }))
      if (!first) return { hits: [], answerable: 'no' }
      const { passages, answerable } = await search([first, ...others], limit)
      return { hits: passages.map(toHit), answerable }
    },

    /** Selects the number of passages of each language that a search of these layers chooses from. */
    passageCounts: (scope: Pick<SearchQuery, 'aveeId' | 'layers'>) => countPassagesByLanguage(db, scope),

    /**
     * Searches passages for a prompt of up to `words` words; adjacent ones are merged. Of a question that needs several
     * passages, the `parts` are searched too. The attachments that come with the question take part with their beginnings
     * too, as a question about a file ("What is this?") need not have its words.
     */
    async contextPassages({
      words,
      parts: asked,
      attachments,
      ...query
    }: SearchQuery & {
      words: number
      parts?: string[]
      attachments?: ConversationAttachments | undefined
    }): Promise<ContextPassages> {
      const attached = attachments && {
        ...query,
        aveeId: attachments.conversationId,
        counts: attachments.counts,
      }
      const [whole, ...parts] = await Promise.all(
        [query.query, ...(asked ?? partsOf(query.query))].map((text) =>
          search(
            [{ ...query, query: text }, ...(attached ? [{ ...attached, query: text }] : [])],
            maxConsideredPassages,
          ),
        ),
      )
      const found = [whole, ...parts].map((each) => each?.passages ?? [])
      const answerable = whole?.answerable ?? 'no'
      if (!attached) {
        const passages = await selectContext(db, [query], interleave(found), words)
        return { passages, answerable }
      }
      const given = new Set(attachments?.given)
      const ranking = interleave([
        [
          ...found.flat().filter(({ documentId }) => given.has(documentId)),
          ...(await listFirstPassages(db, attached, [...given], maxConsideredPassages)),
        ],
        ...found,
      ])
      return {
        passages: await selectContext(db, [query, attached], ranking, words),
        answerable: answerable === 'no' && given.has(ranking[0]?.documentId ?? '') ? 'unsure' : answerable,
      }
    },

    /** Counts the passages in these layers, and those that contain each term (as a stemmer returns it). */
    async documentFrequencies(aveeId: string, layers: Layer[], terms: string[]) {
      const scope = { aveeId, layers }
      const hash = termHasher(aveeId)
      const termsByHash = new Map(terms.map((term) => [hash(term), term]))
      const [languages, frequencies] = await Promise.all([
        countPassagesByLanguage(db, scope).execute(),
        documentFrequencies(db, scope, [...termsByHash.keys()]),
      ])
      return {
        passages: languages.reduce((sum, each) => sum + each.passages, 0),
        words: new Map(
          [...frequencies].map(([hash, { passages }]) => [termsByHash.get(hash) ?? '', passages]),
        ),
      }
    },

    /** Finds passages that contain a text literally, ignoring case, newest documents first. */
    async searchText(aveeId: string, layers: Layer[], text: string, limit: number): Promise<Hit[]> {
      const found = await searchLiteral(db, { aveeId, layers }, text, limit)
      return found.map(toHit)
    },

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
