/**
 * Measures text recognition: pages per second of a scanned PDF and the share of its words that are recognized.
 *
 *     node bench/ocr.ts [--data DIR] [--pages 20] [--languages eng]
 *
 * Pages of text are printed, rendered as images at 200 dpi and read like an upload, with Tesseract. With `--data`, the
 * pages are the first ones with text of the PDFs below `DIR/pdf-qa/files`. Compared with Tesseract alone, one page at a
 * time, in the same run.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPdf } from '../server/knowledge/parsers/formats/pdf/pdfium.ts'
import { documentParser } from '../server/knowledge/parsers/index.ts'
import { tesseract } from '../server/knowledge/parsers/ocr/tesseract.ts'
import { createLog } from '../server/log.ts'
import { temporaryFolder } from '../test/files/folder.ts'
import { scansPdf } from '../test/files/pdf.ts'
import { createPdf } from '../test/pdf.ts'
import { fixed, mean, print } from './data.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    pages: { type: 'string', default: '20' },
    languages: { type: 'string', default: 'eng' },
  },
})
const dotsPerInch = 200
const { signal: never } = new AbortController()
const minWords = 50
const limits = { bytes: 1e9, pages: 10_000, unpackedBytes: 1e9, milliseconds: 600_000, memoryBytes: 2e9 }
const ocr = { languages: values.languages, env: { PATH: process.env['PATH'] } }

await using folder = await temporaryFolder()
const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
const paragraph = 'The harbour of Vellmar opens at dawn and closes when the last of its ferries has landed. '
const paths = values.data
  ? readdirSync(join(values.data, 'pdf-qa', 'files')).map((name) =>
      join(values.data ?? '', 'pdf-qa', 'files', name),
    )
  : [
      await folder.write(
        'print.pdf',
        createPdf(Array.from({ length: Number(values.pages) }, () => paragraph.repeat(25))),
      ),
    ]

const pages: { image: Uint8Array; words: string[] }[] = []
for (const path of paths) {
  using pdf = await openPdf(path)
  const share = Math.ceil(Number(values.pages) / paths.length)
  for (let i = 0, taken = 0; i < pdf.pages && taken < share; i++) {
    const page = pdf.withPage(i, (drawn) => ({
      words: wordsOf(Array.from(drawn.glyphs(), ({ code }) => String.fromCodePoint(code)).join('')),
      image: drawn.portableGraymap(dotsPerInch),
    }))
    if (!page?.image || page.words.length < minWords) continue
    pages.push({ words: page.words, image: page.image })
    taken += 1
  }
}
const scan = await folder.write('scan.pdf', scansPdf(pages.map(({ image }) => image)))

let start = performance.now()
const recognizeText = tesseract(ocr, limits, never)
for (const { image } of pages)
  if (!(await recognizeText({ bytes: image }, dotsPerInch))) throw new Error('Install Tesseract first.')
const alone = (performance.now() - start) / 1000

start = performance.now()
await using parser = documentParser({ limits, concurrency: 1, log: createLog('error'), ocr })
const outcome = await parser.read(scan, 'scan.pdf', { signal: never })
const seconds = (performance.now() - start) / 1000
if (!outcome.ok) throw new Error(outcome.message)
const recall = pages.map(({ words }, i) => {
  const found = new Set(wordsOf(outcome.document.pages[i]?.text ?? ''))
  return words.filter((word) => found.has(word)).length / words.length
})
print('| pages | words per page | pages/s | Tesseract alone, pages/s | words recognized |')
print('| --- | --- | --- | --- | --- |')
print(
  `| ${pages.length} | ${fixed(mean(pages.map(({ words }) => words.length)), 0)} | ${fixed(pages.length / seconds, 2)} | ${fixed(pages.length / alone, 2)} | ${fixed(mean(recall))} |`,
)
