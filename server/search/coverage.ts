import type { QueryAnalyzer, QueryTerm } from './query-terms.ts'

/** The part of a query that one passage contains. */
export type Coverage = {
  /** Share of the query's content terms that the passage with its headings contains, weighted by general IDF, 0 to 1. */
  share: number
  /** The largest share within a window of `windowTokens` tokens, 0 to 1. */
  windowShare: number
  /** Sum of the general IDF of the contained terms. */
  matched: number
}

/** About two sentences: an answer rarely extends further. */
const windowTokens = 30

/**
 * Measures how much of a query a passage contains. `context` is its title and headings, which count for every window.
 * With general IDF as weights, the result depends on the query and the passage only.
 */
export function coverageOf(
  analyzer: QueryAnalyzer,
  terms: QueryTerm[],
  { context, text }: { context: string; text: string },
): Coverage {
  const termByHash = new Map<number, QueryTerm>()
  let total = 0
  for (const term of terms) {
    if (term.isStopWord) continue
    total += term.generalIdf
    for (const hash of term.stems.keys()) termByHash.set(hash, term)
  }
  if (total === 0) return { share: 0, windowShare: 0, matched: 0 }

  const inContext = new Set(matches(context).map(({ term }) => term))
  const inText = matches(text)
  const matched = sumOfIdf(new Set([...inContext, ...inText.map(({ term }) => term)]))
  let best = sumOfIdf(inContext)
  for (const [i, { position }] of inText.entries()) {
    const window = new Set(inContext)
    for (let j = i; j < inText.length; j++) {
      const match = inText[j]
      if (!match || match.position - position > windowTokens) break
      window.add(match.term)
    }
    best = Math.max(best, sumOfIdf(window))
  }
  return { share: matched / total, windowShare: best / total, matched }

  function matches(content: string): { position: number; term: QueryTerm }[] {
    return analyzer.hashes(content).flatMap((hashes, position) => {
      const term = hashes.map((hash) => termByHash.get(hash)).find((found) => found !== undefined)
      return term ? [{ position, term }] : []
    })
  }
}

const sumOfIdf = (terms: Set<QueryTerm>): number =>
  [...terms].reduce((sum, { generalIdf }) => sum + generalIdf, 0)
