/** The number of nearest results that may be relevant; the others are the background. */
const maxRelevant = 20
/** A smaller background is not representative of the model. */
const minBackground = 10

/**
 * Normalizes cosine similarities, highest first, against their background. Embedding models differ in the cosine of
 * unrelated texts, so 0 is the mean of the background and 1 means identical texts. Without enough results for a
 * background, the lowest cosine is used.
 */
export function normalizeCosines(cosines: number[]): {
  hasBackground: boolean
  normalize: (cosine: number) => number
} {
  const background = cosines.slice(maxRelevant)
  const hasBackground = background.length >= minBackground
  const zero = hasBackground
    ? background.reduce((sum, cosine) => sum + cosine, 0) / background.length
    : Math.min(1, ...cosines)
  return {
    hasBackground,
    normalize: (cosine) => Math.max(0, (cosine - zero) / Math.max(1e-6, 1 - zero)),
  }
}
