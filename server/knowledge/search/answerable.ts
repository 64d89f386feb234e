import { standingOut } from './nearness.ts'

/**
 * Whether what was found answers the question at all, as a probability.
 *
 * A logistic curve over how much of what the question says stands together in one of the best passages, each word by
 * its rarity, and over how many words that are: half of two words is less than half of ten. The constants were fitted
 * to questions put to the documents that answer them and to others; `bench/retrieval.ts` shows how they do.
 */
const intercept = -6.9
const perCoverage = 4.7
const perWord = 3.4
/** How far the nearest passage stands out from those that are merely near, where meaning alone finds the answer. */
const standsOutFrom = 0.35

/** From this confidence on the answer is "yes, this is in the documents". */
export const answerableFrom = 0.5

export type Evidence = {
  /** Share of what the question says that the passage holds, 0 … 1, and how many of its words that are. */
  covered: { share: number; words: number }[]
  /** Cosines of the nearest passages, the nearest first; empty without an embedding model. */
  cosines: number[]
}

/** 0 … 1 */
export function confidence({ covered, cosines }: Evidence): number {
  const logits = covered.map(
    ({ share, words }) => intercept + perCoverage * share + perWord * Math.log(1 + words),
  )
  const byWords = 1 / (1 + Math.exp(-Math.max(-20, ...logits)))
  const { hasCrowd, of } = standingOut(cosines)
  const standsOut = hasCrowd ? of(cosines[0] ?? 0) : 0
  return standsOut >= standsOutFrom ? Math.max(byWords, Math.min(1, answerableFrom + standsOut / 2)) : byWords
}
