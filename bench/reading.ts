// Are real and broken files read as they should be, how fast, and at what price in memory?
//   node bench/reading.ts --data DIR      DIR/documents: manifest.jsonl and its files; DIR/pdf-qa/files: PDFs (if there)
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { documentParser, type ReadLimits, type ReadOutcome } from '../server/knowledge/parsers/index.ts'
import { createLog } from '../server/log.ts'
import { createPdf } from '../test/pdf.ts'
import { residentOfChildren } from './resident.ts'

type Wanted = {
  file: string
  want: 'text' | 'reject' | 'text-or-reject' | 'password' | 'no-text'
  must_contain?: string[]
}

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('Say where the data is: --data DIR')
const data = values.data

const limits: ReadLimits = {
  bytes: 100_000_000,
  pages: 5_000,
  unpackedBytes: 128_000_000,
  milliseconds: 120_000,
  memoryBytes: 512_000_000,
}
const signal = new AbortController().signal
const log = createLog('silent')
const folder = mkdtempSync(join(tmpdir(), 'gabee-bench-'))
const print = (line: string) => process.stdout.write(`${line}\n`)
const row = (...cells: (string | number)[]) => print(`| ${cells.join(' | ')} |`)

/** Every file of the manifest, and whether it ended as it is wanted there. */
async function documents() {
  await using files = documentParser({ limits, concurrency: 1, log })
  row('file', 'wanted', 'got', 'ms', '')
  row('---', '---', '---', '---', '---')
  let right = 0
  const wanted = readFileSync(join(data, 'documents', 'manifest.jsonl'), 'utf8')
    .trim()
    .split('\n')
  for (const line of wanted) {
    const { file, want, must_contain: strings = [] } = JSON.parse(line) as Wanted
    const start = performance.now()
    const outcome = await files.read(join(data, 'documents', file), file, { signal })
    const missing = outcome.ok ? strings.filter((text) => !squashed(outcome).includes(text)) : []
    const isRight = outcome.ok
      ? (want === 'text' || want === 'text-or-reject') && missing.length === 0 && outcome.passages.length > 0
      : {
          text: false,
          reject: true,
          'text-or-reject': true,
          password: outcome.code === 'encrypted',
          'no-text': outcome.code === 'no_text',
        }[want]
    if (isRight) right += 1
    const got = outcome.ok ? `${outcome.document.type}, ${outcome.passages.length} passages` : outcome.code
    row(
      file,
      want,
      got,
      (performance.now() - start).toFixed(0),
      isRight ? 'right' : `WRONG ${missing.join('; ')}`,
    )
  }
  print(`\n${right} of ${wanted.length} right\n`)
}

/** Lower case, every run of what is neither letter, mark, digit nor number sign as one blank. */
const squashed = (outcome: ReadOutcome & { ok: true }) =>
  outcome.document.pages
    .map((page) => page.text)
    .join('\n')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')

type File = { path: string; name: string }

async function speed(title: string, all: File[]) {
  if (all.length === 0) return
  collectGarbage()
  const peak = watchMemory()
  const start = performance.now()
  const processor = process.cpuUsage()
  let pages = 0
  let passages = 0
  let longestGap = 0
  let last = performance.now()
  const beat = setInterval(() => {
    longestGap = Math.max(longestGap, performance.now() - last)
    last = performance.now()
  }, 5)
  {
    await using files = documentParser({ limits, concurrency: 2, log })
    await Promise.all(
      all.map(async ({ path, name }) => {
        const outcome = await files.read(path, name, { signal })
        if (!outcome.ok) throw new Error(`${name}: ${outcome.message}`)
        pages += outcome.document.pages.length
        passages += outcome.passages.length
      }),
    )
  }
  clearInterval(beat)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(processor)
  const { own, together } = peak()
  print(
    `${title}: ${pages} pages, ${passages} passages in ${seconds.toFixed(1)} s = ${(pages / seconds).toFixed(0)} pages/s, ` +
      `${(passages / seconds).toFixed(0)} passages/s; peak resident ${own} MB here, ${together} MB with the reading processes; ` +
      `event loop held for at most ${longestGap.toFixed(0)} ms, ${((user + system) / 1e6).toFixed(1)} s of processor here`,
  )
}

/** So that what it took to make the files is not counted. */
const collectGarbage = () => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

/** Resident memory of this process and of its children, every 20 ms; the children's only where /proc tells. */
function watchMemory() {
  let own = 0
  let together = 0
  const look = () => {
    const now = process.memoryUsage.rss()
    own = Math.max(own, now)
    together = Math.max(together, now + residentOfChildren())
  }
  const timer = setInterval(look, 20)
  return () => {
    clearInterval(timer)
    return { own: Math.round(own / 1e6), together: Math.round(together / 1e6) }
  }
}

function pdfsOf(path: string): File[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith('.pdf'))
      .map((name) => ({ path: join(path, name), name }))
  } catch {
    return []
  }
}

function longPdf(pages: number): File {
  const path = join(folder, 'long.pdf')
  writeFileSync(path, createPdf(Array.from({ length: pages }, (_, i) => `Page ${i + 1}\n${prose(i, 450)}`)))
  return { path, name: 'long.pdf' }
}

function smallFiles(count: number): File[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `note ${i}.${['txt', 'md', 'csv', 'html', 'pdf'][i % 5]}`
    const text = prose(i, 200)
    const content =
      [text, `# Note ${i}\n\n${text}`, table(i), `<h1>Note ${i}</h1><p>${text}</p>`, createPdf([text])][
        i % 5
      ] ?? text
    const path = join(folder, name)
    writeFileSync(path, content)
    return { path, name }
  })
}

const table = (seed: number) =>
  [
    'name,place,amount',
    ...Array.from({ length: 40 }, (_, i) => `${prose(seed + i, 2)},${prose(i, 1)},${seed * i}`),
  ].join('\n')

function prose(seed: number, words: number): string {
  const stock =
    'harbour ledger winter signal copper valley engine letter garden market river window paper forest answer bridge'.split(
      ' ',
    )
  return Array.from({ length: words }, (_, i) => {
    const word = stock[(seed * 7 + i * i + 3 * i) % stock.length] ?? ''
    return i % 12 === 11 ? `${word}.` : word
  }).join(' ')
}

try {
  await documents()
  await speed('PDFs of pdf-qa', pdfsOf(join(data, 'pdf-qa', 'files')))
  await speed('one PDF of 1,000 pages', [longPdf(1_000)])
  await speed('1,000 small files', smallFiles(1_000))
} finally {
  rmSync(folder, { recursive: true })
}
