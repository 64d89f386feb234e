import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { defineError } from '../../errors.ts'

const fileUnreadable = defineError(
  422,
  'file_unreadable',
  (path: string) => `${path} could not be opened. It may have been deleted, or the server may not read it.`,
)

/** Opens a file below `root`; follows no symbolic links in the path. @throws file_unreadable */
export async function openFileWithin(root: string, path: string): Promise<Readable> {
  try {
    const real = await realpath(join(root, path))
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw fileUnreadable(path)
    const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    return file.createReadStream()
  } catch {
    throw fileUnreadable(path)
  }
}
