import { setTimeout as pause, setImmediate } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { EventBody, RunContext } from '../../runs/index.ts'
import { ConflictError } from '../errors.ts'
import type { StagedFile } from '../files.ts'
import type { ReadOutcome } from '../parsers/index.ts'
import { findDocumentsLike } from '../store/documents.ts'
import type { IngestDependencies } from './dependencies.ts'
import type { IngestFile, IngestInput, StoredFile, WatchedFile } from './input.ts'
import { copyFromFolder, keepOriginals } from './local-files.ts'
import { firstKnown, type NewDocuments, sourceOf } from './new-documents.ts'
import { throttledProgress } from './progress.ts'
import { type FileContent, type ReadAhead, storedContent } from './read-ahead.ts'
import { maxPassagesAtOnce } from './write.ts'
import { type WrittenDocument, writeDocument } from './write-document.ts'

/** The maximum size of small files, such as notes and mails; larger files rarely have few enough passages. */
const maxSmallFileBytes = 64 * 1024
/** On the embedded database other statements wait for a transaction, which takes about 2 ms per file. */
const maxFilesPerTransaction = 16
/** The number of files that are parsed while earlier ones are written and committed. */
const maxFilesAhead = 2 * maxFilesPerTransaction
/** The time in which further files may join a transaction. */
const maxWaitMs = 50

type LocalFile = Extract<IngestFile, { local: WatchedFile }>
type SmallFile = { index: number; file: StoredFile | LocalFile; content: FileContent }
type ParsedFile = SmallFile & { outcome: Extract<ReadOutcome, { ok: true }> }

/** Whether a file of an upload or of a watched folder is small. */
export function isSmall(file: IngestFile): file is StoredFile | LocalFile {
  if ('refused' in file || 'url' in file) return false
  return ('local' in file ? file.local : file).bytes <= maxSmallFileBytes
}

/** Stores new documents of an upload or a watched folder that are small, several in one transaction. */
export function smallFiles(
  dependencies: IngestDependencies,
  { run, signal }: RunContext<IngestInput>,
  ahead: ReadAhead,
  commitNew: (group: NewDocuments) => Promise<void>,
) {
  const { aveeId } = run.input
  /** The files after those that are being committed. */
  let next: { first: number; group: Promise<NewDocuments> } | undefined
  const contentsFrom = smallContents(dependencies, run)

  /** Writes the versions of the next files that are small, new and parsed. */
  async function prepare(first: number): Promise<NewDocuments> {
    const fresh = await newFilesAmong(dependencies, aveeId, await contentsFrom(first))
    const parsed = await parsedAhead(ahead, fresh, signal)
    const events: EventBody[] = []
    const written: WrittenDocument[] = []
    if (parsed.length < 2) return { run, events, written }
    const embedder = await dependencies.embedderFor(aveeId, signal).catch(() => undefined)
    for (const { index, file, content, outcome } of parsed) {
      const emit = async (event: EventBody) => void events.push(event)
      const progress = throttledProgress(file.name, emit, dependencies.now)
      const document = await writeDocument(
        { ...dependencies, embedder },
        { run, index, file, content, outcome },
        progress,
        signal,
      )
      events.push(...(await progress.take()), { result: document.result })
      written.push(document)
      await setImmediate()
    }
    return { run, events, written }
  }

  return {
    /** Returns the number of files stored, from `first` on; 0 if the first must be ingested alone. */
    async store(first: number): Promise<number> {
      const group = await (next?.first === first ? next.group : prepare(first))
      const { length } = group.written
      if (length === 0) return 0
      next = { first: first + length, group: prepare(first + length) }
      next.group.catch(() => undefined)
      try {
        await commitNew(group)
      } catch (error) {
        signal.throwIfAborted()
        // A file that now exists, or exceeds the quota, must not make the others fail.
        if (error instanceof ConflictError || (error instanceof AppError && error.status < 500)) return 0
        throw error
      }
      for (const { index } of group.written) ahead.forget(index)
      return length
    },
  }
}

/** Returns the files up to one that may repeat or replace a document or another of them. */
async function newFilesAmong(
  { database }: IngestDependencies,
  aveeId: string,
  files: SmallFile[],
): Promise<SmallFile[]> {
  if (files.length < 2) return []
  const sources = files.map(({ file, content }) => sourceOf({ ...file, ...content }))
  const end = firstKnown(sources, await findDocumentsLike(database.db, aveeId, sources))
  return end < 0 ? files : files.slice(0, end)
}

/**
 * Returns a function that lists the small files from an index on, up to one that cannot be read. Those of a folder are
 * copied once.
 */
function smallContents(dependencies: IngestDependencies, { id, input }: RunContext<IngestInput>['run']) {
  const copied = new Map<number, FileContent>()

  return async (first: number): Promise<SmallFile[]> => {
    for (const index of copied.keys()) if (index < first) copied.delete(index)
    const next = input.files.slice(first, first + maxFilesAhead)
    const end = next.findIndex((file) => !isSmall(file))
    const small = (end < 0 ? next : next.slice(0, end)).filter(isSmall)
    if (small.length < 2) return []
    const copies: { index: number; staged: StagedFile; content: FileContent }[] = []
    for (const [i, file] of small.entries()) {
      const index = first + i
      if (!('local' in file) || copied.has(index)) continue
      const copy = await copyFromFolder(dependencies.files, file.local).catch(() => undefined)
      if (!copy) break
      copies.push({ index, ...copy })
    }
    if (copies.length > 0) await keepOriginals(dependencies, id, copies)
    for (const { index, content } of copies) copied.set(index, content)
    const contents = small.map((file, i) => {
      const index = first + i
      const content = 'local' in file ? copied.get(index) : storedContent(file)
      return content && { index, file, content }
    })
    const unreadable = contents.indexOf(undefined)
    return contents.slice(0, unreadable < 0 ? undefined : unreadable).filter((each) => each !== undefined)
  }
}

/** Returns the first files whose texts are available soon, with the texts; starts to parse all. */
async function parsedAhead(ahead: ReadAhead, files: SmallFile[], signal: AbortSignal) {
  const outcomes = files.map(({ index, content }) => ahead.start(index, content).catch(() => undefined))
  const parsed: ParsedFile[] = []
  if (files.length === 0) return parsed
  const waiting = new AbortController()
  const late = pause(maxWaitMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(
    () => undefined,
  )
  for (const [i, file] of files.slice(0, maxFilesPerTransaction).entries()) {
    const outcome = await Promise.race([outcomes[i], late])
    if (!outcome?.ok || outcome.passages.length > maxPassagesAtOnce) break
    parsed.push({ ...file, outcome })
  }
  waiting.abort()
  signal.throwIfAborted()
  return parsed
}
