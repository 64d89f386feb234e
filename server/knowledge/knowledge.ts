import type { Answerability } from '../../contract/knowledge.ts'
import { type Layer } from '../../contract/layers.ts'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Embedder } from '../models/index.ts'
import type { Runs } from '../runs/index.ts'
import { termHasher } from '../search/index.ts'
import { documentNotFound, originalMissing, passageNotFound } from './errors.ts'
import { type Network, pageFetcher } from './fetch/fetch-page.ts'
import { originals } from './files.ts'
import { watchedFolders } from './folders/folders.ts'
import { embeddingRunKind, embeddingWatch } from './ingest/embedding.ts'
import { ingestRunKind } from './ingest/ingest.ts'
import type { IngestInput } from './ingest/input.ts'
import { type IngestedDocument, intake } from './ingest/intake.ts'
import { type RenamingInput, renamingKind } from './ingest/renaming.ts'
import { type OcrSettings, documentParser as readerOf } from './parsers/index.ts'
import { maxConsideredPassages, selectContext } from './search/context-passages.ts'
import { type Hit, toHit } from './search/hit.ts'
import { hybridSearch, type SearchQuery } from './search/search.ts'
import {
  countDocuments,
  type DocumentRow,
  documentStatistics,
  findDocument,
  listDocumentIds,
  listDocuments,
  renameDocument,
  retireDocument,
} from './store/documents.ts'
import { lockDocumentsOfAvee } from './store/ingest-files.ts'
import { countPassagesByLanguage, documentFrequencies, searchLiteral } from './store/search.ts'
import { vectorIndexes } from './store/vector-index.ts'
import { changeLayer, listNeighbours, listPages } from './store/versions.ts'
import { tidier } from './tidy.ts'

export type KnowledgeLimits = {
  maxUploadBytes: number
  maxPages: number
  maxSitePages: number
  maxUnpackedBytes: number
  readTimeoutMs: number
  readMemoryMb: number
}

export type KnowledgeDependencies = {
  database: Database
  runs: Runs
  models: {
    embedder(signal: AbortSignal): Promise<Embedder | undefined>
    embedderForSpace?(space: string): Promise<Embedder | undefined>
    scoreRelevance?(query: string, texts: string[], signal: AbortSignal): Promise<number[] | undefined>
  }
  log: Log
  config: {
    dataDir: string
    limits: KnowledgeLimits
    /** Null or left out: text on pictures is not recognised. */
    ocr?: OcrSettings | null
    /** Absolute paths of the folders in which folders may be followed. */
    watchFolders?: string[]
  }
  /** In the place of the clock and of the network, for tests. */
  now?: () => Date
  network?: Network
}

/** Stretches of documents for a prompt, the best first; `text` is exactly that stretch of the page. */
export type ContextPassages = { passages: Hit[]; answerable: Answerability }

/** A document as it is shown, with whether the present embedding model knows all of it. */
export type ListedDocument = DocumentRow & { embedded: boolean }

/** Files read at once, and how long a fetched page may take. */
const readersAtOnce = 2
const fetchMs = 30_000
const redirects = 5
/** How long an embedding model may take to say whether it is there, where only a mark in a list depends on it. */
const spacePatienceMs = 1_000

