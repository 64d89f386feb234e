import { expect } from 'vitest'
import type { ParsedDocument, ParseFailure } from '../../server/knowledge/parsers/document.ts'
import { parseFile } from '../../server/knowledge/parsers/parse-file.ts'
import { temporaryFolder } from './folder.ts'

export const limits = {
  bytes: 1e8,
  pages: 20,
  unpackedBytes: 20_000_000,
  milliseconds: 60_000,
  memoryBytes: 5e8,
}

/** Parses `content` as a file named `name`. */
export async function read(
  name: string,
  content: string | Uint8Array,
  options?: Parameters<typeof parseFile>[4],
): Promise<ParsedDocument> {
  await using folder = await temporaryFolder()
  return await parseFile(await folder.write(name, content), name, limits, () => undefined, options)
}

export const textOf = async (name: string, content: string | Uint8Array) =>
  (await read(name, content)).pages.map(({ text }) => text).join('\f')

export const headingsOf = async (name: string, content: string | Uint8Array) =>
  (await read(name, content)).pages.flatMap(({ text, headings }) =>
    headings.map(({ start, level, text: heading }) => {
      expect(text.slice(start).startsWith(heading) || heading.includes(' | ')).toBe(true)
      return `${level} ${heading}`
    }),
  )

export const parseError = (code: ParseFailure) => expect.objectContaining({ code }) as Error
