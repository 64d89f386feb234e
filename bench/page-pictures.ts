/**
 * Measures the rendering of PDF pages as images for models: pages per second of CPU time, the size of an image, and the
 * memory of the rendering process.
 *
 *     node bench/page-pictures.ts [--data DIR] [--pages 40]
 *
 * With `--data`, the pages come from the PDFs in `DIR/pdf-qa/files`, otherwise from a generated PDF.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPdf } from '../server/knowledge/parsers/formats/pdf/pdfium.ts'
import { documentParser } from '../server/knowledge/parsers/index.ts'
import { createLog } from '../server/log.ts'
import { temporaryFolder } from '../test/files/folder.ts'
import { createPdf } from '../test/pdf.ts'
import { cpuSecondsOfChildren, memoryOfChildren } from './child-processes.ts'
import { fixed, mean, print } from './data.ts'

const { values } = parseArgs({
  options: { data: { type: 'string' }, pages: { type: 'string', default: '40' } },
})
/** The maximum edge of a page image in prompts. */
const maxEdge = 1_568
const sampleMs = 5
const limits = { bytes: 1e9, pages: 10_000, unpackedBytes: 1e9, milliseconds: 600_000, memoryBytes: 512e6 }
const { signal } = new AbortController()

await using folder = await temporaryFolder()
const files = join(values.data ?? '', 'pdf-qa', 'files')
const paths = values.data
  ? readdirSync(files).map((name) => join(files, name))
  : [
      await folder.write(
        'print.pdf',
        createPdf(Array.from({ length: 10 }, () => 'A ferry has landed. '.repeat(100))),
      ),
    ]

const share = Math.ceil(Number(values.pages) / paths.length)
const pages: { path: string; page: number }[] = []
for (const path of paths) {
  using pdf = await openPdf(path)
  const step = Math.max(1, Math.floor(pdf.pages / share))
  for (let i = 0; i < Math.min(share, pdf.pages); i++) pages.push({ path, page: 1 + i * step })
}

let peak = 0
const sampling = setInterval(() => {
  peak = Math.max(peak, memoryOfChildren())
}, sampleMs)
await using parser = documentParser({ limits, concurrency: 1, log: createLog('error') })
const draw = (page: (typeof pages)[number]) => parser.draw({ ...page, maxEdge, onlyGraphical: false }, signal)
// The first page starts the process.
if (pages[0]) await draw(pages[0])
const cpuBefore = cpuSecondsOfChildren()
const sizes: number[] = []
for (const page of pages) {
  const picture = await draw(page)
  if (picture) sizes.push(picture.jpeg.length)
}
const cpuSeconds = cpuSecondsOfChildren() - cpuBefore
clearInterval(sampling)
print('| files | pages drawn | pages per CPU second | KB per picture | peak memory, MB |')
print('| --- | --- | --- | --- | --- |')
print(
  `| ${paths.length} | ${sizes.length} of ${pages.length} | ${fixed(pages.length / cpuSeconds, 1)} | ${fixed(mean(sizes) / 1_000, 0)} | ${fixed(peak / 1e6, 0)} |`,
)
