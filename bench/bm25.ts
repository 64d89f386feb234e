import { stemmer } from '@orama/stemmers/english'

const stopWords = new Set(
  'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with'.split(
    ' ',
  ),
)

const englishTerms = (text: string) =>
  (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])
    .filter((term) => !stopWords.has(term))
    .map((term) => stemmer(term))

/** Builds plain BM25 in memory as a baseline; `terms` analyzes English by default. Returns the indexes of the best texts. */
export function bm25(texts: string[], { k1 = 0.9, b = 0.4, terms = englishTerms } = {}) {
  const postings = new Map<string, Map<number, number>>()
  const lengths = texts.map((text, i) => {
    const found = terms(text)
    for (const term of found) {
      const counts = postings.get(term) ?? new Map<number, number>()
      counts.set(i, (counts.get(i) ?? 0) + 1)
      postings.set(term, counts)
    }
    return found.length
  })
  const average = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, texts.length)
  return (query: string, limit: number): number[] => {
    const scores = new Map<number, number>()
    for (const term of new Set(terms(query))) {
      const counts = postings.get(term)
      if (!counts) continue
      const idf = Math.log(1 + (texts.length - counts.size + 0.5) / (counts.size + 0.5))
      for (const [i, count] of counts) {
        const norm = k1 * (1 - b + (b * (lengths[i] ?? 0)) / average)
        scores.set(i, (scores.get(i) ?? 0) + (idf * count) / (count + norm))
      }
    }
    return [...scores]
      .sort((x, y) => y[1] - x[1] || x[0] - y[0])
      .slice(0, limit)
      .map(([i]) => i)
  }
}
