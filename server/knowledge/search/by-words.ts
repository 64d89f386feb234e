import type { Db, Trx } from '../../db/index.ts'
import type { Term } from '../../search/index.ts'
import { idf, maxTermScore, parseSparseVector, sparseVector, stopWordsOf } from '../../search/index.ts'
import {
  type FoundPassage,
  holdersOf,
  type Scope,
  scoresOf,
  searchWords,
  vectorsOf,
} from '../store/search.ts'
import type { Evidence } from './answerable.ts'

/** Passages that are scored at most: those that hold the question's rarest words. */
const candidateBudget = 5_000
const found = 100
/** How many of the best tell what else the subject's words are, how many such words are taken, and what they weigh. */
const feedbackPassages = 5
const feedbackWords = 20
const feedbackWeight = 0.4

/** A word of the question as it counts in this collection: its forms that occur, and how much it says (0: not at all). */
export type CountedTerm = { term: Term; rarity: number; holding: number }

export type WordHits = {
  /** `score` is the share of the highest score that the question could have: 0 … 1. */
  passages: FoundPassage[]
  /** How much of the question stands in each of the best few. */
  covered: Evidence['covered']
}

/** How often the words of a question occur among `passages` passages. */
export async function count(db: Db, scope: Scope, terms: Term[], passages: number): Promise<CountedTerm[]> {
  const holders = await holdersOf(db, scope, [...new Set(terms.flatMap((term) => [...term.forms.keys()]))])
  return terms.map((term) => {
    const holding = [...term.forms.keys()].reduce((sum, form) => sum + (holders.get(form)?.passages ?? 0), 0)
    return { term, holding, rarity: idf(holding, passages) }
  })
}

/**
 * The passages that fit a question by its words.
 *
 * First by BM25 of the passage and its surroundings; then what follows the best one is put in order once more with
 * the words that the best few have in common, which a question about a subject rarely names all.
 */
export async function byWords(
  trx: Trx,
  scope: Scope,
  question: { terms: CountedTerm[]; passages: number; languages: (string | null)[] },
): Promise<WordHits> {
  const weights = new Map<number, number>()
  for (const { term, rarity, holding } of question.terms) {
    if (holding === 0) continue
    for (const form of term.forms.keys())
      weights.set(form, Math.max(weights.get(form) ?? 0, term.weight * rarity))
  }
  const candidates = rarest(question.terms)
  if (candidates.length === 0) return { passages: [], covered: [] }
  const ranked = await searchWords(trx, scope, {
    candidates,
    vector: sparseVector(weights),
    passages: question.passages,
    limit: found,
  })
  const best = ranked.slice(0, feedbackPassages)
  const vectors = new Map(
    [
      ...(await vectorsOf(
        trx,
        best.map(({ id }) => id),
      )),
    ].map(([id, text]) => [id, parseSparseVector(text)]),
  )
  const covered = best.map(({ id }) =>
    coveredBy(question.terms, vectors.get(id) ?? new Map<number, number>()),
  )
  const most = [...weights.values()].reduce((sum, weight) => sum + weight, 0) * maxTermScore * 2
  const scored = ranked.map((passage) => ({ ...passage, score: most > 0 ? passage.score / most : 0 }))
  const [top, ...others] = scored
  if (!top || others.length < 2) return { passages: scored, covered }

  const functionWords = question.languages.map(stopWordsOf)
  const holders = await holdersOf(trx, scope, [
    ...new Set([...vectors.values()].flatMap((vector) => [...vector.keys()])),
  ])
  const total = best.reduce((sum, passage) => sum + passage.score, 0)
  const common = new Map<number, number>()
  for (const passage of best) {
    for (const [term, value] of vectors.get(passage.id) ?? []) {
      const holder = holders.get(term)
      if (!holder || holder.passages < 2 || functionWords.some((set) => set.has(holder.word))) continue
      const says = idf(holder.passages, question.passages)
      common.set(term, (common.get(term) ?? 0) + (passage.score / total) * value * says)
    }
  }
  const taken = [...common].sort(([, a], [, b]) => b - a).slice(0, feedbackWords)
  const strongest = taken[0]?.[1] ?? 1
  const vector = new Map(
    taken.map(([term, value]) => [
      term,
      (value / strongest) * idf(holders.get(term)?.passages ?? 1, question.passages),
    ]),
  )
  const again = await scoresOf(
    trx,
    scored.map(({ id }) => id),
    sparseVector(vector),
  )
  const highest = Math.max(...again.values(), Number.EPSILON)
  const adjusted = others
    .map((passage) => {
      const common = (again.get(passage.id) ?? 0) / highest
      return {
        ...passage,
        score: (passage.score + feedbackWeight * top.score * common) / (1 + feedbackWeight),
      }
    })
    .sort((a, b) => b.score - a.score)
  const first = { ...top, score: Math.max(top.score, adjusted[0]?.score ?? 0) }
  return { passages: [first, ...adjusted], covered }
}

/** The question's rare words: as many as lead to about 5,000 passages, and those that shape the question only when there is nothing else. */
function rarest(terms: CountedTerm[]): number[] {
  const there = terms.filter(({ holding }) => holding > 0)
  const informative = there.filter(({ term }) => !term.isFunctionWord)
  const chosen: number[] = []
  let reached = 0
  for (const { term, holding } of (informative.length > 0 ? informative : there).toSorted(
    (a, b) => a.holding - b.holding,
  )) {
    if (chosen.length > 0 && reached + holding > candidateBudget) break
    chosen.push(...term.forms.keys())
    reached += holding
  }
  return chosen
}

function coveredBy(terms: CountedTerm[], vector: Map<number, number>): Evidence['covered'][0] {
  let said = 0
  let covered = 0
  let words = 0
  for (const { term, rarity } of terms) {
    if (term.isFunctionWord) continue
    said += term.weight * rarity
    if (![...term.forms.keys()].some((form) => vector.has(form))) continue
    covered += term.weight * rarity
    words += 1
  }
  return { share: said === 0 ? 0 : covered / said, words }
}
