import { type Layer } from '../../../contract/layers.ts'
import type { MemoryType } from '../../../contract/memory.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { expandFollowUpTerms, idf, type QueryTerm } from '../../search/index.ts'
import { datesIn } from '../rules/dates.ts'
import {
  type Candidate,
  memoryLanguages,
  type RecallScope,
  recallByMeaning,
  recallByWords,
} from '../store/memories.ts'
import { type Pair, questionsOf, wordsIn } from '../words.ts'

export type RecallQuery = Pair & {
  /** What the person may see of the avee at this moment: nothing made at a wider layer is recalled. */
  layer: Layer
  query: string
  /** Earlier questions of the conversation, oldest first: a follow-up is understood from them. */
  context?: string[]
  /** Words that may be recalled at most. */
  words: number
  /** True when the prompt goes to another machine: what is for local models only is left out. */
  remote: boolean
  signal: AbortSignal
}

export type RecalledMemory = {
  id: string
  type: MemoryType
  content: string
  layer: Layer
  confidence: number
  pinned: boolean
  localOnly: boolean
  /** Since when it is true; of an event, when it is. */
  validFrom: Date | null
  /** Since when it is true no more; null while it is. */
  validUntil: Date | null
  score: number
}

/** A name, an allergy, what somebody eats: counts in any answer. */
const importantAlways = 0.85
const candidates = 300
const nearest = 30
/** Of what is neither pinned nor always important, this much must fit the question. */
const leastRelevance = 0.12
/** A memory that answers a question about the time before counts as one that holds. */
const asksForPast =
  /(?<![\p{L}])(?:used to|before|previous(?:ly)?|former(?:ly)?|earlier|back then|in the past|once|was|were|did|had|früher|damals|vorher|ehemalig\p{L}*|zuvor|war|hatte|antes|anterior(?:mente)?|solía|era|avant|auparavant|autrefois|ancien\p{L}*|était)(?![\p{L}])/iu
const pastWeight = 0.5
const weights = { relevance: 0.62, importance: 0.2, recency: 0.1, confidence: 0.08 }
/** After so many days a memory that nobody spoke of again counts half as recent. */
const halfLifeDays = 60
/** An embedding model that takes longer holds no answer up. */
const embeddingPatienceMs = 400
/** Vectors of unrelated short texts are about as near as this in the models that were tried. */
const unrelatedCosine = 0.35

export function memoryRecall(rooms: {
  database: Database
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  now: () => Date
}) {
  const { db } = rooms.database

  async function byMeaning(
    scope: RecallScope,
    query: string,
    signal: AbortSignal,
  ): Promise<Map<string, Candidate & { cosine: number }>> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(embeddingPatienceMs)])
    try {
      const embedder = await rooms.embedder(patience)
      const [vector] = (await embedder?.embed([query], 'query', patience)) ?? []
      if (!embedder || !vector) return new Map()
      const found = await recallByMeaning(db, scope, { space: embedder.space, vector, limit: nearest })
      return new Map(found.map((memory) => [memory.id, memory]))
    } catch (error) {
      signal.throwIfAborted()
      rooms.log.debug({ err: error }, 'memories were recalled by words alone')
      return new Map()
    }
  }

  /** What is worth knowing for an answer, the most useful first, within a number of words. */
  return async function recall(ask: RecallQuery, layersSeen: Layer[]): Promise<RecalledMemory[]> {
    const now = rooms.now()
    const scope: RecallScope = { ...ask, layers: layersSeen }
    const languages = await memoryLanguages(db, scope)
    if (languages.length === 0) return []
    const total = languages.reduce((sum, each) => sum + each.memories, 0)
    const words = await questionsOf(
      ask,
      languages.map((each) => each.language),
    )
    const terms = expandFollowUpTerms(words, ask.query, ask.context ?? [])
    const [time] = datesIn(ask.query, now, 'future')
    const [lexical, semantic] = await Promise.all([
      recallByWords(db, scope, {
        terms: terms.flatMap((term) => [...term.stems.keys()]),
        important: importantAlways,
        from: time?.from ?? null,
        to: time?.to ?? null,
        limit: candidates,
      }),
      byMeaning(scope, ask.query, ask.signal),
    ])
    ask.signal.throwIfAborted()
    const all = new Map<string, Candidate>([...lexical, ...semantic.values()].map((one) => [one.id, one]))
    const weigh = coverage(terms, [...all.values()], total)
    const pastAsked = asksForPast.test(ask.query)
    const scored = [...all.values()].flatMap((memory) => {
      const cosine = semantic.get(memory.id)?.cosine ?? 0
      const isThen =
        time !== undefined &&
        memory.valid_from !== null &&
        memory.valid_from >= time.from &&
        memory.valid_from < time.to
      const isPast = memory.valid_until !== null && memory.valid_until <= now
      const fits = Math.max(
        weigh(memory),
        (cosine - unrelatedCosine) / (1 - unrelatedCosine),
        isThen ? 0.8 : 0,
      )
      const relevance = fits * (isPast && !pastAsked ? pastWeight : 1)
      const isAlways = !isPast && (memory.pinned || memory.importance >= importantAlways)
      if (!isAlways && relevance < leastRelevance) return []
      return [{ memory, score: scoreOf(memory, relevance, now) }]
    })
    return within(
      scored.toSorted((a, b) => b.score - a.score),
      ask.words,
    )
  }
}

function scoreOf(memory: Candidate, relevance: number, now: Date): number {
  const days = Math.max(0, now.getTime() - memory.last_confirmed_at.getTime()) / 86_400_000
  return (
    weights.relevance * relevance +
    weights.importance * memory.importance +
    weights.recency * 0.5 ** (days / halfLifeDays) +
    weights.confidence * memory.confidence +
    (memory.pinned ? 1 : 0)
  )
}

/** Which part of what a question says stands in a memory, each word by how rare it is among the memories. */
function coverage(terms: QueryTerm[], memories: Candidate[], total: number): (memory: Candidate) => number {
  const sets = new Map(memories.map((memory) => [memory.id, new Set(memory.terms)]))
  const holds = (memory: Candidate, term: QueryTerm) =>
    [...term.stems.keys()].some((form) => sets.get(memory.id)?.has(form))
  const said = terms
    .filter((term) => !term.isStopWord)
    .map((term) => {
      const holding = memories.filter((memory) => holds(memory, term)).length
      return { term, weight: term.weight * idf(Math.max(holding, 1), Math.max(total, 1)) }
    })
  // A word that stands in no memory takes half of its weight from the others: it may be what the question turns on.
  const whole = said.reduce(
    (sum, { term, weight }) => sum + weight * (memories.some((memory) => holds(memory, term)) ? 1 : 0.5),
    0,
  )
  return (memory) =>
    whole === 0
      ? 0
      : said.reduce((sum, { term, weight }) => sum + (holds(memory, term) ? weight : 0), 0) / whole
}

function within(scored: { memory: Candidate; score: number }[], words: number): RecalledMemory[] {
  const chosen: RecalledMemory[] = []
  let left = words
  for (const { memory, score } of scored) {
    const price = wordsIn(memory.content)
    if (price > left) continue
    left -= price
    chosen.push({
      id: memory.id,
      type: memory.type,
      content: memory.content,
      layer: memory.layer,
      confidence: memory.confidence,
      pinned: memory.pinned,
      localOnly: memory.local_only,
      validFrom: memory.valid_from,
      validUntil: memory.valid_until,
      score,
    })
  }
  return chosen
}
