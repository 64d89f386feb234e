import { createHash } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { newId } from '../db/index.ts'
import { storageFull } from '../errors.ts'

/** A complete file on disk that belongs to no run or document yet. */
export type StagedFile = { path: string; sha256: string; bytes: number }

/** Uploads take less time; older files in `incoming` come from a server that crashed. */
const abandonedUploadAgeMs = 60 * 60 * 1000

/**
 * The original files of documents:
 *
 *     incoming/<id>            being received
 *     files/ab/cd/<sha256>     complete, by the hash of the content
 *
 * A file is written and synced in `incoming`, then renamed, so that `files` contains complete files only.
 */
export function originals(dataDir: string) {
  const incoming = join(dataDir, 'incoming')
  const files = join(dataDir, 'files')
  const folderOf = (sha256: string) => join(files, sha256.slice(0, 2), sha256.slice(2, 4))
  const pathOf = (sha256: string) => join(folderOf(sha256), sha256)

  /** Creates a file in `incoming`, which may not exist yet. */
  async function openIncoming(path: string): Promise<FileHandle> {
    try {
      return await open(path, 'wx', 0o600)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await mkdir(incoming, { recursive: true, mode: 0o700 })
      return await open(path, 'wx', 0o600)
    }
  }

  /** Writes and hashes a stream. On failure it leaves no file and closes the stream. @throws insufficient_storage */
  async function stage(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StagedFile> {
    const path = join(incoming, newId())
    const hash = createHash('sha256')
    let bytes = 0
    try {
      await using file = await openIncoming(path)
      for await (const chunk of stream) {
        hash.update(chunk)
        bytes += chunk.byteLength
        await file.writeFile(chunk)
      }
      await file.sync()
      const sha256 = hash.digest('hex')
      await mkdir(folderOf(sha256), { recursive: true, mode: 0o700 })
      return { path, sha256, bytes }
    } catch (error) {
      // A stream that is not read would keep its file open.
      if (stream instanceof Readable) stream.destroy()
      await rm(path, { force: true })
      throw isDiskFull(error) ? storageFull(error) : error
    }
  }

  async function move({ path, sha256 }: StagedFile): Promise<void> {
    try {
      await rename(path, pathOf(sha256))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || !(await has(sha256))) throw error
    }
  }

  const has = (sha256: string): Promise<boolean> =>
    stat(pathOf(sha256)).then(
      (found) => found.isFile(),
      () => false,
    )

  return {
    stage,
    pathOf,
    has,

    discard: (staged: StagedFile): Promise<void> => rm(staged.path, { force: true }),

    /**
     * Moves staged files to the originals, replacing equal ones; in parallel, because the caller holds a lock.
     * Idempotent, because the caller's transaction may be retried.
     */
    async keep(staged: StagedFile[]): Promise<void> {
      const folders = new Set(staged.map(({ sha256 }) => folderOf(sha256)))
      await Promise.all(staged.map(move))
      await Promise.all([...folders].map(syncFolder))
    },

    read: (sha256: string): ReadStream => createReadStream(pathOf(sha256)),

    remove: (sha256: string): Promise<void> => rm(pathOf(sha256), { force: true }),

    /** Yields the hashes of all originals, one of 256 prefixes at a time. */
    async *listHashes(): AsyncGenerator<string[]> {
      for (const outer of await namesIn(files)) {
        const folders = (await namesIn(join(files, outer))).map((inner) => join(files, outer, inner))
        const names = (await Promise.all(folders.map(namesIn))).flat()
        if (names.length > 0) yield names.filter((name) => /^[0-9a-f]{64}$/.test(name))
      }
    },

    /** Deletes the files of uploads that were never completed. */
    async deleteAbandonedUploads(now: Date): Promise<void> {
      const folder = await opendir(incoming).catch(() => undefined)
      if (!folder) return
      for await (const entry of folder) {
        const path = join(incoming, entry.name)
        const found = await stat(path).catch(() => undefined)
        if (found && now.getTime() - found.mtimeMs > abandonedUploadAgeMs) await rm(path, { force: true })
      }
    },
  }
}

export type Originals = ReturnType<typeof originals>

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''
const isDiskFull = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes(codeOf(error))

/** Makes renames in a folder durable. On Windows this is neither possible nor needed. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    if (!['EPERM', 'EISDIR', 'EACCES', 'EINVAL'].includes(codeOf(error))) throw error
  }
}
