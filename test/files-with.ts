import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lists the files below a directory that contain one of the words, in UTF-8, regardless of case. */
export function filesWith(directory: string, words: readonly string[]): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => {
      const content = readFileSync(path).toString('latin1').toLowerCase()
      return words.some((word) => content.includes(Buffer.from(word.toLowerCase()).toString('latin1')))
    })
}
