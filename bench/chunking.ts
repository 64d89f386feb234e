// Measures how much of the evidence the five best passages contain, by chunk size.
//   node bench/chunking.ts --data DIR      DIR/qa/chunking: *.md and questions.jsonl {question, doc_id, references: [{start, end}]}
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { chunkDocument } from '../server/knowledge/chunking/index.ts'
import { headingsOfMarkdown } from '../server/knowledge/parsers/formats/markdown.ts'
import { bm25 } from './bm25.ts'

type Span = { start: number; end: number }
type Chunk = Span & { doc: string; indexed: string }
type Question = { question: string; doc_id: string; references: Span[] }
type Texts = Map<string, string>

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const folder = join(values.data, 'qa', 'chunking')
const texts: Texts = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [basename(name, '.md'), readFileSync(join(folder, name), 'utf8')]),
)
const questions = readFileSync(join(folder, 'questions.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Question)

const best = 5
const word = /[\p{L}\p{M}\p{N}]+/gu

function fixedWindows(words: number): Chunk[] {
  return [...texts].flatMap(([doc, text]) => {
    const spans = [...text.matchAll(/\S+/g)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
    }))
    return Array.from({ length: Math.ceil(spans.length / words) }, (_, i) => {
      const start = spans[i * words]?.start ?? 0
      const end = spans[Math.min((i + 1) * words, spans.length) - 1]?.end ?? 0
      return { doc, start, end, indexed: text.slice(start, end) }
    })
  })
}

function ownPassages(target: number, withHeadings: boolean): Chunk[] {
  return [...texts].flatMap(([doc, text]) => {
    const page = { page: 1, text, headings: headingsOfMarkdown(text) }
    return chunkDocument({ type: 'md', title: null, paged: false, pages: [page] }, { target }).map(
      (passage) => ({
        doc,
        start: passage.start,
        end: passage.end,
        indexed: withHeadings ? `${passage.heading ?? ''}\n${passage.text}` : passage.text,
      }),
    )
  })
}

function measure(chunks: Chunk[], neighbours: number) {
  const search = bm25(chunks.map((chunk) => chunk.indexed))
  const sums = { recall: 0, precision: 0, iou: 0, full: 0, words: 0 }
  for (const { question, doc_id: doc, references } of questions) {
    const taken = new Set(
      search(question, best).flatMap((i) =>
        Array.from({ length: 2 * neighbours + 1 }, (_, k) => i + k - neighbours).filter(
          (k) => chunks[k]?.doc === chunks[i]?.doc,
        ),
      ),
    )
    const given = new Set<string>()
    for (const i of taken) {
      const chunk = chunks[i]
      if (!chunk) continue
      for (let at = chunk.start; at < chunk.end; at++) given.add(`${chunk.doc}:${at}`)
      sums.words += texts.get(chunk.doc)?.slice(chunk.start, chunk.end).match(word)?.length ?? 0
    }
    const evidence = new Set(
      references.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, k) => `${doc}:${start + k}`),
      ),
    )
    const found = [...evidence].filter((at) => given.has(at)).length
    sums.recall += found / evidence.size
    sums.precision += given.size > 0 ? found / given.size : 0
    sums.iou += found / (given.size + evidence.size - found)
    sums.full += found === evidence.size ? 1 : 0
  }
  const n = questions.length
  return {
    recall: sums.recall / n,
    precision: sums.precision / n,
    iou: sums.iou / n,
    full: sums.full / n,
    words: sums.words / n,
  }
}

const wordsOf = (chunks: Chunk[]) =>
  chunks.reduce(
    (sum, chunk) => sum + (texts.get(chunk.doc)?.slice(chunk.start, chunk.end).match(word)?.length ?? 0),
    0,
  ) / chunks.length

const out = (cells: (string | number)[]) =>
  process.stdout.write(
    `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(3) : cell)).join(' | ')} |\n`,
  )

function report(name: string, chunks: Chunk[], neighbours = 0) {
  const { recall, precision, iou, full, words } = measure(chunks, neighbours)
  out([name, wordsOf(chunks).toFixed(0), recall, precision, iou, full, words.toFixed(0)])
}

out(['chunker', 'words', 'recall', 'precision', 'IoU', 'full', 'words given'])
out(Array.from({ length: 7 }, () => '---'))
for (const words of [60, 100, 150, 200, 300]) report(`fixed ${words}`, fixedWindows(words))
for (const words of [60, 100]) report(`fixed ${words}, neighbours ±1`, fixedWindows(words), 1)
for (const target of [60, 80, 100, 120, 150, 200]) report(`own ${target}`, ownPassages(target, true))
for (const target of [100, 150]) report(`own ${target}, without headings`, ownPassages(target, false))
for (const target of [50, 60, 70, 80, 90, 100, 110, 120])
  report(`own ${target}, neighbours ±1`, ownPassages(target, true), 1)
