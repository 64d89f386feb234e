import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { defineError } from '../../errors.ts'

const fileUnreadable = defineError(
  422,
  'file_unreadable',
  (path: string) => `${path} cannot be opened: it is gone, or this server may not read it.`,
)

/** Opens a file of a folder, and never one that a link leads to, within the folder or on the way to it. @throws file_unreadable */
export async function openFileWithin(root: string, path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const real = await realpath(join(root, path))
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw fileUnreadable(path)
    const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    return file.createReadStream()
  } catch {
    throw fileUnreadable(path)
  }
}
