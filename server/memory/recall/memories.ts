import type { Layer } from '../../../contract/layers.ts'
import type { Row } from '../../db/index.ts'
import { expandFollowUp, idf, type QueryTerm } from '../../search/index.ts'
import { findPeriod } from '../dates.ts'
import {
  countByLanguage,
  countRecallable,
  findByVector,
  findCandidates,
  type RecallScope,
} from '../store/memories.ts'
import { countWords, type Pair, pairAnalyzer } from '../terms.ts'
import { embedQuery, type RecallDependencies } from './embed-query.ts'

type MemoryQuery = Pair & {
  query: string
  /** Earlier questions of the conversation, oldest first, for follow-up questions. */
  context?: string[]
  /** True when the prompt goes to another machine: memories for local models only are left out. */
  remote: boolean
  signal: AbortSignal
}

export type RecallQuery = MemoryQuery & {
  /** The user's current access layer: memories of wider layers are left out. */
  layer: Layer
  maxWords: number
  /** The number of memories of each language, if already read. */
  counts?: MemoryCount[]
}

type MemoryCount = { language: string | null; memories: number }

/** `valid_from`: the start of its validity, or the date of an event. `valid_until`: the end of its validity. */
export type RecalledMemory = Pick<
  Row<'memories'>,
  'id' | 'type' | 'content' | 'valid_from' | 'valid_until' | 'local_only'
>

/** A memory that matches a search. */
export type FoundMemory = Row<'memories'> & { score: number }

/**
 * Memories of this importance are part of every prompt; the instruction of `ask-model.ts` assigns it to names,
 * allergies and diets.
 */
const alwaysImportance = 0.85
const maxCandidates = 300
const maxNearest = 30

export function memoryRecall(dependencies: RecallDependencies) {
  const { db } = dependencies.database

  async function vectorSearch(scope: RecallScope, query: MemoryQuery) {
    const embedded = await embedQuery(dependencies, query)
    return embedded ? await findByVector(db, scope, { ...embedded, limit: maxNearest }) : []
  }

  /** Finds memories for a query and measures their similarity to it. */
  async function rateMemories(query: MemoryQuery, layers: Layer[], counts: MemoryCount[]) {
    if (counts.length === 0) return []
    const now = dependencies.now()
    const scope: RecallScope = { ...query, layers }
    const total = counts.reduce((sum, each) => sum + each.memories, 0)
    const languages = counts.map((each) => each.language)
    const analyzer = await pairAnalyzer(query, languages)
    const { own, carried } = expandFollowUp(analyzer, query.query, query.context ?? [])
    const terms = [...own, ...carried]
    const period = findPeriod(query.query, now, { languages, prefer: 'future' })
    const [lexical, nearest] = await Promise.all([
      findCandidates(db, scope, {
        terms: terms.flatMap((term) => [...term.stems.keys()]),
        importance: alwaysImportance,
        period,
        limit: maxCandidates,
      }),
      vectorSearch(scope, query),
    ])
    query.signal.throwIfAborted()
    const cosines = new Map(nearest.map(({ id, cosine }) => [id, cosine]))
    const candidates = [...new Map([...lexical, ...nearest].map((one) => [one.id, one])).values()]
    const coverageOf = coverage(terms, candidates, total)
    return candidates.map((memory) => {
      const isInPeriod =
        period && memory.valid_from && memory.valid_from >= period.from && memory.valid_from < period.to
      const [lexicalScore, cosine] = [coverageOf(memory), cosines.get(memory.id) ?? 0]
      const isPast = memory.valid_until !== null && memory.valid_until <= now
      return { memory, isInPeriod, isPast, lexicalScore, cosine }
    })
  }

  return {
    /**
     * Returns memories for a prompt, within a number of words: pinned ones, then those with a term or of the period of
     * the query (past ones last), then important ones, then those with a similar embedding.
     */
    async recall(query: RecallQuery, layers: Layer[]): Promise<RecalledMemory[]> {
      const counts = query.counts ?? (await countByLanguage(db, { ...query, layers }).execute())
      const ranked = (await rateMemories(query, layers, counts)).map(
        ({ memory, isInPeriod, isPast, lexicalScore, cosine }) => {
          const isRelevant = isInPeriod || lexicalScore > 0
          const isImportant = memory.importance >= alwaysImportance && !isPast
          const group = memory.pinned && !isPast ? 0 : isRelevant ? (isPast ? 2 : 1) : isImportant ? 3 : 4
          return { memory, group, relevance: isInPeriod ? 1 : Math.max(lexicalScore, cosine) }
        },
      )
      ranked.sort(
        (a, b) =>
          a.group - b.group ||
          b.relevance - a.relevance ||
          b.memory.importance - a.memory.importance ||
          b.memory.last_confirmed_at.getTime() - a.memory.last_confirmed_at.getTime(),
      )
      return withinBudget(
        ranked.map(({ memory }) => memory),
        query.maxWords,
      )
    },

    /**
     * Returns the current memories with words of the query, also while memory is off, the best first. `score` is the
     * share of the words, weighted by their IDF, 0 to 1.
     */
    async search(query: MemoryQuery, layers: Layer[]): Promise<FoundMemory[]> {
      const counts = await countRecallable(db, { ...query, layers }).execute()
      return (await rateMemories(query, layers, counts))
        .filter(({ isPast, lexicalScore }) => !isPast && lexicalScore > 0)
        .map(({ memory, lexicalScore }) => ({ ...memory, score: lexicalScore }))
        .sort((a, b) => b.score - a.score)
    },
  }
}

/** Returns the share of the query's terms that a memory contains, weighted by their IDF among the candidates. */
function coverage(
  terms: QueryTerm[],
  candidates: Row<'memories'>[],
  total: number,
): (memory: Row<'memories'>) => number {
  const sets = new Map(candidates.map((memory) => [memory.id, new Set(memory.terms)]))
  const contains = (memory: Row<'memories'>, term: QueryTerm) =>
    [...term.stems.keys()].some((form) => sets.get(memory.id)?.has(form))
  const weighted = terms
    .filter((term) => !term.isStopWord)
    .map((term) => {
      const frequency = candidates.filter((memory) => contains(memory, term)).length
      return { term, weight: term.weight * idf(Math.max(frequency, 1), Math.max(total, 1)) }
    })
  const whole = weighted.reduce((sum, { weight }) => sum + weight, 0)
  return (memory) =>
    whole === 0
      ? 0
      : weighted.reduce((sum, { term, weight }) => sum + (contains(memory, term) ? weight : 0), 0) / whole
}

/** Returns the first memories that fit. */
function withinBudget(memories: Row<'memories'>[], maxWords: number): RecalledMemory[] {
  let left = maxWords
  return memories.filter(({ content }) => {
    const words = countWords(content)
    if (words > left) return false
    left -= words
    return true
  })
}
