import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFile } from '../store/folders.ts'

/** The maximum number of files per folder; limits the memory and time of a scan. */
export const maxFiles = 20_000
/** A file that changed more recently may be incomplete. */
const minAgeMs = 2_000

export type Scan = {
  files: LocalFile[]
  /** Relative paths of files that are still changing and of folders that cannot be read; their state is unknown. */
  unknown: string[]
  /** False if the folder has more than `maxFiles` files. */
  isComplete: boolean
}

/**
 * Finds the matching files of a folder and its subfolders, except hidden ones and symbolic links. @throws if the folder
 * itself cannot be read
 */
export async function scan(
  root: string,
  isWanted: (name: string) => boolean,
  now: number,
  signal: AbortSignal,
): Promise<Scan> {
  const found: Scan = { files: [], unknown: [], isComplete: true }
  const queue = ['']
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    try {
      for await (const entry of await opendir(join(root, folder))) {
        signal.throwIfAborted()
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (entry.name.startsWith('.')) continue
        if (entry.isDirectory()) queue.push(path)
        if (!entry.isFile() || !isWanted(entry.name)) continue
        if (found.files.length === maxFiles) return { ...found, isComplete: false }
        const { size, mtimeMs } = await stat(join(root, path)).catch(() => ({ size: 0, mtimeMs: 0 }))
        if (size > 0 && now - mtimeMs >= minAgeMs)
          found.files.push({ path, bytes: size, modifiedMs: Math.floor(mtimeMs) })
        else found.unknown.push(path)
      }
    } catch (error) {
      if (folder === '' || signal.aborted) throw error
      found.unknown.push(folder)
    }
  }
  return found
}

/** Compares a scan with the known files: those that are new or changed, and those that no longer exist. */
export function diffScan(known: Map<string, LocalFile>, { files, unknown, isComplete }: Scan) {
  const present = new Set(files.map(({ path }) => path))
  const isUnknown = (path: string) => unknown.some((each) => path === each || path.startsWith(`${each}/`))
  return {
    changed: files.filter((file) => {
      const before = known.get(file.path)
      return before?.bytes !== file.bytes || before.modifiedMs !== file.modifiedMs
    }),
    gone: isComplete ? [...known.keys()].filter((path) => !present.has(path) && !isUnknown(path)) : [],
  }
}
