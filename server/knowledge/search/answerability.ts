import type { Answerability } from '../../../contract/knowledge.ts'
import { type Coverage, normalizeCosines, type QueryTerm } from '../../search/index.ts'

/**
 * Answerability: whether the passages found answer the question. The lexical evidence of a passage is the mean of its
 * share and its window share of the question's terms, times ln(1 + 3 · matched weight): half of two terms is less
 * evidence than half of ten. It depends on the question and the passage only, so unrelated documents change nothing. The
 * coefficients of the logistic regression are fitted to questions asked of documents that answer them and of others, each
 * language predicted from the others; `bench/retrieval.ts` reports the error rates.
 */
const intercept = -5.4
const evidenceCoefficient = 6.3
/**
 * Below `minUnsure`, or less among few passages, the outcome is "no", from `minYes` on it is "yes". A wrong "no" hides
 * an answer, which is worse than passages without an answer, so less than 2 % of the answered questions of each
 * language are below `minUnsure`.
 */
const minUnsure = 0.1
const minYes = 0.65
/**
 * The fewer passages there are, the less likely one contains words of the question by chance. With this exponent, 90 %
 * of the questions that 1, 2, 5, 10, 20 or 30 paragraphs of XQuAD do not answer are refused, within 5 %.
 */
const fewPassages = 30
const chanceExponent = 0.75
/**
 * A question of up to this weight, about two ordinary words, cannot reach enough evidence with the formula. It is not
 * "no" if a passage contains this share of its weight, which halves false refusals (bench/first-questions.ts).
 */
const shortQuestionWeight = 1.3
const minShareOfShortQuestion = 0.25
/** Normalized cosine from which vector search alone is enough evidence for "yes". */
const minNormalizedCosine = 0.35

/**
 * The weight of a term as evidence. The IDF is squared, as in the cosine of TF-IDF vectors. Names (in German, nouns)
 * are rare in unrelated passages, and neighbouring Chinese words are often separated in the passage that answers.
 */
export function evidenceWeight(term: QueryTerm, isContained: boolean): number {
  const { wordIdf, isCapitalized, spansWords } = term
  if (spansWords) return wordIdf ** 2 * (isContained ? 0.8 : 0.4)
  return wordIdf ** 2 * (isCapitalized ? 1.5 : 1)
}

export type Evidence = {
  /** Coverage of the query by each of the best passages. */
  coverage: Coverage[]
  /** Cosine similarities of the nearest passages, highest first; empty without an embedding model. */
  cosines: number[]
}

/** Returns the probability that the passages answer the question. */
export function answerProbability({ coverage, cosines }: Evidence): number {
  const evidence = coverage.map(
    ({ share, windowShare, matched }) => ((share + windowShare) / 2) * Math.log(1 + 3 * matched),
  )
  const probability = 1 / (1 + Math.exp(-(intercept + evidenceCoefficient * Math.max(0, ...evidence))))
  const isPartOfShortQuestion = coverage.some(
    ({ share, matched }) => share >= minShareOfShortQuestion && matched <= shortQuestionWeight * share,
  )
  const lexical = isPartOfShortQuestion ? Math.max(minUnsure, probability) : probability
  const { hasBackground, normalize } = normalizeCosines(cosines)
  const nearest = hasBackground ? normalize(cosines[0] ?? 0) : 0
  return nearest < minNormalizedCosine ? lexical : Math.max(lexical, Math.min(1, minYes + nearest / 2))
}

/** @param passages the number of passages that were searched */
export function answerabilityOf(probability: number, passages: number): Answerability {
  if (probability >= minYes) return 'yes'
  const chance = (Math.min(Math.max(passages, 1), fewPassages) / fewPassages) ** chanceExponent
  return probability >= minUnsure * chance ? 'unsure' : 'no'
}
