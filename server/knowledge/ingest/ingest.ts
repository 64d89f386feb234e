import { isPicture } from '../../../contract/attachments.ts'
import type { IngestResult } from '../../../contract/knowledge.ts'
import type { Db, Trx } from '../../db/index.ts'
import { AppError } from '../../errors.ts'
import type { Completion, RunContext, RunEvent, RunKind } from '../../runs/index.ts'
import { ConflictError } from '../errors.ts'
import { nameOfPage } from '../fetch/name-of-page.ts'
import { notAPicture, pictureTooLarge } from '../parsers/errors.ts'
import type { ReadOutcome } from '../parsers/index.ts'
import type { PictureFormat } from '../pictures/picture-format.ts'
import { maxPixels, readPictureFormat } from '../pictures/pictures.ts'
import {
  countDocuments,
  type DocumentRow,
  findDocumentBySource,
  relocateDocument,
  retireDocument,
  upsertDocument,
} from '../store/documents.ts'
import { deleteFolderFiles, findMovedDocument, findOrphanedDocuments } from '../store/folders.ts'
import { lockDocumentsOfAvee, unpinOriginals } from '../store/ingest-files.ts'
import { changeLayer, retireUnpublished } from '../store/versions.ts'
import type { IngestDependencies } from './dependencies.ts'
import { gathering } from './gathering.ts'
import { type AcceptedFile, endsWith, type IngestInput } from './input.ts'
import { copyFromFolder, keepOriginals, recordOutcomes } from './local-files.ts'
import { type NewDocuments, newDocuments } from './new-documents.ts'
import { type Progress, throttledProgress } from './progress.ts'
import { type FileContent, type ReadAhead, readAhead, storedContent } from './read-ahead.ts'
import { isSmall, smallFiles } from './small-files.ts'
import { countResult, withoutExtension, writeDocument } from './write-document.ts'

type Context = RunContext<IngestInput>

/**
 * Uploads of one file wait this long for others that are being parsed: of eight clients, 4 to 5 share a transaction
 * instead of 1 or 2 (statements of `bench/documents.ts`).
 */
const maxGatheringMs = 25

/**
 * The run behind every upload, pasted text, web page and watched folder. For each file in order:
 *
 *     Processing … → parse → chunk → (embed, store) … → result
 *
 * The result commits together with the document. It is also the checkpoint: after a takeover the run continues with
 * the first file that has no result, from the beginning of that file.
 */
export function ingestRunKind(dependencies: IngestDependencies): RunKind<IngestInput> {
  const { database, cleanup } = dependencies
  const { db } = database
  const single = { documents: newDocuments(dependencies), uploads: gathering(maxGatheringMs) }
  return {
    async work(context): Promise<Completion | undefined> {
      const { run, signal } = context
      const { files, aveeId, about, folder } = run.input
      const finished = run.attempt > 1 ? countResults(await context.events()) : 0
      if (run.attempt > 1) await retireUnpublished(db, run.id)
      else if (about !== undefined) await context.emit({ message: about, completed: 0, total: files.length })
      const ahead = readAhead(dependencies.parser, dependencies.files, run.userId, signal)
      // Several files of a run have a transaction of their own, as others would have to wait for all of them.
      const isSingle = files.length === 1 && database.kind === 'embedded'
      const documents = isSingle ? single.documents : newDocuments(dependencies)
      const participant = isSingle ? single.uploads.join() : undefined
      const commitNew = async (group: NewDocuments) => {
        await participant?.wait()
        await documents.commit(context, group)
      }
      try {
        const small = smallFiles(dependencies, context, ahead, commitNew)
        for (let index = finished; index < files.length; ) {
          const stored = await small.store(index)
          if (stored === 0) await ingestFile(dependencies, context, ahead, index, commitNew)
          index += Math.max(1, stored)
          if (endsWith(run.input, index - 1)) return undefined
        }
      } finally {
        participant?.leave()
      }
      if (folder) await deleteVanished(dependencies, aveeId, folder)
      return { event: { done: true, total_documents: await countDocuments(db, aveeId) } }
    },

    // Attachments belong to the avee of their conversation, but are stored in a hidden avee.
    isChat: ({ scope, input }) => scope !== input.aveeId,

    async close(run, closing, _events, trx) {
      await retireUnpublished(trx, run.id)
      await unpinOriginals(trx, run.id)
      await cleanup.enqueue(trx)
      const done = { done: true, total_documents: await countDocuments(trx, run.input.aveeId) }
      return closing.status === 'stopped'
        ? { event: 'stopped', ...done }
        : { error: closing.error, message: closing.error.message, ...done }
    },
  }
}

const countResults = (events: RunEvent[]): number =>
  events.filter((event) => 'result' in (JSON.parse(event.data) as object)).length

