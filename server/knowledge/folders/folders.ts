import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { type Layer } from '../../../contract/layers.ts'
import { type Database, newId } from '../../db/index.ts'
import { defineError, defineFieldError } from '../../errors.ts'
import type { Jobs } from '../../jobs/index.ts'
import type { Runs } from '../../runs/index.ts'
import type { IngestFile, IngestInput } from '../ingest/input.ts'
import {
  deleteFolder,
  detachOrphanedDocuments,
  findOrphanedDocuments,
  insertFolder,
  type ListedFolder,
  type LocalFile,
  listFolderFiles,
  listFolders,
  recordScan,
} from '../store/folders.ts'
import { findOwnerId } from '../store/vectors.ts'
import { diffScan, maxFiles, scan } from './scan.ts'

/** Pause between scans; longer for large folders, so that scanning takes at most a twentieth of the time. */
const everyMs = 5_000
const pausePerScanMs = 20
/** The maximum number of files in one run; the next scan finds the others. */
const maxFilesPerRun = 500

const kind = 'knowledge.scan-folders'
const ingestKind = 'ingest'

const notAllowed = defineFieldError('folder_not_allowed', 'path', (allowed: string[]) =>
  allowed.length === 0
    ? 'This server watches no folders. List the allowed folders in WATCH_FOLDERS and restart it.'
    : `The folder cannot be watched. It must be one of ${allowed.join(', ')} or inside one (WATCH_FOLDERS).`,
)
const alreadyWatched = defineError(409, 'folder_followed', () => 'This avee already watches that folder.')
const folderNotFound = defineError(404, 'folder_not_found', () => 'Folder not found.')

const emptyFolder =
  'The folder is empty. Its documents are kept until it contains a file again. Stop watching it to delete them.'
const diskAlmostFull =
  'The disk of the server is almost full. New and changed files are synced when there is space again.'
const tooManyFiles = `The folder has more than ${maxFiles.toLocaleString('en')} files; the others are not watched.`

type FolderDependencies = {
  database: Database
  runs: Runs
  jobs: Jobs
  /** Absolute paths of the folders that may be watched, with their subfolders. */
  allowed: string[]
  isReadable(filename: string): boolean
  maxBytes: number
  now(): number
  deleteDocuments(ids: string[], aveeId: string): Promise<unknown>
  isDiskLow(): Promise<boolean>
}

/** Watched folders: their files are documents, and changes in the folder are synced. */
export function watchedFolders({
  database,
  runs,
  jobs,
  allowed,
  isReadable,
  maxBytes,
  now,
  deleteDocuments,
  isDiskLow,
}: FolderDependencies) {
  const { db } = database

  /** Returns the folder's real path. @throws folder_not_allowed */
  async function allowedPath(path: string): Promise<string> {
    const real = await realpath(resolve(path)).catch(() => undefined)
    for (const root of allowed) {
      const within = relative(await realpath(root).catch(() => root), real ?? '')
      if (real && !isAbsolute(within) && within.split(sep)[0] !== '..') return real
    }
    throw notAllowed(allowed)
  }

  /** Scans a folder and starts a run for its changes, unless one is running. */
  async function scanFolder(folder: ListedFolder, signal: AbortSignal): Promise<void> {
    try {
      // The run changes the known files; if it ended during the scan, its changes would be found again.
      if (await runs.isRunning(ingestKind, subjectOf(folder.id))) return
      const root = await allowedPath(folder.path)
      const known = await listFolderFiles(db, folder.id)
      const found = await scan(root, isReadable, now(), signal)
      const isEmpty = found.files.length + found.unknown.length === 0 && known.size > 0
      await recordScan(db, folder.id, isEmpty ? emptyFolder : found.isComplete ? null : tooManyFiles)
      // The folder of an unmounted disk is empty.
      if (isEmpty) return
      const { changed, gone } = diffScan(known, found)
      const isDiskFull = changed.length > 0 && (await isDiskLow())
      if (isDiskFull) await recordScan(db, folder.id, diskAlmostFull)
      if (gone.length > 0 || (changed.length > 0 && !isDiskFull))
        await startSync(folder, root, isDiskFull ? [] : changed.slice(0, maxFilesPerRun), gone)
    } catch (error) {
      if (signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      await recordScan(db, folder.id, `The folder cannot be read: ${reason}`)
    }
  }

  async function startSync(
    { id, avee_id: aveeId, layer }: ListedFolder,
    root: string,
    changed: LocalFile[],
    gone: string[],
  ): Promise<void> {
    const userId = await findOwnerId(db, aveeId)
    if (userId === undefined) return
    const files = changed.map((file): IngestFile => {
      const filename = file.path.slice(file.path.lastIndexOf('/') + 1)
      const local = { root, ...file }
      if (file.bytes <= maxBytes) return { name: file.path, filename, local }
      const message = `The file is larger than ${Math.floor(maxBytes / 1_048_576)} MB (MAX_UPLOAD_MB).`
      return { name: file.path, filename, local, refused: { code: 'too_large', message } }
    })
    await runs.start<IngestInput>({
      kind: ingestKind,
      userId,
      scope: aveeId,
      subject: subjectOf(id),
      input: { aveeId, source: 'folder', layer: null, usualLayer: layer, files, folder: { id, gone } },
    })
  }

  // A server without WATCH_FOLDERS does not scan; other servers do.
  if (allowed.length > 0)
    jobs.register(kind, {
      everyMs,
      async run(_, { signal }) {
        const startedAt = performance.now()
        for (const folder of await listFolders(db)) {
          signal.throwIfAborted()
          await scanFolder(folder, signal)
        }
        return { repeatAfterMs: Math.max(everyMs, pausePerScanMs * (performance.now() - startedAt)) }
      },
    })

  async function find(aveeId: string, id: string): Promise<ListedFolder> {
    const folder = (await listFolders(db, aveeId)).find((each) => each.id === id)
    if (!folder) throw folderNotFound()
    return folder
  }

  return {
    allowed,

    list: (aveeId: string): Promise<ListedFolder[]> => listFolders(db, aveeId),

    /** Starts to watch a folder. @throws folder_not_allowed, folder_followed */
    async add(aveeId: string, { path, layer }: { path: string; layer: Layer }): Promise<ListedFolder> {
      const id = newId()
      if (!(await insertFolder(db, { id, avee_id: aveeId, path: await allowedPath(path), layer })))
        throw alreadyWatched()
      await jobs.enqueue(db, { kind, input: {} })
      return await find(aveeId, id)
    },

    /** Stops watching a folder; its documents are kept as uploads or deleted. @throws folder_not_found */
    async remove(aveeId: string, id: string, documents: 'keep' | 'remove'): Promise<void> {
      await find(aveeId, id)
      await runs.delete({ kind: ingestKind, subject: subjectOf(id) })
      const orphans = await database.transaction(async (trx) => {
        await deleteFolder(trx, id)
        if (documents === 'keep') await detachOrphanedDocuments(trx, aveeId)
        return await findOrphanedDocuments(trx, aveeId)
      })
      await deleteDocuments(orphans, aveeId)
    },

    /** Scans every folder now. */
    scanNow: (): Promise<void> => jobs.runNow(kind),
  }
}
export type WatchedFolders = ReturnType<typeof watchedFolders>

const subjectOf = (folderId: string) => `folder ${folderId}`
