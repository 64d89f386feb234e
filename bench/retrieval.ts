/**
 * Measures retrieval quality on every data set below DIR, with the real parsers, index and search.
 *
 *     node bench/retrieval.ts --data DIR [--only WORD] [--url postgres://…] [--vectors | --model FOLDER [--reranker FOLDER]]
 *
 *     DIR/retrieval/<name>/    corpus.jsonl {id,title,text}, queries.jsonl {id,text}, qrels.tsv
 *     DIR/qa/<name>/           passages.<lang>.jsonl {id,title,text}, questions.<lang>.jsonl {question,passage_id}
 *     DIR/qa/<name>/           *.md, questions.jsonl {question,doc_id,references:[{start,end}]}
 *     DIR/pdf-qa/              files/*.pdf, questions.jsonl {set,file,question,pages,sources?}
 *     DIR/filings/             *.pdf, other filings of filing-questions.json, each searched alone
 *
 * Questions about PDFs are extended by those of filing-questions.json, and by others that derive from the rows of their
 * tables. The baseline is plain BM25 over the same texts (k1 0.9, b 0.4; over whole pages and abstracts 1.2, 0.75).
 * `--vectors` adds vector search with a bag of words in place of a model, and reports lexical search alone; `--model`
 * does the same with an ONNX model in a folder with the layout of a hub, and `--reranker` reranks with the cross-encoder
 * in another. For the last table, questions are asked of documents that answer them and of others.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Answerability } from '../contract/knowledge.ts'
import { wordCount } from '../server/knowledge/chunking/word-count.ts'
import { createEngine } from '../server/models/in-process/engine.ts'
import { bagOfWords } from './bag-of-words.ts'
import { bm25 } from './bm25.ts'
import { fixed, foldersIn, jsonLines, mean, print } from './data.ts'
import { folderEmbedder, folderReranker } from './model-folder.ts'
import { articleOf, asMarkdown, baseline, distinct, measures, readJudgements } from './ranking.ts'
import { allLayers, type BenchServer, openBenchServer } from './server.ts'
import { rowQuestions, statementQuestions } from './table-questions.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    url: { type: 'string' },
    vectors: { type: 'boolean', default: false },
    model: { type: 'string' },
    reranker: { type: 'string' },
  },
})
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const data = values.data
const groundingWords = 1_000
const wanted = (name: string) => values.only === undefined || name.includes(values.only)

await using engine = createEngine()
await using server = await openBenchServer({
  url: values.url,
  embedder: values.model
    ? await folderEmbedder(engine, values.model)
    : values.vectors
      ? await bagOfWords()
      : undefined,
  scoreRelevance: values.reranker ? await folderReranker(engine, values.reranker) : undefined,
})
const hasVectors = values.vectors || values.model !== undefined

/** The outcome of each question, and whether the documents answer it. */
const judged: { set: string; outcome: Answerability; isAnswered: boolean }[] = []

async function search(server: BenchServer, aveeId: string, query: string, limit = 50, lexicalOnly = false) {
  const scope = { aveeId, layers: allLayers, signal: server.signal }
  return await server.knowledge.search({ ...scope, query, limit, lexicalOnly })
}

