import { setImmediate } from 'node:timers/promises'
import { type Layer, layersWithin } from '../../../contract/layers.ts'
import {
  type Coverage,
  coverageOf,
  expandFollowUp,
  fuseRankings,
  idf,
  matchedWeight,
  sparseVectorLiteral,
} from '../../search/index.ts'
import { findPeriod } from '../dates.ts'
import {
  countTurns,
  documentFrequencies,
  type FoundTurn,
  findTurns,
  findTurnsByTerms,
  findTurnsByVector,
  type LinkedTurn,
  messagesOnBranch,
  type TurnCount,
  type TurnScope,
} from '../store/turn-recall.ts'
import { type Pair, pairAnalyzer } from '../terms.ts'
import { embedQuery, type RecallDependencies } from './embed-query.ts'
import { excerptOf } from './excerpt.ts'

export type TurnQuery = TurnSearch & {
  /** Turns of wider layers are left out. */
  layer: Layer
}

/** A search in one conversation, or in all conversations of a user with an avee. */
export type TurnSearch = ({ conversationId: string } | Pair) & {
  query: string
  /** Earlier questions, oldest first, for follow-up questions. */
  context?: string[]
  /** The number of turns of each language, if already read. */
  counts?: TurnCount[]
  /** Restricts the search to the branch that ends with this message. */
  leafId?: string
  /** Ids of messages to leave out, such as those already in the prompt. */
  without?: string[]
  /** The period in which the turns were written; `to` is exclusive. */
  from?: Date | undefined
  to?: Date | undefined
  limit: number
  signal: AbortSignal
}

/** An earlier message that matches a query, with the matching part. */
export type RecalledTurn = FoundTurn & { excerpt: string }
/** `score` is the share of the words of the query, 0 to 1. */
export type ScoredTurn = RecalledTurn & { score: number }

const noCoverage: Coverage = { share: 0, windowShare: 0, matched: 0 }

/** Excerpts of long messages may take longer in total, so the event loop is released in between. */
const maxBlockingMs = 10
const maxLexical = 400
/**
 * Additional candidates, because turns of other branches are removed later and those in the period of the query rank
 * higher.
 */
const maxOmitted = 60
const maxNearest = 100
/**
 * The share of its lexical score that a turn adds to the next message, the previous one, and those two away, because
 * answers rarely repeat the words of their question. These and `periodWeight` are tuned with `bench/memory.ts`;
 * docs/benchmarks.md shows what each contributes.
 */
const neighbourWeights = { next: 0.42, previous: 0.2, twoAway: 0.1 }
/** Added to the score of turns from the period that the query names. */
const periodWeight = 0.25
/**
 * Two short turns can contain more evidence than a long one of the same total length, so scores are divided by the
 * square root of the length. Up to this many characters (about 100 tokens) turns are ranked by score alone.
 */
const minPricedCharacters = 400
/**
 * The maximum characters of a turn in a prompt (about 500 tokens), so that one fits into half of a window of 2,048
 * tokens. With 600, prompts contain 5 to 8 percentage points less of the evidence for BEAM's questions
 * (docs/benchmarks.md).
 */
const maxExcerpt = 2_000
/** The maximum characters of a turn in search results: about the length of a document passage. */
const maxSearchExcerpt = 600

