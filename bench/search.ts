/**
 * Measures the latency of search, the recall of its vector index, and the latency while documents are ingested.
 *
 *     node bench/search.ts [--passages 10000,50000] [--small 50,20000] [--vectors 384] [--url postgres://…]
 *
 * Documents are synthetic, with word frequencies as in natural language and a subject each. One avee grows to each of
 * the `--passages`; others have the `--small` numbers in the same tables. Each query consists of words of one passage.
 * `--vectors` adds vector search with that many dimensions (hashed words) and reports its recall of the exact nearest 10
 * and 50. PostgreSQL's database must be empty and configured for its size (for 1,000,000 passages
 * `maintenance_work_mem` and `shared_buffers` of 2 GB).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { vectorSearch } from '../server/knowledge/search/vector-search.ts'
import { countPassagesByLanguage } from '../server/knowledge/store/search.ts'
import { vectorIndexes } from '../server/knowledge/store/vector-index.ts'
import { createLog } from '../server/log.ts'
import { bagOfWords } from './bag-of-words.ts'
import { fixed, mean, print, quantile } from './data.ts'
import { fill } from './fill.ts'
import { allLayers, openBenchServer } from './server.ts'
import { random, syntheticDocument } from './synthetic.ts'

const { values } = parseArgs({
  options: {
    passages: { type: 'string', default: '10000,50000' },
    small: { type: 'string', default: '50' },
    url: { type: 'string' },
    vectors: { type: 'string' },
  },
})
const sizes = (list: string) => list.split(',').filter(Boolean).map(Number)
const questions = 300
const compared = 100

const dimensions = Number(values.vectors)
const embedder = values.vectors === undefined ? undefined : await bagOfWords(dimensions)
await using server = await openBenchServer({ url: values.url, embedder })
const { knowledge, database, signal } = server
const indexes = vectorIndexes({ database, log: createLog('warn') })
const nearestPassages = vectorSearch({ database, log: createLog('warn') })
print(`${database.kind}${embedder ? `, vectors of ${dimensions}` : ', lexical only'}`)

const small = []
for (const passages of sizes(values.small)) {
  const aveeId = await server.newAvee()
  small.push({ aveeId, passages: await fill(database, aveeId, { passages, embedder, signal }) })
}
const large = await server.newAvee()
let stored = 0
for (const passages of sizes(values.passages)) {
  const started = performance.now()
  const added = await fill(database, large, { passages: passages - stored, embedder, signal })
  stored += added
  const filled = performance.now()
  if (embedder) {
    indexes.buildWhenLarge(embedder.space, dimensions)
    await indexes.idle()
  }
  const indexed = performance.now()
  await sql`vacuum analyze`.execute(database.db)
  print(
    `\n${stored} passages; ${fixed(added / ((filled - started) / 1000), 0)} a second; the index of their vectors after another ${fixed((indexed - filled) / 1000, 0)} s`,
  )
  for (const each of [{ aveeId: large, passages: stored }, ...small]) {
    const asked = await someQuestions(each.aveeId)
    const name = `an avee of ${each.passages}`
    await timed(each.aveeId, asked.slice(0, 50))
    report(name, await timed(each.aveeId, asked))
    if (embedder) {
      report(`${name}, lexical only`, await timed(each.aveeId, asked, true))
      await reportRecall(name, each.aveeId, asked)
    }
  }
  await whileIngesting(await someQuestions(large))
}

/** Returns queries of six words from one passage each. */
async function someQuestions(aveeId: string): Promise<string[]> {
  const { rows } = await sql<{ text: string }>`
    select text from passages where avee_id = ${aveeId} order by hashint8(id) limit ${questions}
  `.execute(database.db)
  return rows.map(({ text }) => {
    const words = text.split(/\s+/)
    return Array.from({ length: 6 }, () => words[Math.floor(random() * words.length)]).join(' ')
  })
}

async function once(aveeId: string, query: string, lexicalOnly = false): Promise<number> {
  const started = performance.now()
  await knowledge.search({ aveeId, layers: allLayers, query, limit: 10, lexicalOnly, signal })
  return performance.now() - started
}

async function timed(aveeId: string, queries: string[], lexicalOnly = false): Promise<number[]> {
  const ms: number[] = []
  for (const query of queries) ms.push(await once(aveeId, query, lexicalOnly))
  return ms
}

function report(what: string, ms: number[]): void {
  print(
    `  ${what.padEnd(34)} p50 ${fixed(quantile(ms, 0.5), 1)} ms   p99 ${fixed(quantile(ms, 0.99), 1)} ms   most ${fixed(Math.max(...ms), 1)} ms`,
  )
}

/** Reports the recall of vector search against an exact comparison; ties count as found. */
async function reportRecall(name: string, aveeId: string, queries: string[]): Promise<void> {
  if (!embedder) return
  const { space } = embedder
  const shares: { at10: number; at50: number }[] = []
  const scope = { aveeId, layers: allLayers }
  const [counts] = await countPassagesByLanguage(database.db, scope).execute()
  const nearest = (vector: Float32Array) =>
    nearestPassages(scope, {
      space,
      vector,
      limit: 50,
      own: counts?.own_vectors ?? 0,
      all: counts?.all_vectors ?? -1,
      checksum: counts?.embedded_checksum ?? null,
    })
  // The first search starts to read the vectors into memory.
  await nearest(new Float32Array(dimensions).fill(1))
  await pause(10_000)
  for (const query of queries.slice(0, compared)) {
    const [vector] = await embedder.embed([query], 'query', signal)
    if (!vector) continue
    const found = await nearest(vector)
    const { rows } = await sql<{ distance: number }>`
      select embedding <=> ${JSON.stringify([...vector])}::vector as distance
      from (select embedding from passage_vectors where avee_id = ${aveeId} offset 0) as own
      order by distance limit 50
    `.execute(database.db)
    const share = (k: number) => {
      const furthest = (rows[Math.min(k, rows.length) - 1]?.distance ?? 0) + 1e-6
      return found.slice(0, k).filter(({ score }) => 1 - score <= furthest).length / Math.min(k, rows.length)
    }
    shares.push({ at10: share(10), at50: share(50) })
  }
  print(
    `  ${`${name}, nearest found`.padEnd(34)} of 10 ${fixed(mean(shares.map(({ at10 }) => at10)))}   of 50 ${fixed(mean(shares.map(({ at50 }) => at50)))}`,
  )
}

/** Reports the latency of searches, statements and timers while files are ingested. */
async function whileIngesting(asked: string[]): Promise<void> {
  const aveeId = await server.newAvee()
  const files = Array.from({ length: 8 }, (_, i) => {
    const { title, paragraphs } = syntheticDocument(i, 250)
    return { filename: `during-${i}.md`, text: `# ${title}\n\n${paragraphs.join('\n\n')}\n` }
  })
  let going = true
  const ingest = server.ingest(aveeId, files).finally(() => (going = false))
  const searches: number[] = []
  const statements: number[] = []
  const gaps: number[] = []
  const beat = (async () => {
    for (let last = performance.now(); going; last = performance.now()) {
      await pause(10)
      gaps.push(performance.now() - last - 10)
    }
  })()
  for (let i = 0; going; i++) {
    searches.push(await once(large, asked[i % asked.length] ?? ''))
    const started = performance.now()
    await database.ping()
    statements.push(performance.now() - started)
    await pause(20)
  }
  await Promise.all([ingest, beat])
  report('search during ingestion', searches)
  report('statement during ingestion', statements)
  report('late timers', gaps)
}
