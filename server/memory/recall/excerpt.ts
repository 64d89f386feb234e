import { sentenceSpans } from '../../search/index.ts'

/** About the length of a document passage. Longer messages are shown in part. */
const maxExcerpt = 600
/** Limits the time that one message takes to a few milliseconds. */
const maxAnalyzed = 20_000

/**
 * Returns a short text unchanged, and of a long text the sentences with the highest scores, in their original order.
 */
export function excerptOf(text: string, score: (sentence: string) => number): string {
  if (text.length <= maxExcerpt) return text
  const sentences = [...sentenceSpans(text.slice(0, maxAnalyzed))].map(({ start, end }) => ({
    start,
    end,
    score: score(text.slice(start, end)),
  }))
  let left = maxExcerpt
  const chosen = sentences
    .toSorted((a, b) => b.score - a.score)
    .filter(({ start, end }) => {
      if (end - start > left) return false
      left -= end - start
      return true
    })
    .sort((a, b) => a.start - b.start)
  if (chosen.length === 0) return text.slice(0, maxExcerpt)
  return chosen
    .map(({ start, end }, i) => (start === (chosen[i - 1]?.end ?? 0) ? '' : '… ') + text.slice(start, end))
    .join('')
    .trim()
}