async function rankedDocuments(folder: string): Promise<void> {
  type Doc = { id: string; title: string; text: string }
  const corpus = jsonLines<Doc>(path.join(folder, 'corpus.jsonl')).filter(
    (doc) => asMarkdown(doc).trim() !== '',
  )
  const queries = jsonLines<{ id: string; text: string }>(path.join(folder, 'queries.jsonl'))
  const qrels = readJudgements(folder)
  const aveeId = await server.newAvee()
  const results = await server.ingest(
    aveeId,
    corpus.map((doc) => ({ filename: `${encodeURIComponent(doc.id)}.md`, text: asMarkdown(doc) })),
  )
  const named = new Map(results.map((result, i) => [result.doc_id, corpus[i]?.id ?? '']))
  const plain = await baseline(
    corpus.map((doc) => `${doc.title}\n${doc.text}`),
    { k1: 1.2, b: 0.75 },
  )
  const asked = queries.filter((query) =>
    [...(qrels.get(query.id)?.values() ?? [])].some((grade) => grade > 0),
  )
  const ours = []
  const words = []
  const theirs = []
  for (const query of asked) {
    const grades = qrels.get(query.id) ?? new Map<string, number>()
    const found = async (lexicalOnly: boolean) => {
      const { hits } = await search(server, aveeId, query.text, 50, lexicalOnly)
      return measures(distinct(hits.map((hit) => named.get(hit.documentId) ?? '')), grades)
    }
    ours.push(await found(false))
    if (hasVectors) words.push(await found(true))
    theirs.push(
      measures(
        plain(query.text, 50).map((i) => corpus[i]?.id ?? ''),
        grades,
      ),
    )
  }
  const line = (all: ReturnType<typeof measures>[]) =>
    `nDCG@10 ${fixed(mean(all.map((m) => m.ndcg)))}  Recall@20 ${fixed(mean(all.map((m) => m.recall)))}  MRR@10 ${fixed(mean(all.map((m) => m.mrr)))}`
  print(`\n${path.basename(folder)}: ${corpus.length} documents, ${asked.length} questions`)
  print(`  search      ${line(ours)}`)
  if (hasVectors) print(`  lexical     ${line(words)}`)
  print(`  plain BM25  ${line(theirs)}`)
}

async function paragraphs(folder: string, language: string): Promise<void> {
  type Paragraph = { id: string; title?: string; text: string }
  const passages = jsonLines<Paragraph>(path.join(folder, `passages.${language}.jsonl`))
  const questions = jsonLines<{ question: string; passage_id: string }>(
    path.join(folder, `questions.${language}.jsonl`),
  )
  const aveeId = await server.newAvee()
  const results = await server.ingest(
    aveeId,
    passages.map((passage) => ({
      filename: `${encodeURIComponent(passage.id)}.md`,
      text: asMarkdown(passage),
    })),
  )
  const named = new Map(results.map((result, i) => [result.doc_id, passages[i]?.id ?? '']))
  const plain = await baseline(passages.map((passage) => passage.text))
  const ours = []
  const words = []
  const theirs = []
  for (const { question, passage_id } of questions) {
    const place = async (lexicalOnly: boolean) => {
      const { hits } = await search(server, aveeId, question, 20, lexicalOnly)
      return distinct(hits.map((hit) => named.get(hit.documentId) ?? '')).indexOf(passage_id)
    }
    ours.push(await place(false))
    if (hasVectors) words.push(await place(true))
    theirs.push(
      plain(question, 20)
        .map((i) => passages[i]?.id)
        .indexOf(passage_id),
    )
  }
  print(
    `\n${path.basename(folder)} ${language}: ${passages.length} paragraphs, ${questions.length} questions`,
  )
  print(`  search      ${hitRates(ours, [1, 5])}`)
  if (hasVectors) print(`  lexical     ${hitRates(words, [1, 5])}`)
  print(`  plain BM25  ${hitRates(theirs, [1, 5])}`)

  // Each question is asked of the half of the paragraphs with its article, and of the other half.
  const articles = distinct(passages.map(articleOf))
  const inFirst = new Set(articles.slice(0, articles.length / 2))
  const halves = [await server.newAvee(), await server.newAvee()] as const
  for (const [half, aveeId] of halves.entries()) {
    const own = passages.filter((passage) => inFirst.has(articleOf(passage)) === (half === 0))
    await server.ingest(
      aveeId,
      own.map((passage) => ({ filename: `${encodeURIComponent(passage.id)}.md`, text: asMarkdown(passage) })),
    )
  }
  for (const { question, passage_id } of questions) {
    const home = inFirst.has(articleOf({ id: passage_id })) ? 0 : 1
    for (const [half, aveeId] of halves.entries())
      await judge(`${path.basename(folder)} ${language}`, aveeId, question, half === home)
  }
}

const hitRates = (places: number[], at: number[]): string =>
  at.map((k) => `@${k} ${fixed(mean(places.map((place) => (place >= 0 && place < k ? 1 : 0))))}`).join('  ')

async function judge(set: string, aveeId: string, question: string, isAnswered: boolean): Promise<void> {
  const { answerable } = await search(server, aveeId, question, 3)
  judged.push({ set, outcome: answerable, isAnswered })
}

