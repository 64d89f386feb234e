/**
 * Measures how many of the passages that a question needs are in the prompt.
 *
 *     node bench/several-passages.ts --data DIR [--only WORD] [--words 1000] [--detail]
 *
 *     DIR/multihop/<name>/    corpus.jsonl {id,title,text}, questions.jsonl {question,type,passages: [id]}
 *     DIR/qa/<name>/          passages.en.jsonl {id,title,text}, questions.en.jsonl {question,passage_id}
 *     DIR/pdf-qa/             files/*.pdf
 *
 * Questions about two passages ("… and …", of different passages or companies) are made from questions about one and
 * from rows of tables in PDFs. Compares the passages of a prompt of the question alone with those of the question and
 * its parts: the share of questions all of whose passages are in the prompt, and the share of passages.
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { partsOf } from '../server/knowledge/search/question-parts.ts'
import { fixed, foldersIn, jsonLines, mean, print } from './data.ts'
import { asMarkdown } from './ranking.ts'
import { allLayers, type BenchFile, openBenchServer } from './server.ts'
import { rowQuestions } from './table-questions.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    words: { type: 'string', default: '1000' },
    detail: { type: 'boolean', default: false },
  },
})
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const data = values.data
const wanted = (set: string) => values.only === undefined || set.includes(values.only)
const words = Number(values.words)
const maxPairs = 200

type Passage = { id: string; title: string; text: string }
/** Each needed passage may be in any of several places: documents, or pages of them. */
type Question = { question: string; type: string; places: string[][] }

const pairOf = (one: Question, other: Question): Question => ({
  question: `${one.question.replace(/\s*\?.*$/, '')} and ${other.question.replace(/^./, (letter) => letter.toLowerCase())}`,
  type: 'pair',
  places: [...one.places, ...other.places],
})

await using server = await openBenchServer()

for (const folder of foldersIn(path.join(data, 'multihop')).filter(wanted)) {
  type Line = { question: string; type: string; passages: string[] }
  const questions = jsonLines<Line>(path.join(folder, 'questions.jsonl'))
  await measurePassages(
    folder,
    jsonLines<Passage>(path.join(folder, 'corpus.jsonl')),
    questions.map(({ passages, ...question }) => ({ ...question, places: passages.map((id) => [id]) })),
  )
}
for (const folder of foldersIn(path.join(data, 'qa')).filter(wanted)) {
  if (!existsSync(path.join(folder, 'questions.en.jsonl'))) continue
  const questions = jsonLines<{ question: string; passage_id: string }>(
    path.join(folder, 'questions.en.jsonl'),
  ).map(({ question, passage_id: id }) => ({ question, type: 'single', places: [[id]] }))
  const half = Math.floor(questions.length / 2)
  const pairs = questions.slice(0, half).map((one, i) => pairOf(one, questions[i + half] ?? one))
  const every = Math.ceil(half / maxPairs)
  await measurePassages(
    folder,
    jsonLines<Passage>(path.join(folder, 'passages.en.jsonl')),
    pairs.filter((_, i) => i % every === 0),
  )
}
if (wanted('pdf-qa') && existsSync(path.join(data, 'pdf-qa'))) await measureFilings(path.join(data, 'pdf-qa'))

async function measurePassages(folder: string, passages: Passage[], questions: Question[]): Promise<void> {
  const aveeId = await server.newAvee()
  const results = await server.ingest(
    aveeId,
    passages.map((each) => ({ filename: `${encodeURIComponent(each.id)}.md`, text: asMarkdown(each) })),
  )
  const named = new Map(results.map((result, i) => [result.doc_id ?? '', passages[i]?.id ?? '']))
  await measure(path.basename(folder), aveeId, questions, ({ documentId }) => named.get(documentId) ?? '')
}

/** Asks about rows of two companies at once. */
async function measureFilings(folder: string): Promise<void> {
  const aveeId = await server.newAvee()
  const names = readdirSync(path.join(folder, 'files')).filter((file) => file.endsWith('.pdf'))
  const files: BenchFile[] = names.map((filename) => ({
    filename,
    path: path.join(folder, 'files', filename),
  }))
  const results = await server.ingest(aveeId, files)
  const rows: Question[][] = []
  for (const [i, { doc_id: id }] of results.entries()) {
    if (!id) throw new Error(`${names[i]} could not be parsed`)
    const pages = (await server.knowledge.text(id, allLayers)).map(({ text }) => text)
    rows.push(
      rowQuestions(names[i] ?? '', pages).map(({ question, pages: found }) => ({
        question,
        type: 'row',
        places: [found.map((page) => `${id} ${page}`)],
      })),
    )
  }
  const filings = rows.filter((questions) => questions.length > 0)
  const pairs = filings.flatMap((questions, i) =>
    questions.flatMap((one, n) => {
      const other = filings[(i + 1) % filings.length]?.[n]
      return other ? [pairOf(one, other)] : []
    }),
  )
  await measure('rows of two filings', aveeId, pairs, ({ documentId, page }) => `${documentId} ${page}`)
}

async function measure(
  set: string,
  aveeId: string,
  questions: Question[],
  placeOf: (hit: { documentId: string; page: number | null }) => string,
): Promise<void> {
  const recall = async ({ question, places }: Question, parts: string[]): Promise<number> => {
    const scope = { aveeId, layers: allLayers, signal: server.signal, lexicalOnly: true }
    const { passages } = await server.knowledge.contextPassages({ ...scope, query: question, parts, words })
    const found = new Set(passages.map(placeOf))
    return mean(places.map((alternatives) => (alternatives.some((place) => found.has(place)) ? 1 : 0)))
  }
  const scored: { type: string; hasParts: boolean; whole: number; decomposed: number }[] = []
  for (const question of questions) {
    const parts = partsOf(question.question)
    const [whole, decomposed] = [await recall(question, []), await recall(question, parts)]
    scored.push({ type: question.type, hasParts: parts.length > 0, whole, decomposed })
    if (values.detail && parts.length > 0)
      print(`  ${fixed(whole, 2)} ${fixed(decomposed, 2)} ${question.question} ${JSON.stringify(parts)}`)
  }
  print(`\n${set}: ${questions.length} questions, prompts of ${words} words`)
  const figures = (shares: number[]) =>
    `all passages ${fixed(mean(shares.map((share) => (share === 1 ? 1 : 0))))}  passages ${fixed(mean(shares))}`
  const report = (label: string, ones: typeof scored) =>
    print(
      `  ${label.padEnd(12)} ${String(ones.length).padStart(4)}   question: ${figures(ones.map((one) => one.whole))}   with parts: ${figures(ones.map((one) => one.decomposed))}`,
    )
  for (const [type, ones] of Map.groupBy(scored, (one) => one.type)) report(type, ones)
  report(
    'have parts',
    scored.filter(({ hasParts }) => hasParts),
  )
}
