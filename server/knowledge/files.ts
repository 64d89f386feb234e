import { createHash } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../db/index.ts'

/** Bytes that have arrived whole and are on disk, but are nobody's yet. */
export type StagedFile = { path: string; sha256: string; bytes: number }

/** Leftovers of a server that died are at least this old; an upload that is still coming in is younger. */
const abandonedUploadAgeMs = 60 * 60 * 1000

/**
 * The originals of documents, below one directory:
 *
 *   incoming/<id>            bytes on their way in
 *   files/ab/cd/<sha256>     whole files by the hash of their content
 *
 * A file is written and synced in `incoming` and then renamed, so that under `files` there are only whole ones.
 */
export function originals(dataDir: string) {
  const incoming = join(dataDir, 'incoming')
  const files = join(dataDir, 'files')
  const folderOf = (sha256: string) => join(files, sha256.slice(0, 2), sha256.slice(2, 4))
  const pathOf = (sha256: string) => join(folderOf(sha256), sha256)

  /** Takes a stream in, hashing as it goes. When the stream or the disk fails, nothing is left behind. */
  async function stage(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StagedFile> {
    await mkdir(incoming, { recursive: true, mode: 0o700 })
    const path = join(incoming, newId())
    const hash = createHash('sha256')
    let bytes = 0
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const chunk of stream) {
        hash.update(chunk)
        bytes += chunk.byteLength
        await file.writeFile(chunk)
      }
      await file.sync()
      await file.close()
      const sha256 = hash.digest('hex')
      await mkdir(folderOf(sha256), { recursive: true, mode: 0o700 })
      return { path, sha256, bytes }
    } catch (error) {
      await file.close().catch(() => undefined)
      await rm(path, { force: true })
      throw error
    }
  }

  return {
    stage,
    pathOf,

    discard: (staged: StagedFile): Promise<void> => rm(staged.path, { force: true }),

    /** Puts staged files among the originals, each over an equal one that is there already: side by side, as the caller holds a lock. */
    async keep(staged: StagedFile[]): Promise<void> {
      const folders = new Set(staged.map(({ sha256 }) => folderOf(sha256)))
      await Promise.all(staged.map(({ path, sha256 }) => rename(path, pathOf(sha256))))
      await Promise.all([...folders].map(syncFolder))
    },

    async has(sha256: string): Promise<boolean> {
      return stat(pathOf(sha256)).then(
        (found) => found.isFile(),
        () => false,
      )
    },

    read: (sha256: string): ReadStream => createReadStream(pathOf(sha256)),

    remove: (sha256: string): Promise<void> => rm(pathOf(sha256), { force: true }),

    /** The hashes of all originals, in batches of one folder each. */
    async *listHashes(): AsyncGenerator<string[]> {
      for (const outer of await namesIn(files)) {
        for (const inner of await namesIn(join(files, outer))) {
          const names = await namesIn(join(files, outer, inner))
          if (names.length > 0) yield names.filter((name) => /^[0-9a-f]{64}$/.test(name))
        }
      }
    },

    /** Removes what uploads that never ended have left. */
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

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
