import { sentenceSpans } from '../../search/index.ts'

/** Limits the time that one message takes to a few milliseconds. */
const maxAnalyzed = 20_000

/**
 * Returns a text of at most `maxLength` characters unchanged, and of a longer one the sentences with the highest scores,
 * in their original order.
 */
export function excerptOf(text: string, maxLength: number, score: (sentence: string) => number): string {
  if (text.length <= maxLength) return text
  const sentences = [...sentenceSpans(text.slice(0, maxAnalyzed))].map(({ start, end }) => ({
    start,
    end,
    score: score(text.slice(start, end)),
  }))
  let left = maxLength
  const chosen = sentences
    .toSorted((a, b) => b.score - a.score)
    .filter(({ start, end }) => {
      if (end - start > left) return false
      left -= end - start
      return true
    })
    .sort((a, b) => a.start - b.start)
  if (chosen.length === 0) return text.slice(0, maxLength)
  return chosen
    .map(({ start, end }, i) => (start === (chosen[i - 1]?.end ?? 0) ? '' : '… ') + text.slice(start, end))
    .join('')
    .trim()
}
