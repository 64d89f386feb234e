import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { IngestResult } from '../../../contract/knowledge.ts'
import { type Database, newId, type Trx, violatedUnique } from '../../db/index.ts'
import { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import type { Completion, RunContext, RunEvent, RunKind } from '../../runs/index.ts'
import type { PageFetcher } from '../fetch/fetch-page.ts'
import { nameOfPage } from '../fetch/name-of-page.ts'
import type { Originals } from '../files.ts'
import { openFileWithin } from '../folders/open-within.ts'
import type { DocumentParser, ReadOutcome } from '../parsers/index.ts'
import {
  countDocuments,
  type DocumentRow,
  findDocument,
  findDocumentByHash,
  findDocumentBySource,
  retireDocument,
  upsertDocument,
} from '../store/documents.ts'
import { deleteFolderFiles, findOrphanedDocuments, upsertFolderFile } from '../store/folders.ts'
import { lockDocumentsOfAvee, lockOriginals, pinOriginals, unpinOriginals } from '../store/ingest-files.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import { changeLayer, publishVersion, retireUnpublished } from '../store/versions.ts'
import type { IngestFile, IngestInput, WatchedFile } from './input.ts'
import { type Progress, throttledProgress } from './progress.ts'
import { type DocumentContent, writeVersion } from './write.ts'

export type IngestDependencies = {
  database: Database
  log: Log
  reader: DocumentParser
  files: Originals
  fetcher: PageFetcher
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
  /** Something was replaced or given up: its rows and originals can go. */
  tidy(): void
  now(): number
}

/** The documents changed between looking and writing: look again. */
class ConflictError extends Error {
  override readonly name = 'Overtaken'
}

type Context = RunContext<IngestInput>
type Stored = Extract<IngestFile, { sha256: string }>
/** What is known of a file before it is read. */
type Bytes = {
  sha256: string
  bytes: number
  readAs: string
  title: string | null
  sourceUrl: string | null
  isWebPage?: boolean
}

/**
 * The run behind every upload, pasted text and fetched page. For each file in order:
 *
 *   Processing … → parse → chunk → (embed, store) … → result, in one transaction with the document's becoming visible
 *
 * The results in the log are how far it is: taken up again it goes on with the first file that has none, from that
 * file's beginning. What it had built of it is thrown away.
 */
export function ingestRunKind(rooms: IngestDependencies): RunKind<IngestInput> {
  const { db } = rooms.database
  return {
    work: (context) => ingest(rooms, context),

    async close(run, closing, _events, trx) {
      await retireUnpublished(trx, run.id)
      await unpinOriginals(trx, run.id)
      rooms.tidy()
      const done = { done: true, total_documents: await countDocuments(trx, run.input.aveeId) }
      return closing.status === 'stopped'
        ? { event: 'stopped', ...done }
        : { error: closing.error, message: closing.error.message, ...done }
    },
  }

  async function ingest(rooms: IngestDependencies, context: Context): Promise<Completion> {
    const { run, signal } = context
    const { files, aveeId } = run.input
    const finished = run.attempt > 1 ? resultsIn(await context.events()) : 0
    if (run.attempt > 1) await retireUnpublished(db, run.id)
    if (run.attempt === 1 && run.input.about !== undefined)
      await context.emit({ message: run.input.about, completed: 0, total: files.length })
    const ahead = readAhead(rooms.reader, rooms.files, signal)
    for (const [index, file] of files.entries()) {
      if (index < finished) continue
      await context.emit({ message: `Processing ${file.name}...` })
      const next = files[index + 1]
      await ingestFile(rooms, context, ahead, index, file, next)
    }
    if (run.input.folder) await deleteVanished(rooms, aveeId, run.input.folder)
    return { event: { done: true, total_documents: await countDocuments(db, aveeId) } }
  }
}

const resultsIn = (events: RunEvent[]): number =>
  events.filter((event) => 'result' in (JSON.parse(event.data) as object)).length

/** Takes one file to its result. Only what has nothing to do with the file is thrown. */
async function ingestFile(
  rooms: IngestDependencies,
  context: Context,
  ahead: ReadAhead,
  index: number,
  file: IngestFile,
  next: IngestFile | undefined,
): Promise<void> {
  const { run, signal } = context
  const fail = (code: string, message: string) =>
    context.commit(
      { result: { success: false, filename: file.name, message, code } satisfies IngestResult },
      (trx) => recordOutcome(trx, run, index, { documentId: null, problem: message }),
    )
  if ('refused' in file) return fail(file.refused.code, file.refused.message)
  const progress = throttledProgress(file.name, context.emit, rooms.now)
  try {
    const bytes =
      'url' in file
        ? await fetchPage(rooms, context, index, file.url, progress)
        : 'local' in file
          ? await copyFromFolder(rooms, context, index, file.local)
          : storedContent(file)
    const reading = ahead.take(index, bytes, progress)
    if (next && 'sha256' in next) ahead.start(index + 1, storedContent(next))
    for (;;) {
      try {
        return await publishFile(rooms, context, index, file, bytes, reading, progress)
      } catch (error) {
        if (!(error instanceof ConflictError) && violatedUnique(error) !== 'documents_same_bytes') throw error
        await retireUnpublished(rooms.database.db, run.id, index)
        rooms.tidy()
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof AppError) || error.status >= 500) throw error
    return fail(error.code, error.message)
  }
}

const storedContent = (file: Stored): Bytes => ({
  sha256: file.sha256,
  bytes: file.bytes,
  readAs: file.filename ?? 'text.md',
  title: file.title ?? null,
  sourceUrl: null,
})

async function fetchPage(
  rooms: IngestDependencies,
  context: Context,
  index: number,
  url: string,
  progress: Progress,
): Promise<Bytes> {
  progress.at('parse', `Fetching ${url}`, 0, 1)
  const page = await rooms.fetcher.fetchPage(url, context.signal)
  const { sha256, bytes } = await storeOriginal(rooms, context, index, page.body)
  return {
    sha256,
    bytes,
    readAs: nameOfPage(page.url, page.contentType, rooms.reader.typeOf),
    title: null,
    sourceUrl: page.url,
    isWebPage: true,
  }
}

/** A file of a folder of this machine, copied as it is now. */
async function copyFromFolder(
  rooms: IngestDependencies,
  context: Context,
  index: number,
  file: WatchedFile,
): Promise<Bytes> {
  const stream = await openFileWithin(file.root, file.path)
  const { sha256, bytes } = await storeOriginal(rooms, context, index, stream)
  return {
    sha256,
    bytes,
    readAs: file.path,
    title: null,
    sourceUrl: pathToFileURL(join(file.root, file.path)).href,
  }
}

/** Puts a stream among the originals, where the run's note keeps it. */
async function storeOriginal(
  { files, database }: IngestDependencies,
  { run }: Context,
  index: number,
  stream: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  const staged = await files.stage(stream)
  try {
    // The note comes first: from then on no sweep takes the file away.
    await database.transaction(async (trx) => {
      await lockOriginals(trx)
      await pinOriginals(trx, run.id, [{ index, sha256: staged.sha256 }])
      await files.keep([staged])
    })
    return staged
  } catch (error) {
    await files.discard(staged)
    throw error
  }
}

/** What belongs to a file's result, in the same transaction. */
async function recordOutcome(
  trx: Trx,
  { id, input }: Context['run'],
  index: number,
  became: { documentId: string | null; problem: string | null },
): Promise<void> {
  await unpinOriginals(trx, id, index)
  const file = input.files[index]
  if (input.folder && file && 'local' in file && file.local)
    await upsertFolderFile(trx, input.folder.id, file.local, became)
}

/** Lets files go that are in their folder no more, and the documents that no file stands for. */
async function deleteVanished(
  { database, tidy }: IngestDependencies,
  aveeId: string,
  folder: { id: string; gone: string[] },
): Promise<void> {
  await database.transaction(async (trx) => {
    await lockDocumentsOfAvee(trx, aveeId)
    await deleteFolderFiles(trx, folder.id, folder.gone)
    for (const id of await findOrphanedDocuments(trx, aveeId)) await retireDocument(trx, id)
  })
  tidy()
}

async function publishFile(
  rooms: IngestDependencies,
  context: Context,
  index: number,
  file: Exclude<IngestFile, { refused: unknown }>,
  bytes: Bytes,
  reading: () => Promise<ReadOutcome>,
  progress: Progress,
): Promise<void> {
  const { run, signal } = context
  const { aveeId, source } = run.input
  const { database, log } = rooms
  const { db } = database
  const twin = await findDocumentByHash(db, aveeId, bytes.sha256)
  if (twin) {
    await progress.flush()
    return context.commit({ result: duplicateResult(twin, file.name) }, async (trx) => {
      if ((await findDocument(trx, twin.id))?.sha256 !== bytes.sha256) throw new ConflictError()
      await recordOutcome(trx, run, index, { documentId: twin.id, problem: null })
    })
  }

  const outcome = await reading()
  if (!outcome.ok) {
    await progress.flush()
    const { code, message } = outcome
    return context.commit(
      { result: { success: false, filename: file.name, message, code } satisfies IngestResult },
      (trx) => recordOutcome(trx, run, index, { documentId: null, problem: message }),
    )
  }
  const { document, passages, language } = outcome
  progress.at(
    'parse',
    `Read ${count(document.pages.length, 'page')}`,
    document.pages.length,
    document.pages.length,
  )
  progress.at('chunk', `Cut into ${count(passages.length, 'passage')}`, passages.length, passages.length)
  await progress.flush()

  const named = { filename: file.filename, sourceUrl: bytes.sourceUrl }
  const before = await findDocumentBySource(db, aveeId, named)
  // Another upload of the same bytes has come first since they were looked for.
  if (before?.sha256 === bytes.sha256) throw new ConflictError()
  const documentId = before?.id ?? newId()
  const layer = run.input.layer ?? before?.layer ?? run.input.usualLayer
  const title = bytes.title ?? document.title ?? withoutExtension(file.filename ?? file.name)
  const content: DocumentContent = { pages: document.pages, passages, language }
  const total = passages.length
  const { version, embeddedBy } = await writeVersion(
    { database, log, embedder: await rooms.embedder(signal).catch(() => undefined), indexes: rooms.indexes },
    { documentId, aveeId, layer, runId: run.id, file: index },
    { title, filename: file.filename },
    content,
    {
      signal,
      stored: (done) => progress.at('store', `Stored ${done} of ${count(total, 'passage')}`, done, total),
      embedded: (done) => progress.at('embed', `Embedded ${done} of ${count(total, 'passage')}`, done, total),
    },
  )
  await progress.flush()

  const result: IngestResult = {
    success: true,
    filename: file.name,
    message: `${before ? 'Replaced' : 'Added'} ${file.name}: ${count(document.pages.length, 'page')}, ${count(total, 'passage')}.`,
    doc_id: documentId,
    chunks: total,
    pages: document.pages.length,
    ...(before ? { replaced: true } : {}),
  }
  await context.commit({ result }, async (trx) => {
    await lockDocumentsOfAvee(trx, aveeId)
    const present = await currentPredecessor(trx, aveeId, named, before, bytes.sha256)
    await publishVersion(trx, version, present?.version)
    await upsertDocument(trx, {
      id: documentId,
      avee_id: aveeId,
      version,
      layer,
      title,
      filename: file.filename,
      type: document.type,
      source,
      source_url: bytes.sourceUrl,
      sha256: bytes.sha256,
      bytes: bytes.bytes,
      pages: document.pages.length,
      passages: total,
      language,
      embedded_by: embeddedBy,
    })
    // Its owner moved the old one to another layer meanwhile, and said nothing of the new one.
    if (present && run.input.layer === null && present.layer !== layer)
      await changeLayer(trx, { id: documentId, aveeId, version, from: layer, to: present.layer })
    await recordOutcome(trx, run, index, { documentId, problem: null })
  })
  if (before) rooms.tidy()
}

/** The document whose place is taken, as it is now; when it is another than before, everything has to be looked at again. */
async function currentPredecessor(
  trx: Trx,
  aveeId: string,
  named: { filename: string | null; sourceUrl: string | null },
  before: DocumentRow | undefined,
  sha256: string,
): Promise<DocumentRow | undefined> {
  const present = await findDocumentBySource(trx, aveeId, named)
  if (present?.id !== before?.id || present?.sha256 === sha256) throw new ConflictError()
  return present
}

const duplicateResult = (twin: DocumentRow, name: string): IngestResult => ({
  success: true,
  filename: name,
  message: `Already here${twin.filename !== null && twin.filename !== name ? ` as ${twin.filename}` : ''}; nothing was stored twice.`,
  doc_id: twin.id,
  chunks: twin.passages,
  pages: twin.pages,
  duplicate: true,
})

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

const withoutExtension = (name: string) => name.replace(/(?<=.)\.[^.\s/]{1,12}$/u, '')

/** Reads the next file while the present one is stored; at most one is ahead. */
function readAhead(reader: DocumentParser, files: Originals, signal: AbortSignal) {
  let waiting: { index: number; outcome: Promise<ReadOutcome>; listener: { on?: Progress } } | undefined

  function begin(bytes: Bytes, listener: { on?: Progress }): Promise<ReadOutcome> {
    const outcome = reader.read(files.pathOf(bytes.sha256), bytes.readAs, {
      signal,
      isWebPage: bytes.isWebPage === true,
      onProgress: (done, total) => listener.on?.at('parse', `Read page ${done} of ${total}`, done, total),
    })
    outcome.catch(() => undefined)
    return outcome
  }

  return {
    start(index: number, bytes: Bytes): void {
      const listener = {}
      waiting = { index, outcome: begin(bytes, listener), listener }
    },

    /** The reading of a file: begun ahead, or when it is first asked for. */
    take(index: number, bytes: Bytes, progress: Progress): () => Promise<ReadOutcome> {
      let outcome: Promise<ReadOutcome> | undefined
      if (waiting?.index === index) {
        waiting.listener.on = progress
        outcome = waiting.outcome
        waiting = undefined
      }
      return () => (outcome ??= begin(bytes, { on: progress }))
    },
  }
}
type ReadAhead = ReturnType<typeof readAhead>