/** Documents: taken in, read, cut, indexed, found, shown. */
export async function knowledge({
  database,
  runs,
  models,
  log,
  config,
  now = () => new Date(),
  network,
}: KnowledgeDependencies) {
  const { db } = database
  const { limits } = config
  const files = originals(config.dataDir)
  const reader = readerOf({
    limits: {
      bytes: limits.maxUploadBytes,
      pages: limits.maxPages,
      unpackedBytes: limits.maxUnpackedBytes,
      milliseconds: limits.readTimeoutMs,
      memoryBytes: limits.readMemoryMb * 1024 * 1024,
    },
    concurrency: readersAtOnce,
    log,
    ocr: config.ocr ?? null,
  })
  const fetcher = pageFetcher({ bytes: limits.maxUploadBytes, milliseconds: fetchMs, redirects }, network)
  const tidy = tidier({ database, files, log, now })
  const embedder = (signal: AbortSignal) => models.embedder(signal)
  const indexes = vectorIndexes({ database, log })
  const rank = hybridSearch({
    database,
    log,
    embedder,
    embedderOf: async (space) => models.embedderForSpace?.(space),
    relevance: async (...asked) => models.scoreRelevance?.(...asked),
  })
  runs.register<IngestInput>(
    'ingest',
    ingestRunKind({
      database,
      log,
      reader,
      files,
      fetcher,
      embedder,
      indexes,
      tidy: tidy.later,
      now: () => now().getTime(),
    }),
  )
  runs.register<RenamingInput>('rename', renamingKind({ database, log, embedder, indexes, tidy: tidy.later }))
  runs.register('index', embeddingRunKind({ database, runs, log, embedder, indexes }))
  const followed = watchedFolders({
    database,
    runs,
    log,
    allowed: config.watchFolders ?? [],
    isReadable: (filename) => reader.typeOf(filename) !== undefined,
    maxBytes: limits.maxUploadBytes,
    now: () => now().getTime(),
    remove,
  })
  const watch = embeddingWatch({ database, runs, log, embedder })
  void tidy.soon(true)

  const takesIn = intake({ db, runs, files, reader, fetcher, maxSitePages: limits.maxSitePages })

  async function remove(ids: string[], aveeId: string): Promise<number> {
    let count = 0
    const originalsOf = new Set<string>()
    for (const id of ids) {
      const gone = await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        return await retireDocument(trx, id)
      })
      if (!gone) continue
      count += 1
      originalsOf.add(gone.sha256)
    }
    await tidy.soon()
    await tidy.releaseOriginals([...originalsOf])
    return count
  }

  /** The vector space of the present embedding model; null when there is none or it does not say so at once. */
  async function presentSpace(): Promise<string | null> {
    const model = await embedder(AbortSignal.timeout(spacePatienceMs)).catch(() => undefined)
    return model?.space ?? null
  }

  async function listed<Rows extends DocumentRow[]>(rows: Rows): Promise<ListedDocument[]> {
    const space = rows.length === 0 ? null : await presentSpace()
    return rows.map((row) => ({ ...row, embedded: space !== null && row.embedded_by === space }))
  }

  async function visible(id: string, layers: Layer[]): Promise<DocumentRow> {
    const row = await findDocument(db, id)
    if (!row || !layers.includes(row.layer)) throw documentNotFound()
    return row
  }

  return {
    /** Bytes of the largest file, and the types that can be read. */
    limits,
    typeOf: reader.typeOf,

    /** Takes a file's bytes in, before anything is known of it. */
    staging: { stage: files.stage, discard: files.discard },

    ingest: takesIn.upload,
    ingestSite: takesIn.site,

    /** Takes in a text that was pasted, and waits until it can be found. */
    ingestText: async (...given: Parameters<typeof takesIn.text>) => marked(await takesIn.text(...given)),

    /** Fetches a page and takes it in, and waits until it can be found. */
    ingestUrl: async (...given: Parameters<typeof takesIn.page>) => marked(await takesIn.page(...given)),

    /** Documents of an avee in these layers, newest first. `next` is the cursor of the page after. */
    async list(
      aveeId: string,
      layers: Layer[],
      page: { limit: number; cursor?: string | undefined; query?: string | undefined },
    ): Promise<{ documents: ListedDocument[]; next: string | null }> {
      const rows = await listDocuments(db, aveeId, layers, {
        limit: page.limit + 1,
        after: page.cursor,
        query: page.query,
      })
      const shown = rows.slice(0, page.limit)
      return {
        documents: await listed(shown),
        next: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null,
      }
    },

    /** Which avee a document belongs to, for whoever has to look up who may see it. */
    async aveeOf(id: string): Promise<string | undefined> {
      return (await findDocument(db, id))?.avee_id
    },

    /** A document in one of these layers. @throws 404 */
    async get(id: string, layers: Layer[]): Promise<ListedDocument> {
      const row = await visible(id, layers)
      return { ...row, embedded: await isEmbedded(row) }
    },

    /** Gives a document another title or layer. A layer holds for everything of it in the same moment; the title is searched for a little later. */
    async updateDocument(
      id: string,
      userId: string,
      change: { title?: string | undefined; layer?: Layer | undefined },
    ): Promise<ListedDocument> {
      const { title, layer } = change
      const before = await findDocument(db, id)
      if (!before) throw documentNotFound()
      const isRenamed = title !== undefined && title !== before.title
      const changed = await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, before.avee_id)
        const present = await findDocument(trx, id)
        if (!present) throw documentNotFound()
        if (isRenamed) await renameDocument(trx, id, title)
        if (layer !== undefined && layer !== present.layer)
          await changeLayer(trx, {
            id,
            aveeId: present.avee_id,
            version: present.version,
            from: present.layer,
            to: layer,
          })
        return (await findDocument(trx, id)) ?? present
      })
      if (isRenamed)
        await runs.start<RenamingInput>({
          kind: 'rename',
          userId,
          scope: before.avee_id,
          input: { documentId: id },
        })
      return { ...changed, embedded: await isEmbedded(changed) }
    },

    /** Removes a document with all that was made of it; resolves when nothing is left. */
    async remove(id: string): Promise<void> {
      const row = await findDocument(db, id)
      if (!row || (await remove([id], row.avee_id)) === 0) throw documentNotFound()
    },

    /** Removes all documents of an avee; returns how many there were. */
    async clear(aveeId: string): Promise<number> {
      return await remove(await listDocumentIds(db, aveeId), aveeId)
    },

    /** All that was read of a document. */
    async text(id: string, layers: Layer[]): Promise<{ page: number; text: string }[]> {
      return await listPages(db, (await visible(id, layers)).version)
    },

    /** The original: its row and its bytes. A pasted text comes as it was pasted. */
    async file(id: string, layers: Layer[]) {
      const document = await visible(id, layers)
      if (!(await files.has(document.sha256))) throw originalMissing()
      return { document, open: () => files.read(document.sha256) }
    },

    /** One passage of a document with the text before and after it. */
    async passage(id: string, layers: Layer[], n: number) {
      const document = await visible(id, layers)
      const around = await listNeighbours(db, document.version, n)
      const passage = around.find((each) => each.n === n)
      if (!passage) throw passageNotFound(n)
      const textOf = (number: number) => around.find((each) => each.n === number)?.text ?? ''
      return { document, passage, before: textOf(n - 1), after: textOf(n + 1) }
    },

    /** How many documents an avee has, in these layers or in all. */
    count: (aveeId: string, layers?: Layer[]): Promise<number> => countDocuments(db, aveeId, layers),

    async stats(aveeId: string, layers: Layer[]) {
      return await documentStatistics(db, aveeId, layers, await presentSpace())
    },

    /** The passages that fit a query, the best first, and whether they answer it at all. */
    async search(
      query: SearchQuery & { limit: number },
    ): Promise<{ hits: Hit[]; answerable: Answerability }> {
      const { passages, answerable } = await rank(query, query.limit)
      return { hits: passages.map(toHit), answerable }
    },

    /** Passages for a prompt of up to `words` words, the best first, neighbours joined; each is an exact stretch of its page. */
    async contextPassages({ words, ...query }: SearchQuery & { words: number }): Promise<ContextPassages> {
      const { passages, answerable } = await rank(query, maxConsideredPassages)
      return { passages: await selectContext(db, query, passages, words), answerable }
    },

    /** How many passages an avee has in these layers, and how many of them hold each of these words (compared forms, see `normaliserFor`). */
    async documentFrequencies(aveeId: string, layers: Layer[], words: string[]) {
      const scope = { aveeId, layers }
      const hash = termHasher(aveeId)
      const terms = new Map(words.map((word) => [hash(word), word]))
      const [languages, holders] = await Promise.all([
        countPassagesByLanguage(db, scope),
        documentFrequencies(db, scope, [...terms.keys()]),
      ])
      return {
        passages: languages.reduce((sum, each) => sum + each.passages, 0),
        words: new Map([...holders].map(([term, { passages }]) => [terms.get(term) ?? '', passages])),
      }
    },

    /** Passages that hold a text literally, newest documents first. */
    async searchText(aveeId: string, layers: Layer[], text: string, limit: number): Promise<Hit[]> {
      const found = await searchLiteral(db, { aveeId, layers }, text, limit)
      return found.map(toHit)
    },

    folders: {
      allowed: followed.allowed,
      list: followed.list,
      add: followed.add,
      remove: followed.remove,
      now: followed.now,
    },

    /** Takes away files that nothing points at any more; it also happens by itself. */
    purge: (): Promise<void> => tidy.soon(true),

    /** Embeds what has no vectors of the present model yet; it also happens by itself. */
    embedMissing: (): Promise<void> => watch.now(),

    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([
        followed[Symbol.asyncDispose](),
        watch[Symbol.asyncDispose](),
        tidy[Symbol.asyncDispose](),
        reader[Symbol.asyncDispose](),
        fetcher[Symbol.asyncDispose](),
        indexes.idle(),
      ])
    },
  }

  async function marked({
    document,
    isNew,
  }: IngestedDocument): Promise<{ document: ListedDocument; isNew: boolean }> {
    return { document: { ...document, embedded: await isEmbedded(document) }, isNew }
  }

  async function isEmbedded(row: DocumentRow): Promise<boolean> {
    const space = await presentSpace()
    return space !== null && row.embedded_by === space
  }
}

export type Knowledge = Awaited<ReturnType<typeof knowledge>>