export function turnRecall(dependencies: RecallDependencies) {
  const { db } = dependencies.database

  async function vectorSearch(query: TurnSearch, scope: TurnScope) {
    // Turns are not sent to remote embedding models.
    const embedded = await embedQuery(dependencies, query, { localOnly: true })
    return embedded ? await findTurnsByVector(db, scope, { ...embedded, limit: maxNearest }) : []
  }

  async function lexicalSearch(query: TurnSearch, scope: TurnScope) {
    const counts = query.counts ?? (await countTurns(scope).execute(db)).rows
    const [pair] = counts
    if (!pair) return { languages: [], linked: [], coverage: () => noCoverage, weigh: () => 0 }
    const total = counts.reduce((sum, each) => sum + each.turns, 0)
    const languages = [...new Set(counts.map((each) => each.language))]
    // The names of speakers are indexed without a language.
    const analyzer = await pairAnalyzer(pair, languages.includes(null) ? languages : [...languages, null])
    const { own, carried } = expandFollowUp(analyzer, query.query, query.context ?? [])
    const terms = [...own, ...carried]
    const forms = terms.flatMap((term) => [...term.stems.keys()])
    const frequencies = await documentFrequencies(db, scope, forms)
    const weights = new Map<number, number>()
    for (const term of terms) {
      const indexed = [...term.stems.keys()].filter((form) => frequencies.has(form))
      const frequency = Math.max(0, ...indexed.map((form) => frequencies.get(form) ?? 0))
      for (const form of indexed)
        weights.set(form, Math.max(weights.get(form) ?? 0, term.weight * idf(frequency, total)))
    }
    const coverage = (text: string) => coverageOf(analyzer, terms, { context: '', text })
    const weigh = matchedWeight(analyzer, terms)
    if (weights.size === 0) return { languages, linked: [], coverage, weigh }
    const vector = sparseVectorLiteral(weights)
    const linked = await findTurnsByTerms(db, scope, {
      terms: [...weights.keys()],
      vector,
      limit: maxLexical,
      around: query.limit * 4,
    })
    return { languages, linked, coverage, weigh }
  }

  /** Ranks earlier turns, and measures how much of the query a text contains. */
  async function rankTurns(query: TurnSearch, layers: Layer[], maxLength: number) {
    const scope: TurnScope = { ...query, layers }
    const [{ languages, linked, coverage, weigh }, nearest] = await Promise.all([
      lexicalSearch(query, scope),
      vectorSearch(query, scope),
    ])
    query.signal.throwIfAborted()
    if (linked.length === 0 && nearest.length === 0) return { turns: [], coverage }
    const links = new Map<string, LinkedTurn>([...linked, ...nearest].map((turn) => [turn.id, turn]))
    const hits = linked.flatMap(({ id, score }) => (score === null ? [] : { id, score }))
    const ranked = fuseRankings({ results: addNeighbourScores(hits, links), confidence: 1 }, nearest)
    const scores = new Map(ranked.map(({ id, score }) => [id, score]))
    const without = new Set(query.without)
    const wanted = ranked
      .map(({ id }) => id)
      .filter((id) => !without.has(id))
      .slice(0, query.limit + maxOmitted)
    const [stored, branch] = await Promise.all([
      findTurns(db, wanted),
      query.leafId === undefined ? undefined : messagesOnBranch(db, query.leafId, wanted),
    ])
    query.signal.throwIfAborted()
    const period = findPeriod(query.query, dependencies.now(), { languages, prefer: 'past' })
    const found = wanted
      .flatMap((id) => stored.get(id) ?? [])
      .filter((turn) => branch === undefined || branch.has(turn.id))
      .map((turn) => {
        const isInPeriod = period && turn.createdAt >= period.from && turn.createdAt < period.to
        const score = (scores.get(turn.id) ?? 0) + (isInPeriod ? periodWeight : 0)
        return { turn, value: score / Math.sqrt(Math.max(turn.content.length, minPricedCharacters)) }
      })
      .toSorted((a, b) => b.value - a.value)
      .slice(0, query.limit)
    const recalled: RecalledTurn[] = []
    let pausedAt = performance.now()
    for (const { turn } of found) {
      const excerpt = excerptOf(turn.content, maxLength, weigh)
      recalled.push({ ...turn, excerpt })
      if (performance.now() - pausedAt < maxBlockingMs) continue
      await setImmediate()
      pausedAt = performance.now()
    }
    return { turns: recalled, coverage }
  }

  return {
    /** Returns earlier turns that match a query, or follow one that does, the best first. */
    recallTurns: async (query: TurnQuery): Promise<RecalledTurn[]> =>
      (await rankTurns(query, layersWithin(query.layer), maxExcerpt)).turns,

    /** Returns turns with words of the query, the best first. */
    async searchTurns(query: TurnSearch, layers: Layer[]): Promise<ScoredTurn[]> {
      const { turns, coverage } = await rankTurns(query, layers, maxSearchExcerpt)
      return turns
        .map((turn) => ({ ...turn, score: coverage(turn.excerpt).share }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
    },
  }
}

/**
 * Adds shares of the neighbours' scores to each turn's lexical score, and sorts the turns by score, the highest first.
 */
function addNeighbourScores(
  hits: { id: string; score: number }[],
  links: Map<string, LinkedTurn>,
): { id: string; score: number }[] {
  const own = new Map(hits.map(({ id, score }) => [id, score]))
  const children = Map.groupBy(links.values(), (turn) => turn.parentId)
  const scoreOf = (id: string | null | undefined): number => (id ? (own.get(id) ?? 0) : 0)
  const highest = (turns: LinkedTurn[]): number => Math.max(0, ...turns.map((turn) => scoreOf(turn.id)))
  const scores: { id: string; score: number }[] = []
  for (const { id, parentId } of links.values()) {
    const grandparent = parentId ? links.get(parentId)?.parentId : null
    const following = children.get(id) ?? []
    const afterThose = following.flatMap((child) => children.get(child.id) ?? [])
    const score =
      scoreOf(id) +
      neighbourWeights.next * scoreOf(parentId) +
      neighbourWeights.previous * highest(following) +
      neighbourWeights.twoAway * (scoreOf(grandparent) + highest(afterThose))
    if (score > 0) scores.push({ id, score })
  }
  return scores.sort((a, b) => b.score - a.score)
}
