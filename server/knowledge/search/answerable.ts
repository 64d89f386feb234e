/**
 * Whether what was found answers the question at all, as a probability.
 *
 * A logistic curve over how much of what the question says stands together in one of the best passages (each word by
 * its rarity). Its constants come from `bench/retrieval.ts --fit`, over questions put to their own and to other
 * documents.
 */
const intercept = -4
const perCoverage = 8
/** A cosine that only a passage on the same matter reaches, in the embedding models that were tried. */
const sureCosine = 0.75

/** From this confidence on the answer is "yes, this is in the documents". */
export const answerableFrom = 0.5

/** @param found.coverage share of the question's weight in the passage that holds most of it, 0 … 1 */
export function confidence(found: { coverage: number; cosine?: number }): number {
  const byWords = 1 / (1 + Math.exp(-(intercept + perCoverage * found.coverage)))
  return found.cosine !== undefined && found.cosine >= sureCosine ? Math.max(byWords, found.cosine) : byWords
}
