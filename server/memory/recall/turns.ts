import { type Layer, layersWithin } from '../../../contract/layers.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { expandFollowUpTerms, idf, sparseVectorLiteral } from '../../search/index.ts'
import { datesIn } from '../rules/dates.ts'
import {
  type FoundTurn,
  nearTurns,
  onBranch,
  scoreTurns,
  type TurnScope,
  turnLanguages,
  turnsAround,
  turnsById,
  turnsHolding,
} from '../store/turn-recall.ts'
import { questionsOf } from '../words.ts'

export type TurnQuery = ({ conversationId: string } | { aveeId: string; userId: string }) & {
  /** Turns of wider layers than this one are not found. */
  layer: Layer
  query: string
  /** Earlier questions, oldest first: a follow-up is understood from them. */
  context?: string[]
  /** Only what lies on the branch that ends with this message. */
  leafId?: string
  /** Turns that the prompt has already. */
  without?: string[]
  limit: number
  signal: AbortSignal
}

/** An earlier message that fits a question; `score` is 1 for the best. */
export type RecalledTurn = Omit<FoundTurn, 'seq'>

const scored = 400
const nearest = 100
/** What is said lends of its score to what is said next to it: an answer seldom repeats its question's words. */
const lends = { after: 0.42, before: 0.2, two: 0.1 }
/** Turns whose time is the one that the question names. */
const thenWeight = 0.25
/** What the best by meaning counts against the best by words. */
const meaningWeight = 0.2
const embeddingPatienceMs = 400

type Linked = { id: string; parentId: string | null }

export function turnRecall(rooms: {
  database: Database
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  now: () => Date
}) {
  const { db } = rooms.database

  async function byMeaning(ask: TurnQuery, scope: TurnScope) {
    const patience = AbortSignal.any([ask.signal, AbortSignal.timeout(embeddingPatienceMs)])
    try {
      const embedder = await rooms.embedder(patience)
      // Turns are embedded on this machine or not at all.
      if (!embedder || embedder.remote) return []
      const [vector] = await embedder.embed([ask.query], 'query', patience)
      return vector ? await nearTurns(db, scope, { space: embedder.space, vector, limit: nearest }) : []
    } catch (error) {
      ask.signal.throwIfAborted()
      rooms.log.debug({ err: error }, 'turns were recalled by words alone')
      return []
    }
  }

  async function byWords(ask: TurnQuery, scope: TurnScope) {
    const languages = await turnLanguages(db, scope)
    const [first] = languages
    if (!first) return []
    const total = languages.reduce((sum, each) => sum + each.turns, 0)
    const codes = [...new Set(languages.map((each) => each.language))]
    // Names of speakers are indexed without a language.
    const questions = await questionsOf(first, codes.includes(null) ? codes : [...codes, null])
    const terms = expandFollowUpTerms(questions, ask.query, ask.context ?? [])
    const holding = await turnsHolding(
      db,
      scope,
      terms.flatMap((term) => [...term.stems.keys()]),
    )
    const weights = new Map<number, number>()
    for (const term of terms) {
      const forms = [...term.stems.keys()].filter((form) => holding.has(form))
      const held = Math.max(0, ...forms.map((form) => holding.get(form) ?? 0))
      for (const form of forms)
        weights.set(form, Math.max(weights.get(form) ?? 0, term.weight * idf(held, total)))
    }
    if (weights.size === 0) return []
    return await scoreTurns(db, scope, {
      terms: [...weights.keys()],
      vector: sparseVectorLiteral(weights),
      limit: scored,
    })
  }

  /** Earlier turns that fit a question, the best first. */
  return async function recallTurns(ask: TurnQuery): Promise<RecalledTurn[]> {
    const layers = layersWithin(ask.layer)
    const scope: TurnScope = { ...ask, layers }
    const [lexical, semantic] = await Promise.all([byWords(ask, scope), byMeaning(ask, scope)])
    ask.signal.throwIfAborted()
    if (lexical.length === 0 && semantic.length === 0) return []
    const best = lexical.slice(0, ask.limit * 4).map(({ id }) => id)
    const links = new Map<string, Linked>(
      [...lexical, ...semantic, ...(await turnsAround(db, scope, best))].map((turn) => [turn.id, turn]),
    )
    const total = joined(lent(lexical, links), semantic)
    const ranked = [...total].toSorted(([, a], [, b]) => b - a)
    const without = new Set(ask.without)
    const wanted = ranked
      .map(([id]) => id)
      .filter((id) => !without.has(id))
      .slice(0, ask.limit * 4)
    const [turns, branch] = await Promise.all([
      turnsById(db, wanted),
      ask.leafId === undefined ? undefined : onBranch(db, ask.leafId, wanted),
    ])
    ask.signal.throwIfAborted()
    const [time] = datesIn(ask.query, rooms.now(), 'past')
    const highest = ranked[0]?.[1] ?? 1
    return wanted
      .flatMap((id) => turns.get(id) ?? [])
      .filter((turn) => branch === undefined || branch.has(turn.id))
      .map(({ seq: _, ...turn }) => {
        const isThen = time !== undefined && turn.createdAt >= time.from && turn.createdAt < time.to
        return { ...turn, score: (total.get(turn.id) ?? 0) / highest + (isThen ? thenWeight : 0) }
      })
      .toSorted((a, b) => b.score - a.score)
      .slice(0, ask.limit)
  }
}

/** Each turn's own score by words and what its neighbours lend it. */
function lent(found: { id: string; score: number }[], links: Map<string, Linked>): Map<string, number> {
  const own = new Map(found.map(({ id, score }) => [id, score]))
  const below = Map.groupBy(links.values(), (turn) => turn.parentId)
  const scoreOf = (id: string | null | undefined): number => (id ? (own.get(id) ?? 0) : 0)
  const most = (turns: Linked[] | undefined): number =>
    Math.max(0, ...(turns ?? []).map((turn) => scoreOf(turn.id)))
  const total = new Map<string, number>()
  for (const { id, parentId } of links.values()) {
    const grandparent = parentId ? links.get(parentId)?.parentId : null
    const children = below.get(id) ?? []
    const grandchildren = children.flatMap((child) => below.get(child.id) ?? [])
    const score =
      scoreOf(id) +
      lends.after * scoreOf(parentId) +
      lends.before * most(children) +
      lends.two * (scoreOf(grandparent) + most(grandchildren))
    if (score > 0) total.set(id, score)
  }
  return total
}

/** Both ways of finding in one score, in which the best by words has 1. */
function joined(
  lexical: Map<string, number>,
  semantic: { id: string; cosine: number }[],
): Map<string, number> {
  const highest = Math.max(...lexical.values(), Number.EPSILON)
  const scores = new Map([...lexical].map(([id, score]) => [id, score / highest]))
  const top = semantic[0]?.cosine ?? 1
  // What is no nearer than most of the nearest is near to everything.
  const usual = semantic[semantic.length >> 1]?.cosine ?? 0
  for (const { id, cosine } of semantic) {
    const share = top > usual ? Math.max(0, cosine - usual) / (top - usual) : 1
    scores.set(id, (scores.get(id) ?? 0) + meaningWeight * share)
  }
  return scores
}