async function evidence(folder: string): Promise<void> {
  type Question = { question: string; doc_id: string; references: { start: number; end: number }[] }
  const files = readdirSync(folder).filter((name) => name.endsWith('.md'))
  const questions = jsonLines<Question>(path.join(folder, 'questions.jsonl'))
  const aveeId = await server.newAvee()
  const results = await server.ingest(
    aveeId,
    files.map((filename) => ({ filename, path: path.join(folder, filename) })),
  )
  const documentOf = new Map(files.map((name, i) => [path.basename(name, '.md'), results[i]?.doc_id]))
  const all: { recall: number; full: number; precision: number; iou: number; words: number }[] = []
  for (const { question, doc_id, references } of questions) {
    const { passages } = await server.knowledge.contextPassages({
      aveeId,
      layers: allLayers,
      query: question,
      words: groundingWords,
      signal: server.signal,
    })
    const given = new Set<number>()
    let characters = 0
    for (const { documentId, start, end } of passages) {
      characters += end - start
      if (documentId === documentOf.get(doc_id)) for (let i = start; i < end; i++) given.add(i)
    }
    const wanted = new Set(
      references.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
    )
    const hit = wanted.intersection(given).size
    all.push({
      recall: hit / wanted.size,
      full: hit === wanted.size ? 1 : 0,
      precision: hit / Math.max(1, characters),
      iou: hit / (characters + wanted.size - hit),
      words: passages.reduce((sum, passage) => sum + wordCount(passage.text), 0),
    })
  }
  const of = (key: keyof (typeof all)[0], digits = 3) =>
    `${key} ${fixed(mean(all.map((one) => one[key])), digits)}`
  print(
    `\n${path.basename(folder)}: ${files.length} documents, ${questions.length} questions, evidence in a prompt of ${groundingWords} words`,
  )
  print(`  context     ${of('recall')}  ${of('full')}  ${of('precision')}  ${of('iou')}  ${of('words', 0)}`)
}

