import { normalizeCosines } from '../../search/index.ts'

/**
 * The probability that the passages found answer the question.
 *
 * Lexical evidence is a logistic regression on the IDF-weighted share of the question's terms that one of the best
 * passages contains, and on how many terms that is: half of two terms is less evidence than half of ten. The
 * coefficients are fitted to questions asked of their own and of other documents; `bench/retrieval.ts` reports how
 * many of each are told apart.
 */
const intercept = -6.9
const coverageCoefficient = 4.7
const termsCoefficient = 3.4
/** Normalized cosine from which vector search alone is enough evidence. */
const minNormalizedCosine = 0.35

/** From this probability on, a question counts as answerable. */
export const answerabilityThreshold = 0.5

export type Evidence = {
  /** For each of the best passages: the share of the question it contains, 0 to 1, and the number of its terms. */
  coverage: { share: number; terms: number }[]
  /** Cosine similarities of the nearest passages, highest first; empty without an embedding model. */
  cosines: number[]
}

/** Returns a probability, 0 to 1. */
export function answerability({ coverage, cosines }: Evidence): number {
  const logits = coverage.map(
    ({ share, terms }) => intercept + coverageCoefficient * share + termsCoefficient * Math.log(1 + terms),
  )
  const lexical = 1 / (1 + Math.exp(-Math.max(-20, ...logits)))
  const { hasBackground, normalize } = normalizeCosines(cosines)
  const nearest = hasBackground ? normalize(cosines[0] ?? 0) : 0
  return nearest < minNormalizedCosine
    ? lexical
    : Math.max(lexical, Math.min(1, answerabilityThreshold + nearest / 2))
}
