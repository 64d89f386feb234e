/**
 * Measures whether real and malformed files are parsed as expected, how fast, and with how much memory.
 *
 *     node bench/parsing.ts --data DIR
 *
 *     DIR/documents/       manifest.jsonl {file, want, must_contain?} and its files
 *     DIR/pdf-qa/files/    PDFs (optional)
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { documentParser, type ReadLimits, type ReadOutcome } from '../server/knowledge/parsers/index.ts'
import { createLog } from '../server/log.ts'
import { createPdf } from '../test/pdf.ts'
import { memoryOf, memoryOfChildren } from './child-processes.ts'
import { print } from './data.ts'

type ManifestLine = {
  file: string
  want: 'text' | 'reject' | 'text-or-reject' | 'password' | 'no-text'
  must_contain?: string[]
}

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('Pass the data directory: --data DIR')
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
const row = (...cells: (string | number)[]) => print(`| ${cells.join(' | ')} |`)

/** Parses every file of the manifest and compares the outcome with the expected one. */
async function measureOutcomes() {
  await using files = documentParser({ limits, concurrency: 1, log })
  row('file', 'expected', 'outcome', 'ms', '')
  row('---', '---', '---', '---', '---')
  let correct = 0
  const lines = readFileSync(join(data, 'documents', 'manifest.jsonl'), 'utf8')
    .trim()
    .split('\n')
  for (const line of lines) {
    const { file, want, must_contain: strings = [] } = JSON.parse(line) as ManifestLine
    const start = performance.now()
    const outcome = await files.read(join(data, 'documents', file), file, { signal })
    const missing = outcome.ok ? strings.filter((text) => !normalizedText(outcome).includes(text)) : []
    const isCorrect = outcome.ok
      ? (want === 'text' || want === 'text-or-reject') && missing.length === 0 && outcome.passages.length > 0
      : {
          text: false,
          reject: true,
          'text-or-reject': true,
          password: outcome.code === 'encrypted',
          'no-text': outcome.code === 'no_text',
        }[want]
    if (isCorrect) correct += 1
    const got = outcome.ok ? `${outcome.document.type}, ${outcome.passages.length} passages` : outcome.code
    row(
      file,
      want,
      got,
      (performance.now() - start).toFixed(0),
      isCorrect ? 'correct' : `WRONG ${missing.join('; ')}`,
    )
  }
  print(`\n${correct} of ${lines.length} correct\n`)
}

/** Returns the text in lower case, with one space in place of everything else than letters and digits. */
const normalizedText = (outcome: ReadOutcome & { ok: true }) =>
  outcome.document.pages
    .map((page) => page.text)
    .join('\n')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')

type File = { path: string; name: string }

async function measureSpeed(title: string, all: File[]) {
  if (all.length === 0) return
  collectGarbage()
  const peak = watchMemory()
  const start = performance.now()
  const cpuBefore = process.cpuUsage()
  let pages = 0
  let passages = 0
  let longestGap = 0
  let last = performance.now()
  const timer = setInterval(() => {
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
  clearInterval(timer)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const { own, total } = peak()
  print(
    `${title}: ${pages} pages, ${passages} passages in ${seconds.toFixed(1)} s = ${(pages / seconds).toFixed(0)} pages/s, ` +
      `${(passages / seconds).toFixed(0)} passages/s; peak memory ${own} MB, ${total} MB with the parser processes; ` +
      `event loop blocked for at most ${longestGap.toFixed(0)} ms, ${((user + system) / 1e6).toFixed(1)} s of CPU time in this process`,
  )
}

/** Runs before a measurement, so that the memory used to create the files is not counted. */
const collectGarbage = () => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

/** Samples memory every 100 ms. Returns a function that stops and returns the peaks in MB; 0 on systems without /proc. */
function watchMemory() {
  let own = 0
  let total = 0
  const sample = () => {
    const now = memoryOf(process.pid)
    own = Math.max(own, now)
    total = Math.max(total, now + memoryOfChildren())
  }
  const timer = setInterval(sample, 100)
  return () => {
    clearInterval(timer)
    return { own: Math.round(own / 1e6), total: Math.round(total / 1e6) }
  }
}

function listPdfs(path: string): File[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith('.pdf'))
      .map((name) => ({ path: join(path, name), name }))
  } catch {
    return []
  }
}

function createLongPdf(pages: number): File {
  const path = join(folder, 'long.pdf')
  writeFileSync(path, createPdf(Array.from({ length: pages }, (_, i) => `Page ${i + 1}\n${prose(i, 450)}`)))
  return { path, name: 'long.pdf' }
}

function createSmallFiles(count: number): File[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `note ${i}.${['txt', 'md', 'csv', 'html', 'pdf'][i % 5]}`
    const text = prose(i, 200)
    const content =
      [text, `# Note ${i}\n\n${text}`, createTable(i), `<h1>Note ${i}</h1><p>${text}</p>`, createPdf([text])][
        i % 5
      ] ?? text
    const path = join(folder, name)
    writeFileSync(path, content)
    return { path, name }
  })
}

const createTable = (seed: number) =>
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
  await measureOutcomes()
  await measureSpeed('PDFs of pdf-qa', listPdfs(join(data, 'pdf-qa', 'files')))
  await measureSpeed('one PDF of 1,000 pages', [createLongPdf(1_000)])
  await measureSpeed('1,000 small files', createSmallFiles(1_000))
} finally {
  rmSync(folder, { recursive: true })
}