async function pdfPages(folder: string): Promise<void> {
  type Question = { set: string; file: string; question: string; pages: number[]; sources?: string[] }
  const rowsSet = 'rows of tables'
  const statementsSet = 'statements'
  const filingsSet = 'filings'
  const files = readdirSync(path.join(folder, 'files')).filter((name) => name.endsWith('.pdf'))
  const filings = path.join(data, 'filings')
  const otherFiles = existsSync(filings) ? readdirSync(filings).filter((name) => name.endsWith('.pdf')) : []
  const written = JSON.parse(readFileSync(new URL('filing-questions.json', import.meta.url), 'utf8')) as {
    file: string
    questions: { question: string; pages: number[] }[]
  }[]
  const questions: Question[] = [
    ...jsonLines<Question>(path.join(folder, 'questions.jsonl')),
    ...written.flatMap(({ file, questions }) =>
      questions.map((question) => ({ ...question, set: filingsSet, file })),
    ),
  ]
  const everything = await server.newAvee()
  const documents = new Map<string, { own: string; id: string; pages: string[] }>()
  for (const filename of [...files, ...otherFiles]) {
    const isOther = otherFiles.includes(filename)
    const file = { filename, path: path.join(isOther ? filings : path.join(folder, 'files'), filename) }
    const own = await server.newAvee()
    const [result] = await server.ingest(own, [file])
    if (!isOther) await server.ingest(everything, [file])
    if (!result?.doc_id) throw new Error(`${filename}: ${result?.message}`)
    const pages = (await server.knowledge.text(result.doc_id, allLayers)).map((page) => page.text)
    documents.set(filename, { own, id: result.doc_id, pages })
  }
  const listed = await server.knowledge.list(everything, allLayers, { limit: 1_000 })
  const inEverything = new Map(listed.documents.map((document) => [document.id, document.filename]))
  const allPages = files.flatMap((file) =>
    (documents.get(file)?.pages ?? []).map((text, i) => ({ file, page: i + 1, text })),
  )
  const overAll = bm25(
    allPages.map((page) => page.text),
    { k1: 1.2, b: 0.75 },
  )
  const pageKey = (file: string | null | undefined, page: number | null) => `${file} ${page}`
  const derived: Question[] = [...documents].flatMap(([file, { pages }]) => [
    ...rowQuestions(file, pages).map((question) => ({ ...question, set: rowsSet, file })),
    ...statementQuestions(file, pages).map((question) => ({ ...question, set: statementsSet, file })),
  ])
  for (const set of [...new Set(questions.map((question) => question.set)), rowsSet, statementsSet]) {
    const asked = [...questions, ...derived]
      .filter(({ set: own, file, pages }) => own === set && pages.length > 0 && documents.has(file))
      .filter(({ sources }) => sources === undefined || sources.some((source) => /text|table/i.test(source)))
    const places = {
      own: [] as number[],
      ownPlain: [] as number[],
      all: [] as number[],
      allPlain: [] as number[],
    }
    for (const { file, question, pages } of asked) {
      const document = documents.get(file)
      if (!document) continue
      const gold = new Set(pages.map((page) => pageKey(file, page)))
      const placeOf = (found: string[]) => distinct(found).findIndex((key) => gold.has(key))
      const inOwn = await search(server, document.own, question)
      places.own.push(placeOf(inOwn.hits.map((hit) => pageKey(file, hit.page))))
      const own = bm25(document.pages, { k1: 1.2, b: 0.75 })
      places.ownPlain.push(placeOf(own(question, 50).map((i) => pageKey(file, i + 1))))
      if (otherFiles.includes(file)) continue
      const inAll = await search(server, everything, question)
      places.all.push(placeOf(inAll.hits.map((hit) => pageKey(inEverything.get(hit.documentId), hit.page))))
      places.allPlain.push(
        placeOf(overAll(question, 50).map((i) => pageKey(allPages[i]?.file, allPages[i]?.page ?? null))),
      )
    }
    print(`\n${set}: ${asked.length} questions, rank of the page that answers`)
    print(
      `  own file    search ${hitRates(places.own, [1, 5, 10])}   pages by BM25 ${hitRates(places.ownPlain, [1, 5, 10])}`,
    )
    print(
      `  all files   search ${hitRates(places.all, [1, 5, 10])}   pages by BM25 ${hitRates(places.allPlain, [1, 5, 10])}`,
    )
    const byFile = Map.groupBy(places.own, (_, i) => asked[i]?.file ?? '')
    print(
      `  first 5, own file: ${[...byFile].map(([file, found]) => `${path.basename(file, '.pdf').slice(0, 16)} ${hitRates(found, [5]).slice(3)} (${found.length})`).join(', ')}`,
    )
    if ([rowsSet, statementsSet, filingsSet].includes(set)) continue
    // Each question is asked of its own file and of another one.
    for (const [i, { file, question }] of asked.entries()) {
      const others = files.filter((name) => name !== file)
      const other = documents.get(others[i % others.length] ?? '')
      await judge(set, documents.get(file)?.own ?? '', question, true)
      if (other) await judge(set, other.own, question, false)
    }
  }
}

function reportAnswerability(): void {
  if (judged.length === 0) return
  print('\nAnswerability: questions asked of documents that answer them and of documents that do not')
  for (const set of new Set(judged.map((one) => one.set))) {
    const share = (isAnswered: boolean, outcome: Answerability) => {
      const asked = judged.filter((one) => one.set === set && one.isAnswered === isAnswered)
      return fixed(asked.filter((one) => one.outcome === outcome).length / Math.max(1, asked.length))
    }
    const row = (isAnswered: boolean) =>
      `yes ${share(isAnswered, 'yes')}  unsure ${share(isAnswered, 'unsure')}  no ${share(isAnswered, 'no')}`
    print(`  ${set.padEnd(18)} answered: ${row(true)}   not answered: ${row(false)}`)
  }
}

for (const folder of foldersIn(path.join(data, 'retrieval')))
  if (wanted(folder)) await rankedDocuments(folder)
for (const folder of foldersIn(path.join(data, 'qa'))) {
  if (wanted(folder) && existsSync(path.join(folder, 'questions.jsonl'))) await evidence(folder)
  for (const file of readdirSync(folder)) {
    const language = /^passages\.(\w+)\.jsonl(?:\.gz)?$/.exec(file)?.[1]
    if (language !== undefined && wanted(`${folder} ${language}`)) await paragraphs(folder, language)
  }
}
if (existsSync(path.join(data, 'pdf-qa')) && wanted('pdf-qa')) await pdfPages(path.join(data, 'pdf-qa'))
reportAnswerability()
