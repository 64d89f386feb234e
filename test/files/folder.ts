import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Creates a temporary folder, which is deleted with its contents when disposed of. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'gabee-files-'))
  let count = 0
  return {
    path,

    /** Writes a file into a new folder and returns its path. */
    async write(name: string, content: string | Uint8Array): Promise<string> {
      count += 1
      const file = join(path, String(count), name)
      await mkdir(join(path, String(count)))
      await writeFile(file, content)
      return file
    },

    remove: (file: string): Promise<void> => rm(file),

    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true })
    },
  }
}