/** Ingests one file. A failure of the file becomes its result; other failures are thrown. */
async function ingestFile(
  dependencies: IngestDependencies,
  context: Context,
  ahead: ReadAhead,
  index: number,
  commitNew: (group: NewDocuments) => Promise<void>,
): Promise<void> {
  const { run, signal } = context
  const [file, next] = run.input.files.slice(index, index + 2)
  if (!file) return
  const progress = throttledProgress(file.name, context.emit, dependencies.now)
  const fail = (code: string, message: string) =>
    commitResult(
      dependencies,
      context,
      progress,
      index,
      { success: false, filename: file.name, message, code },
      (trx) => recordOutcomes(trx, run, [{ index, documentId: null, problem: message }]),
    )
  if ('refused' in file) return fail(file.refused.code, file.refused.message)
  try {
    const content = await contentOf(dependencies, context, index, file, progress)
    const read = ahead.take(index, content, progress)
    // Small files are started together.
    if (next && 'sha256' in next && !isSmall(next))
      ahead.start(index + 1, storedContent(next)).catch(() => undefined)
    for (let commit: typeof commitNew | undefined = commitNew; ; commit = undefined) {
      try {
        return await commitFile(dependencies, context, index, file, content, read, progress, commit)
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error
        await retireUnpublished(dependencies.database.db, run.id, index)
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof AppError) || error.status >= 500) throw error
    await retireUnpublished(dependencies.database.db, run.id, index)
    return fail(error.code, error.message)
  }
}

/** Stores the result of a file, and ends the run with that of the last. */
async function commitResult(
  { telemetry }: IngestDependencies,
  context: Context,
  progress: Progress,
  index: number,
  result: IngestResult,
  store: (trx: Trx) => Promise<void>,
): Promise<void> {
  const { input } = context.run
  const isNew = result.success && !result.replaced && !result.duplicate
  const events = [...(await progress.take()), { result }]
  await (endsWith(input, index)
    ? context.complete({
        async event(trx) {
          const total_documents = (await countDocuments(trx, input.aveeId)) + (isNew ? 1 : 0)
          return [...events, { done: true, total_documents }]
        },
        store,
      })
    : context.commit(events, store))
  countResult(telemetry, result)
}

async function contentOf(
  dependencies: IngestDependencies,
  context: Context,
  index: number,
  file: AcceptedFile,
  progress: Progress,
): Promise<FileContent> {
  if ('url' in file) return fetchPage(dependencies, context, index, file.url, progress)
  if (!('local' in file)) return storedContent(file)
  const { staged, content } = await copyFromFolder(dependencies.files, file.local)
  await keepOriginals(dependencies, context.run.id, [{ index, staged }])
  return content
}

async function fetchPage(
  dependencies: IngestDependencies,
  context: Context,
  index: number,
  url: string,
  progress: Progress,
): Promise<FileContent> {
  progress.report('parse', `Fetching ${url}`, 0, 1)
  const page = await dependencies.fetcher.fetchPage(url, context.signal)
  const staged = await dependencies.files.stage(page.body)
  await keepOriginals(dependencies, context.run.id, [{ index, staged }])
  const { sha256, bytes } = staged
  return {
    sha256,
    bytes,
    readAs: nameOfPage(page.url, page.contentType, dependencies.parser.typeOf),
    title: null,
    sourceUrl: page.url,
    isWebPage: true,
  }
}

/** Deletes the documents of files that are no longer in their folder. */
async function deleteVanished(
  { database, cleanup, deletions }: IngestDependencies,
  aveeId: string,
  folder: { id: string; gone: string[] },
): Promise<void> {
  await database.transaction(async (trx) => {
    await lockDocumentsOfAvee(trx, aveeId)
    await deleteFolderFiles(trx, folder.id, folder.gone)
    const ids = await findOrphanedDocuments(trx, aveeId)
    for (const id of ids) await retireDocument(trx, id)
    if (ids.length > 0) await deletions.record(trx, null, { documents: ids.length }, ids)
    await cleanup.enqueue(trx)
  })
}

