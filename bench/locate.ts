/**
 * Measures how many passages of PDFs are located on their printed pages, where the browser highlights them.
 *
 *     node bench/locate.ts --data DIR
 *
 * Every passage of every PDF below `DIR/pdf-qa/files` and `DIR/documents` is located among the characters of its page,
 * with the code of the browser. Reports how many passages are located, how many in one piece, how many with less than
 * 90 % of their letters, and the time per passage.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chunkDocument } from '../server/knowledge/chunking/index.ts'
import { openPdf } from '../server/knowledge/parsers/formats/pdf/pdfium.ts'
import { parseFile } from '../server/knowledge/parsers/parse-file.ts'
import { locatePassage } from '../web/documents/pdf/locate-passage.ts'
import { fixed, print, quantile } from './data.ts'

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const limits = {
  bytes: 1e9,
  pages: 10_000,
  unpackedBytes: 1e9,
  milliseconds: 600_000,
  memoryBytes: 4e9,
}
const minCoverage = 0.9

const countLetters = (text: string) => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

print('| PDFs | passages | located | in one piece | less than 90 % located | ms (p50 / p99) |')
print('| --- | --- | --- | --- | --- | --- |')
for (const folder of ['pdf-qa/files', 'documents']) {
  const counts = { passages: 0, located: 0, whole: 0, incomplete: 0 }
  const times: number[] = []
  for (const name of readdirSync(join(values.data, folder)).filter((file) => file.endsWith('.pdf'))) {
    const path = join(values.data, folder, name)
    // Malformed files have no passages.
    const document = await parseFile(path, name, limits, () => undefined).catch(() => undefined)
    if (!document) continue
    using pdf = await openPdf(path)
    const characters = new Map<number, string[]>()
    for (const { page, start, end } of chunkDocument(document)) {
      const number = page ?? 1
      const text = document.pages.find((each) => each.page === number)?.text.slice(start, end) ?? ''
      const glyphs =
        characters.get(number) ??
        pdf.withPage(number - 1, (pdfPage) =>
          [...pdfPage.glyphs()].map(({ code }) =>
            code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '',
          ),
        ) ??
        []
      characters.set(number, glyphs)
      const startedAt = performance.now()
      const spans = locatePassage(glyphs, text)
      times.push(performance.now() - startedAt)
      counts.passages += 1
      if (!spans) continue
      const covered = spans.reduce(
        (sum, { from, to }) => sum + countLetters(glyphs.slice(from, to).join('')),
        0,
      )
      counts.located += 1
      if (spans.length === 1) counts.whole += 1
      if (covered < minCoverage * countLetters(text)) counts.incomplete += 1
    }
  }
  print(
    `| ${folder} | ${counts.passages} | ${counts.located} | ${counts.whole} | ${counts.incomplete} | ${fixed(quantile(times, 0.5), 1)} / ${fixed(quantile(times, 0.99), 1)} |`,
  )
}
