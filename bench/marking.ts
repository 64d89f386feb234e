/**
 * How many passages of PDFs are found again on their printed pages, to be marked there.
 *
 *     node bench/marking.ts --data DIR
 *
 * Every passage of every PDF below `DIR/pdf-qa/files` and `DIR/documents` is looked for among the characters of its
 * page, as the page in the browser does. Told are how many are found, how many in one piece, how many of whose letters
 * less than nine tenths are covered, and how long it takes.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chunkDocument } from '../server/knowledge/chunking/index.ts'
import { openPdf } from '../server/knowledge/parsers/formats/pdf/pdfium.ts'
import { parseFile } from '../server/knowledge/parsers/parse-file.ts'
import { locatePassage } from '../web/documents/pdf/locate-passage.ts'
import { figure, quantile, say } from './data.ts'

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('--data DIR is missing.')
const limits = {
  bytes: 1e9,
  pages: 10_000,
  unpackedBytes: 1e9,
  milliseconds: 600_000,
  memoryBytes: 4e9,
}
const enough = 0.9

const lettersIn = (text: string) => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0

say('| PDFs of | passages | found | in one piece | less than nine tenths of it | ms (p50 / p99) |')
say('| --- | --- | --- | --- | --- | --- |')
for (const folder of ['pdf-qa/files', 'documents']) {
  const seen = { passages: 0, found: 0, whole: 0, short: 0 }
  const times: number[] = []
  for (const name of readdirSync(join(values.data, folder)).filter((file) => file.endsWith('.pdf'))) {
    const path = join(values.data, folder, name)
    // Files that are meant to be refused have no passages.
    const document = await parseFile(path, name, limits, () => undefined).catch(() => undefined)
    if (!document) continue
    using pdf = await openPdf(path)
    const characters = new Map<number, string[]>()
    for (const { page, start, end } of chunkDocument(document)) {
      const number = page ?? 1
      const text = document.pages.find((each) => each.page === number)?.text.slice(start, end) ?? ''
      const its =
        characters.get(number) ??
        pdf.withPage(number - 1, (drawn) =>
          [...drawn.glyphs()].map(({ code }) =>
            code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '',
          ),
        ) ??
        []
      characters.set(number, its)
      const begun = performance.now()
      const spans = locatePassage(its, text)
      times.push(performance.now() - begun)
      seen.passages += 1
      if (!spans) continue
      const covered = spans.reduce((sum, { from, to }) => sum + lettersIn(its.slice(from, to).join('')), 0)
      seen.found += 1
      if (spans.length === 1) seen.whole += 1
      if (covered < enough * lettersIn(text)) seen.short += 1
    }
  }
  say(
    `| ${folder} | ${seen.passages} | ${seen.found} | ${seen.whole} | ${seen.short} | ${figure(quantile(times, 0.5), 1)} / ${figure(quantile(times, 0.99), 1)} |`,
  )
}