/** Parses a file and publishes it as a new document, or replaces the one from the same source. @throws ConflictError */
async function commitFile(
  dependencies: IngestDependencies,
  context: Context,
  index: number,
  file: AcceptedFile,
  content: FileContent,
  read: () => Promise<ReadOutcome>,
  progress: Progress,
  commitNew: ((group: NewDocuments) => Promise<void>) | undefined,
): Promise<void> {
  const { run, signal } = context
  const { aveeId } = run.input
  const { database, cleanup } = dependencies
  const { sha256, sourceUrl } = content
  const existing = await findExisting(database.db, run, file, content)
  /** Locks the avee's documents. @throws ConflictError if the existing one has changed. */
  async function lockExisting(trx: Trx): Promise<DocumentRow | undefined> {
    // The driver sends both statements at once; the second one reads after the first one has locked.
    const [, current] = await Promise.all([
      lockDocumentsOfAvee(trx, aveeId),
      findExisting(trx, run, file, content),
    ])
    if (current?.id !== existing?.id || current?.sha256 !== existing?.sha256) throw new ConflictError()
    return current
  }

  if (existing?.sha256 === sha256) {
    return commitResult(
      dependencies,
      context,
      progress,
      index,
      duplicateResult(existing, file.name),
      async (trx) => {
        const current = await lockExisting(trx)
        if (current && current.source_url !== sourceUrl && sourceUrl !== null)
          await relocate(dependencies, trx, current, file, sourceUrl)
        await recordOutcomes(trx, run, [{ index, documentId: existing.id, problem: null }])
      },
    )
  }

  await dependencies.quota.assertRoom(aveeId, content.bytes - Number(existing?.bytes ?? 0))
  const picture = run.input.keepsPictures ? await pictureIn(dependencies, content) : undefined
  const parsed = await read()
  const outcome = !parsed.ok && picture ? withoutText(picture.type) : parsed
  if (!outcome.ok) throw new AppError(422, outcome.code, outcome.message)
  const embedder = await dependencies.embedderFor(aveeId, signal).catch(() => undefined)
  const written = await writeDocument(
    { ...dependencies, embedder },
    { run, index, file, content, outcome, existing },
    progress,
    signal,
  )
  if (!existing && written.content && commitNew) {
    const events = [...(await progress.take()), { result: written.result }]
    return commitNew({ run, events, written: [written] })
  }
  await commitResult(dependencies, context, progress, index, written.result, async (trx) => {
    const current = await lockExisting(trx)
    // Other files may have used the quota in the meantime.
    await dependencies.quota.assertRoom(aveeId, content.bytes - Number(current?.bytes ?? 0), trx)
    const version = await written.publish(trx, current?.version)
    const { id, layer } = written.document
    await upsertDocument(trx, { ...written.document, version })
    // The owner moved the existing document to another layer during the upload.
    if (current && run.input.layer === null && current.layer !== layer)
      await changeLayer(trx, { id, aveeId, version, from: layer, to: current.layer })
    await recordOutcomes(trx, run, [{ index, documentId: id, problem: null }])
    if (current) await cleanup.enqueue(trx)
  })
}

/**
 * Returns the format of a picture; undefined for other files. @throws AppError for one that cannot be given to a model
 */
async function pictureIn(
  { files, parser }: IngestDependencies,
  { sha256, readAs }: FileContent,
): Promise<PictureFormat | undefined> {
  const format = await readPictureFormat(files.pathOf(sha256))
  const isNamedPicture = isPicture(parser.typeOf(readAs) ?? '')
  const problem =
    format && format.width * format.height > maxPixels
      ? pictureTooLarge(format.width, format.height, maxPixels)
      : !format && isNamedPicture
        ? notAPicture()
        : undefined
  if (problem) throw new AppError(422, problem.code, problem.message)
  return format
}

/** A picture in which no text was recognized. */
const withoutText = (type: string): ReadOutcome & { ok: true } => ({
  ok: true,
  document: { type, title: null, paged: false, pages: [{ page: 1, text: '', headings: [] }] },
  passages: [],
  language: null,
})

/** Finds the document from the same source, or that of a file with the same bytes that was moved within its folder. */
async function findExisting(
  db: Db | Trx,
  { input }: Context['run'],
  { filename }: AcceptedFile,
  { sha256, sourceUrl }: FileContent,
): Promise<DocumentRow | undefined> {
  const existing = await findDocumentBySource(db, input.aveeId, { filename, sourceUrl, sha256 })
  return existing ?? (input.folder && (await findMovedDocument(db, input.folder, sha256)))
}

async function relocate(
  { reindex }: IngestDependencies,
  trx: Trx,
  document: DocumentRow,
  { name, filename }: AcceptedFile,
  sourceUrl: string,
): Promise<void> {
  const hasNameAsTitle = document.title === withoutExtension(document.filename ?? '')
  const title = hasNameAsTitle ? withoutExtension(filename ?? name) : document.title
  await relocateDocument(trx, document.id, { title, filename, sourceUrl })
  await reindex(trx, document.id)
}

const duplicateResult = (existing: DocumentRow, name: string): IngestResult => ({
  success: true,
  filename: name,
  message: `Already in the library${existing.filename !== null && existing.filename !== name ? ` as ${existing.filename}` : ''}; not stored twice.`,
  doc_id: existing.id,
  chunks: existing.passages,
  pages: existing.pages,
  duplicate: true,
})
