import { normalizeCosines } from './normalize-cosines.ts'

/** Weight of a vector result beside a lexical one of full confidence. */
const vectorWeight = 0.6
/** Keeps the lexical order among results that probably do not answer the question. */
const minLexicalWeight = 0.1
/** A passage with a higher similarity repeats the question instead of answering it. */
const maxNormalizedCosine = 0.5

/**
 * Fuses a lexical and a vector ranking by a weighted sum of normalized scores. It is not reciprocal rank fusion, which
 * ignores by how much a result is better: with a weak embedding model, reciprocal ranks lost a fifth of the correct
 * first passages (bench/retrieval.ts --vectors). Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
 * Retrieval" (2023), find the same for stronger models.
 *
 * A lexical score counts relative to the best one, times the confidence that these passages answer the question. A
 * cosine counts by its normalized square, so that a model that finds all texts similar has no effect.
 *
 * @returns the union of both, best first; the score of the first is 1
 */
export function fuseRankings<Result extends { id: string; score: number }>(
  lexical: { results: Result[]; confidence: number },
  vector: Result[],
): Result[] {
  const bestScore = Math.max(lexical.results[0]?.score ?? 1, Number.EPSILON)
  const lexicalWeight = Math.max(minLexicalWeight, lexical.confidence)
  const sums = new Map(
    lexical.results.map((result) => [result.id, { result, sum: (lexicalWeight * result.score) / bestScore }]),
  )
  const { normalize } = normalizeCosines(vector.map(({ score }) => score))
  for (const result of vector) {
    const entry = sums.get(result.id) ?? { result, sum: 0 }
    entry.sum += vectorWeight * Math.min(normalize(result.score), maxNormalizedCosine) ** 2
    sums.set(result.id, entry)
  }
  // The sort is stable: equal sums keep the order of the rankings.
  const sorted = [...sums.values()].sort((a, b) => b.sum - a.sum)
  const highest = Math.max(sorted[0]?.sum ?? 0, Number.EPSILON)
  return sorted.map(({ result, sum }) => ({ ...result, score: sum / highest }))
}
