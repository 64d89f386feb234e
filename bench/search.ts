/**
 * How quick search is, and how little an ingest holds it back.
 *
 *     node bench/search.ts [--passages 10000,50000] [--url postgres://…] [--vectors 384]
 *
 * Texts are made up (words as frequent as in a language, several subjects) and taken in as files by the real ingest.
 * Questions are words of one passage each. `--vectors` adds an arm by meaning with vectors of that many numbers, made
 * of hashed words, and measures how many of the exact nearest the index finds. PostgreSQL's database must be empty.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { bagOfWords } from './bag-of-words.ts'
import { figure, quantile, say } from './data.ts'
import { allLayers, openHouse } from './house.ts'

const { values } = parseArgs({
  options: {
    passages: { type: 'string', default: '10000,50000' },
    url: { type: 'string' },
    vectors: { type: 'string' },
  },
})
const targets = values.passages.split(',').map(Number)
const questions = 300
const passagesOfFile = 250

/** A generator of the same numbers every time. */
function random(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
const chance = random(7)
const syllables =
  'ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri flo gru sta spe tri'.split(' ')
const vocabulary = Array.from({ length: 60_000 }, () =>
  Array.from(
    { length: 1 + Math.floor(chance() * 3) },
    () => syllables[Math.floor(chance() * syllables.length)],
  ).join(''),
)
/** The n-th word comes about as often as 1/n. */
const wordAt = (from: number): string =>
  vocabulary[(Math.floor(Math.exp(chance() * Math.log(vocabulary.length))) - 1 + from) % vocabulary.length] ??
  ''

function sentence(subject: number): string {
  const words = Array.from({ length: 8 + Math.floor(chance() * 14) }, () =>
    wordAt(chance() < 0.3 ? subject : 0),
  )
  const text = words.join(' ')
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`
}

function document(number: number): string {
  const subject = Math.floor(chance() * vocabulary.length)
  const paragraphs = Array.from({ length: passagesOfFile }, () =>
    Array.from({ length: 6 }, () => sentence(subject)).join(' '),
  )
  return `# Document ${number} on ${wordAt(subject)}\n\n${paragraphs.join('\n\n')}\n`
}

const embedder = values.vectors === undefined ? undefined : await bagOfWords(Number(values.vectors))
await using house = await openHouse({ url: values.url, embedder })
const { knowledge, database } = house
const aveeId = await house.newAvee()
say(`${database.kind}${embedder ? `, vectors of ${values.vectors}` : ', words alone'}`)

let files = 0
for (const target of targets) {
  let seconds = 0
  let stored = (await knowledge.stats(aveeId, allLayers)).passages
  const before = stored
  while (stored < target) {
    const texts = Array.from({ length: Math.min(20, Math.ceil((target - stored) / passagesOfFile)) }, () =>
      document(++files),
    )
    const started = performance.now()
    const results = await house.ingest(
      aveeId,
      texts.map((text, i) => ({ filename: `${files}-${i}.md`, text })),
    )
    seconds += (performance.now() - started) / 1000
    stored += results.reduce((sum, result) => sum + (result.chunks ?? 0), 0)
  }
  await sql`analyze`.execute(database.db)
  say(
    `\n${stored} passages; taken in at ${figure((stored - before) / seconds, 0)} a second; resident ${figure(process.memoryUsage().rss / 1024 / 1024, 0)} MB`,
  )
  const asked = await someQuestions()
  await timed(asked.slice(0, 20))
  report('search', await timed(asked))
  await whileIngesting(asked)
}

/** A few words of passages, as somebody asks who remembers them. */
async function someQuestions(): Promise<string[]> {
  const { rows } = await sql<{ text: string }>`
    select text from passages where avee_id = ${aveeId} and id % greatest(1, (select count(*) from passages) / ${questions}) = 0 limit ${questions}
  `.execute(database.db)
  return rows.map(({ text }) => {
    const words = text.split(/\s+/)
    return Array.from({ length: 6 }, () => words[Math.floor(chance() * words.length)]).join(' ')
  })
}

async function once(query: string): Promise<number> {
  const started = performance.now()
  await knowledge.search({ aveeId, layers: allLayers, query, limit: 10, signal: house.signal })
  return performance.now() - started
}

async function timed(queries: string[]): Promise<number[]> {
  const ms: number[] = []
  for (const query of queries) ms.push(await once(query))
  return ms
}

function report(what: string, ms: number[]): void {
  say(
    `  ${what.padEnd(28)} p50 ${figure(quantile(ms, 0.5), 1)} ms   p99 ${figure(quantile(ms, 0.99), 1)} ms   most ${figure(Math.max(...ms), 1)} ms`,
  )
}

/** Searches and single statements, as a chat makes them, while files come in; and the event loop beside them. */
async function whileIngesting(asked: string[]): Promise<void> {
  let going = true
  const ingest = house
    .ingest(
      aveeId,
      Array.from({ length: 8 }, (_, i) => ({ filename: `during-${files}-${i}.md`, text: document(++files) })),
    )
    .finally(() => (going = false))
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
    searches.push(await once(asked[i % asked.length] ?? ''))
    const started = performance.now()
    await database.ping()
    statements.push(performance.now() - started)
    await pause(20)
  }
  await Promise.all([ingest, beat])
  report('search while files come in', searches)
  report('a statement beside it', statements)
  report('late timers', gaps)
}
