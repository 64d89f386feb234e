import type { Database, Db } from '../../db/index.ts'
import {
  idf,
  maxTermScore,
  parseSparseVectorLiteral,
  type QueryTerm,
  sparseVectorLiteral,
  stopWordsOf,
} from '../../search/index.ts'
import {
  maxScannedPassages,
  type RankedPassage,
  type Scope,
  scorePassages,
  searchLexical,
} from '../store/search.ts'
import type { ChoosePassages } from './library-postings.ts'
import type { FindFrequencies } from './term-statistics.ts'

/** The approximate maximum number of passages to score, those with the rarest terms of the query. */
const maxCandidates = 5_000
const maxResults = 100
/** A few more passages are selected in memory, because its scores are rounded differently. */
const maxChosen = 110
/** Pseudo-relevance feedback: the number of passages and of terms taken from them, and the weight of their score. */
const feedbackPassages = 5
const feedbackTerms = 20
const feedbackWeight = 0.4

/** A term of the query with its document frequency in the searched passages. */
export type WeightedTerm = { term: QueryTerm; idf: number; documentFrequency: number }

type LexicalQuery = {
  terms: WeightedTerm[]
  passages: number
  languages: (string | null)[]
  findFrequencies: FindFrequencies
  choosePassages: ChoosePassages
}

/** Looks up the document frequencies of terms; `passages` is the number of passages in the scope. */
export async function weightTerms(
  findFrequencies: FindFrequencies,
  terms: QueryTerm[],
  passages: number,
): Promise<WeightedTerm[]> {
  const hashes = new Set(terms.flatMap((term) => [...term.stems.keys()]))
  const frequencies = await findFrequencies([...hashes])
  return terms.map((term) => {
    const documentFrequency = [...term.stems.keys()].reduce(
      (sum, hash) => sum + (frequencies.get(hash)?.passages ?? 0),
      0,
    )
    return { term, documentFrequency, idf: idf(documentFrequency, passages) }
  })
}

/**
 * Searches passages by BM25 of the passage plus BM25 of its section, then reranks all but the first by pseudo-relevance
 * feedback. `score` is the share of the highest score that the query allows, 0 to 1.
 */
export async function lexicalSearch(
  database: Pick<Database, 'kind' | 'db' | 'transaction'>,
  scope: Scope,
  query: LexicalQuery,
): Promise<RankedPassage[]> {
  const weights = queryWeights(query.terms)
  const candidates = candidateTerms(query.terms, query.passages)
  if (candidates.length === 0) return []
  const search = {
    candidates,
    vector: sparseVectorLiteral(weights),
    passages: query.passages,
    limit: maxResults,
    vectors: feedbackPassages,
  }
  const required = query.passages <= maxScannedPassages ? [...weights.keys()] : candidates
  const ids = query.choosePassages(weights, required, maxChosen)
  let ranked = await searchLexical(database, scope, { ...search, ...(ids && { ids }) })
  // The selection may contain passages of deleted documents, and therefore too few others.
  if (ids?.length === maxChosen && ranked.length < maxResults)
    ranked = await searchLexical(database, scope, search)
  const vectors = ranked.slice(0, feedbackPassages).map(({ lex }) => parseSparseVectorLiteral(lex ?? '{}'))
  // The passage and its section each reach at most maxTermScore per unit of weight.
  const maxScore = 2 * maxTermScore * [...weights.values()].reduce((sum, weight) => sum + weight, 0)
  const passages = ranked.map(({ lex: _, ...passage }) => ({ ...passage, score: passage.score / maxScore }))
  return await rerankByFeedback(database.db, query, passages, vectors)
}

/**
 * Returns the query's vector: the weight of each stem that occurs, by hash. The IDF in the documents alone would favor the
 * words of the question ("how many … have", "round your answer") wherever documents rarely use them.
 */
function queryWeights(terms: WeightedTerm[]): Map<number, number> {
  const weights = new Map<number, number>()
  for (const { term, idf, documentFrequency } of terms) {
    if (documentFrequency === 0) continue
    const weight = term.weight * idf * (term.isStopWord ? 1 : term.wordIdf)
    for (const hash of term.stems.keys()) weights.set(hash, Math.max(weights.get(hash) ?? 0, weight))
  }
  return weights
}

/**
 * Adds the terms that the best passages share to the query, as RM3 does (Abdul-Jaleel et al., "UMass at TREC 2004"),
 * because a question rarely names all terms of its subject. The first passage stays first.
 *
 * @param vectors of the first passages, as many as `feedbackPassages`
 */
async function rerankByFeedback(
  db: Db,
  { passages: total, languages, findFrequencies }: LexicalQuery,
  passages: RankedPassage[],
  vectors: Map<number, number>[],
): Promise<RankedPassage[]> {
  const [first, ...others] = passages
  if (!first || others.length < 2) return passages
  const stopWords = languages.map(stopWordsOf)
  const frequencies = await findFrequencies([...new Set(vectors.flatMap((vector) => [...vector.keys()]))])
  const relevance = new Map<number, number>()
  for (const [i, vector] of vectors.entries()) {
    for (const [hash, value] of vector) {
      const found = frequencies.get(hash)
      if (!found || found.passages < 2 || stopWords.some((set) => set.has(found.stem))) continue
      const gain = (passages[i]?.score ?? 0) * value * idf(found.passages, total)
      relevance.set(hash, (relevance.get(hash) ?? 0) + gain)
    }
  }
  const chosen = [...relevance].sort(([, a], [, b]) => b - a).slice(0, feedbackTerms)
  const strongest = chosen[0]?.[1] ?? 1
  const expansion = new Map(
    chosen.map(([hash, value]) => [
      hash,
      (value / strongest) * idf(frequencies.get(hash)?.passages ?? 1, total),
    ]),
  )
  const scores = await scorePassages(
    db,
    passages.map(({ id }) => id),
    sparseVectorLiteral(expansion),
  )
  const highest = Math.max(...scores.values(), Number.EPSILON)
  const reranked = others
    .map((passage) => {
      const feedback = first.score * ((scores.get(passage.id) ?? 0) / highest)
      return { ...passage, score: (passage.score + feedbackWeight * feedback) / (1 + feedbackWeight) }
    })
    .sort((a, b) => b.score - a.score)
  return [{ ...first, score: Math.max(first.score, reranked[0]?.score ?? 0) }, ...reranked]
}

/**
 * Returns the hashes of the rarest terms, found in about `maxCandidates` passages in total. Stop words are used only if
 * there are no other terms.
 */
function candidateTerms(terms: WeightedTerm[], passages: number): number[] {
  const occurring = terms.filter(({ documentFrequency }) => documentFrequency > 0)
  const contentTerms = occurring.filter(({ term }) => !term.isStopWord)
  const byFrequency = (contentTerms.length > 0 ? contentTerms : occurring).toSorted(
    (a, b) => a.documentFrequency - b.documentFrequency,
  )
  const hashes: number[] = []
  let shareOfOthers = 1
  for (const { term, documentFrequency } of byFrequency) {
    shareOfOthers *= 1 - Math.min(1, documentFrequency / passages)
    if (hashes.length > 0 && (1 - shareOfOthers) * passages > maxCandidates) break
    hashes.push(...term.stems.keys())
  }
  return hashes
}
