import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { type Layer } from '../../../contract/layers.ts'
import { type Database, newId } from '../../db/index.ts'
import { defineError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Runs } from '../../runs/index.ts'
import { againAndAgain } from '../again-and-again.ts'
import type { IngestFile, IngestInput } from '../ingest/input.ts'
import {
  deleteFolder,
  detachOrphanedDocuments,
  findOrphanedDocuments,
  insertFolder,
  type ListedFolder,
  listFolderFiles,
  listFolders,
  recordScan,
} from '../store/folders.ts'
import { findOwnerId } from '../store/vectors.ts'
import { diffScan, scan } from './scan.ts'

/** How often folders are looked into; a look may take a twentieth of the time. */
const everyMs = 5_000
const shareOfLooks = 20
/** Files of one run; the rest has its turn in the next look. */
const mostAtOnce = 500

const notAllowed = defineError(422, 'folder_not_allowed', (allowed: string[]) =>
  allowed.length === 0
    ? 'This server follows no folders. Name those that may be followed in WATCH_FOLDERS and start it again.'
    : `That folder cannot be followed: it has to be one of ${allowed.join(', ')}, or within one. WATCH_FOLDERS names them.`,
)
const alreadyFollowed = defineError(409, 'folder_followed', () => 'This avee follows that folder already.')
const folderNotFound = defineError(404, 'folder_not_found', () => 'This avee follows no such folder.')

const emptied =
  'The folder is empty. Its documents are kept until a file is in it again; they can be removed by no longer following it.'
const tooMany = 'There are more than 20,000 files in the folder; only the first of them are followed.'

type Rooms = {
  database: Database
  runs: Runs
  log: Log
  /** Absolute paths of the folders in which folders may be followed. */
  allowed: string[]
  isReadable(filename: string): boolean
  maxBytes: number
  now(): number
  /** Removes documents with all that was made of them. */
  remove(documentIds: string[], aveeId: string): Promise<unknown>
}

/** Folders of this machine whose files are documents: what is added, changed or deleted there is so here soon after. */
export function watchedFolders(rooms: Rooms) {
  const { database, runs, log, allowed } = rooms
  const { db } = database

  /** The folder's true path when it may be followed. @throws folder_not_allowed */
  async function checked(path: string): Promise<string> {
    const real = await realpath(resolve(path)).catch(() => undefined)
    for (const root of allowed) {
      const within = relative(await realpath(root).catch(() => root), real ?? '')
      if (real && !isAbsolute(within) && within.split(sep)[0] !== '..') return real
    }
    throw notAllowed(allowed)
  }

  /** Looks into a folder and starts a run for what has changed. */
  async function lookInto(folder: ListedFolder, closing: AbortSignal): Promise<void> {
    try {
      const root = await checked(folder.path)
      const known = await listFolderFiles(db, folder.id)
      const found = await scan(root, rooms.isReadable, rooms.now(), closing)
      const isEmptied = found.files.length + found.unread.length === 0 && known.size > 0
      await recordScan(db, folder.id, isEmptied ? emptied : found.isWhole ? null : tooMany)
      if (isEmptied) return
      const { changed, gone } = diffScan(known, found)
      if (changed.length + gone.length > 0) await follow(folder, root, changed.slice(0, mostAtOnce), gone)
    } catch (error) {
      if (closing.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      await recordScan(db, folder.id, `The folder cannot be read: ${why}`)
    }
  }

  async function follow(
    { id, avee_id: aveeId, layer }: ListedFolder,
    root: string,
    changed: { path: string; bytes: number; modifiedMs: number }[],
    gone: string[],
  ): Promise<void> {
    const userId = await findOwnerId(db, aveeId)
    if (userId === undefined) return
    const files = changed.map((file): IngestFile => {
      const filename = file.path.slice(file.path.lastIndexOf('/') + 1)
      const local = { root, ...file }
      if (file.bytes <= rooms.maxBytes) return { name: file.path, filename, local }
      const message = `The file is larger than ${Math.floor(rooms.maxBytes / 1_048_576)} MB (MAX_UPLOAD_MB).`
      return { name: file.path, filename, local, refused: { code: 'too_large', message } }
    })
    await runs.start<IngestInput>({
      kind: 'ingest',
      userId,
      scope: aveeId,
      subject: subjectOf(id),
      input: { aveeId, source: 'folder', layer: null, usualLayer: layer, files, folder: { id, gone } },
    })
  }

  async function look(closing: AbortSignal): Promise<void> {
    if (allowed.length === 0) return
    for (const folder of await listFolders(db)) {
      if (closing.aborted) return
      await lookInto(folder, closing)
    }
  }

  const looks = againAndAgain(look, {
    firstAfterMs: everyMs,
    pauseMs: (tookMs) => Math.max(everyMs, shareOfLooks * tookMs),
    log,
    failure: 'looking into folders failed; it is tried again',
  })

  return {
    allowed,

    list: (aveeId: string): Promise<ListedFolder[]> => listFolders(db, aveeId),

    /** Begins to follow a folder. @throws folder_not_allowed, folder_followed */
    async add(aveeId: string, { path, layer }: { path: string; layer: Layer }): Promise<ListedFolder> {
      const id = newId()
      if (!(await insertFolder(db, { id, avee_id: aveeId, path: await checked(path), layer })))
        throw alreadyFollowed()
      void looks.now()
      return await find(aveeId, id)
    },

    /** No longer follows a folder; its documents stay, or go with it. @throws folder_not_found */
    async remove(aveeId: string, id: string, documents: 'keep' | 'remove'): Promise<void> {
      await find(aveeId, id)
      await runs.delete({ kind: 'ingest', subject: subjectOf(id) })
      const left = await database.transaction(async (trx) => {
        await deleteFolder(trx, id)
        if (documents === 'keep') await detachOrphanedDocuments(trx, aveeId)
        return await findOrphanedDocuments(trx, aveeId)
      })
      await rooms.remove(left, aveeId)
    },

    /** Looks into every folder; it also happens by itself. */
    now: looks.now,

    [Symbol.asyncDispose]: looks[Symbol.asyncDispose],
  }

  async function find(aveeId: string, id: string): Promise<ListedFolder> {
    const folder = (await listFolders(db, aveeId)).find((each) => each.id === id)
    if (!folder) throw folderNotFound()
    return folder
  }
}
export type WatchedFolders = ReturnType<typeof watchedFolders>

const subjectOf = (folderId: string) => `folder ${folderId}`
