import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFile } from '../store/folders.ts'

/** More files of one folder are not followed. */
const maxFiles = 20_000
/** A file that changed less than this ago may still be written to. */
const settledMs = 2_000

export type Scan = {
  files: LocalFile[]
  /** Folders in it that could not be read, relative: nothing is known of what they hold. */
  unread: string[]
  /** False when there are more files than are followed. */
  isWhole: boolean
}

/**
 * Looks through a folder for files that can be read. Hidden ones and links are left out, as are files that were changed
 * just now. @throws when the folder itself cannot be read.
 */
export async function scan(
  root: string,
  isWanted: (name: string) => boolean,
  now: number,
  signal: AbortSignal,
): Promise<Scan> {
  const found: Scan = { files: [], unread: [], isWhole: true }
  const waiting = ['']
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    try {
      for await (const entry of await opendir(join(root, folder))) {
        signal.throwIfAborted()
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (entry.name.startsWith('.')) continue
        if (entry.isDirectory()) waiting.push(path)
        if (!entry.isFile() || !isWanted(entry.name)) continue
        if (found.files.length === maxFiles) return { ...found, isWhole: false }
        const { size, mtimeMs } = await stat(join(root, path)).catch(() => ({ size: 0, mtimeMs: 0 }))
        if (size > 0 && now - mtimeMs >= settledMs)
          found.files.push({ path, bytes: size, modifiedMs: Math.floor(mtimeMs) })
        else found.unread.push(path)
      }
    } catch (error) {
      if (folder === '' || signal.aborted) throw error
      found.unread.push(folder)
    }
  }
  return found
}

/** What has to be done after a look: files that are new or have changed, and those that are gone. */
export function diffScan(known: Map<string, LocalFile>, { files, unread, isWhole }: Scan) {
  const present = new Set(files.map(({ path }) => path))
  const isUnknown = (path: string) => unread.some((each) => path === each || path.startsWith(`${each}/`))
  return {
    changed: files.filter((file) => {
      const before = known.get(file.path)
      return before?.bytes !== file.bytes || before.modifiedMs !== file.modifiedMs
    }),
    gone: isWhole ? [...known.keys()].filter((path) => !present.has(path) && !isUnknown(path)) : [],
  }
}
