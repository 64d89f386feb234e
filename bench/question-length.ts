/**
 * Measures retrieval by questions of 2 to 500 words, beside plain BM25 (k1 1.2, b 0.75) over the same texts.
 *
 *     node bench/question-length.ts --data DIR [--url postgres://…]
 *
 * Half of the documents of a set are searched; the others are questions, cut to each length. In `DIR/retrieval/<name>`,
 * a question consists of documents that are relevant to a query and should find the others relevant to it. In
 * `DIR/qa/<name>/passages.<lang>.jsonl`, it consists of paragraphs of an article and should find the others.
 */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { fixed, foldersIn, jsonLines, mean, print } from './data.ts'
import { articleOf, asMarkdown, baseline, distinct, measures, readJudgements } from './ranking.ts'
import { allLayers, openBenchServer } from './server.ts'

const { values } = parseArgs({ options: { data: { type: 'string' }, url: { type: 'string' } } })
if (!values.data) throw new Error('Pass the data directory: --data DIR')
const data = values.data
const lengths = [2, 5, 20, 100, 200, 500]

type Doc = { id: string; title: string; text: string }
/** A question of at least 500 words, if available, and the grades of the documents that it should find. */
type Question = { text: string; grades: Map<string, number> }
type Split = { documents: Doc[]; questions: Question[] }

await using server = await openBenchServer({ url: values.url })

/** Returns the first words of a text; undefined if it has fewer. */
function firstWords(text: string, count: number): string | undefined {
  let words = 0
  for (const { index, segment, isWordLike } of new Intl.Segmenter('en', { granularity: 'word' }).segment(
    text,
  ))
    if (isWordLike && ++words === count) return text.slice(0, index + segment.length)
  return undefined
}

async function report(name: string, { documents, questions }: Split): Promise<void> {
  const aveeId = await server.newAvee()
  const results = await server.ingest(
    aveeId,
    documents.map((doc) => ({ filename: `${encodeURIComponent(doc.id)}.md`, text: asMarkdown(doc) })),
  )
  const idOf = new Map(results.map((result, i) => [result.doc_id, documents[i]?.id ?? '']))
  const plain = await baseline(
    documents.map((doc) => `${doc.title}\n${doc.text}`),
    { k1: 1.2, b: 0.75 },
  )
  print(`\n${name}: ${documents.length} documents, nDCG@10`)
  for (const length of lengths) {
    const ours: number[] = []
    const theirs: number[] = []
    for (const { text, grades } of questions) {
      const query = firstWords(text, length)
      if (query === undefined) continue
      const scope = { aveeId, layers: allLayers, signal: server.signal }
      const { hits } = await server.knowledge.search({ ...scope, query, limit: 50 })
      const found = distinct(hits.map((hit) => idOf.get(hit.documentId) ?? ''))
      ours.push(measures(found, grades).ndcg)
      const ranked = plain(query, 50).map((i) => documents[i]?.id ?? '')
      theirs.push(measures(ranked, grades).ndcg)
    }
    if (ours.length > 0)
      print(
        `  ${`${length}`.padStart(3)} words  search ${fixed(mean(ours))}  plain BM25 ${fixed(mean(theirs))}  ${ours.length} questions`,
      )
  }
}

function splitJudged(folder: string): Split {
  const corpus = jsonLines<Doc>(path.join(folder, 'corpus.jsonl')).filter(
    (doc) => asMarkdown(doc).trim() !== '',
  )
  const documents = corpus.filter((_, i) => i % 2 === 0)
  const searched = new Set(documents.map(({ id }) => id))
  const questions = [...readJudgements(folder).values()].flatMap((judged) => {
    const relevant = [...judged].filter(([, grade]) => grade > 0).sort(([, a], [, b]) => b - a)
    const grades = new Map(relevant.filter(([id]) => searched.has(id)))
    const asked = relevant.flatMap(([id]) =>
      searched.has(id) ? [] : corpus.filter((doc) => doc.id === id).map(({ text }) => text),
    )
    return grades.size > 0 && asked.length > 0 ? [{ text: asked.join('\n'), grades }] : []
  })
  return { documents, questions }
}

function splitArticles(paragraphs: Doc[]): Split {
  const documents = paragraphs.filter((_, i) => i % 2 === 0)
  const asked = paragraphs.filter((_, i) => i % 2 === 1)
  const questions = asked.map((first) => {
    const ofArticle = ({ id }: Doc) => articleOf({ id }) === articleOf(first)
    const others = asked.filter((other) => ofArticle(other) && other !== first)
    return {
      text: [first, ...others].map(({ text }) => text).join('\n'),
      grades: new Map(documents.filter(ofArticle).map(({ id }) => [id, 1])),
    }
  })
  return { documents, questions }
}

for (const folder of foldersIn(path.join(data, 'retrieval')))
  await report(path.basename(folder), splitJudged(folder))
for (const folder of foldersIn(path.join(data, 'qa'))) {
  for (const file of readdirSync(folder)) {
    const language = /^passages\.(\w+)\.jsonl(?:\.gz)?$/.exec(file)?.[1]
    if (language === undefined) continue
    const paragraphs = jsonLines<Doc>(path.join(folder, `passages.${language}.jsonl`))
    await report(`${path.basename(folder)} ${language}`, splitArticles(paragraphs))
  }
}
