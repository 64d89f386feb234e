import type { QueryAnalyzer, QueryTerm } from './query-terms.ts'

/** The part of a query that one passage contains. */
export type Coverage = {
  /** Share of the query's content terms that the passage with its headings contains, by weight, 0 to 1. */
  share: number
  /** The largest share within a window of `windowTokens` tokens, 0 to 1. */
  windowShare: number
  /** Sum of the weights of the contained terms. */
  matched: number
}

/** About two sentences: an answer rarely extends further. */
const windowTokens = 30

/**
 * Measures how much of a query a passage contains. `context` is its title and headings, which count for every window.
 * The weights depend on the language as a whole, so the result depends on the query and the passage only.
 *
 * @param weightOf the weight of a term, given whether the passage contains it; by default its general IDF
 */
export function coverageOf(
  analyzer: QueryAnalyzer,
  terms: QueryTerm[],
  { context, text }: { context: string; text: string },
  weightOf: (term: QueryTerm, isContained: boolean) => number = ({ generalIdf }) => generalIdf,
): Coverage {
  const containedWeight = (of: Iterable<QueryTerm>) => sum([...of].map((term) => weightOf(term, true)))
  const missingWeight = (of: Iterable<QueryTerm>) => sum([...of].map((term) => weightOf(term, false)))
  const termByHash = contentTermsByHash(terms)
  const content = terms.filter((term) => !term.isStopWord)
  const allMissing = missingWeight(content)

  const inContext = new Set(matches(context).map(({ term }) => term))
  const inText = matches(text)
  const all = new Set([...inContext, ...inText.map(({ term }) => term)])
  let windowShare = shareOf(inContext)
  for (const [i, { position }] of inText.entries()) {
    const window = new Set(inContext)
    for (let j = i; j < inText.length; j++) {
      const match = inText[j]
      if (!match || match.position - position > windowTokens) break
      window.add(match.term)
    }
    windowShare = Math.max(windowShare, shareOf(window))
  }
  return { share: shareOf(all), windowShare, matched: containedWeight(all) }

  function shareOf(contained: Set<QueryTerm>): number {
    const matched = containedWeight(contained)
    const missing = Math.max(0, allMissing - missingWeight(contained))
    return matched === 0 ? 0 : matched / (matched + missing)
  }

  function matches(content: string): { position: number; term: QueryTerm }[] {
    return analyzer.hashes(content).flatMap((hashes, position) => {
      const term = hashes.map((hash) => termByHash.get(hash)).find((found) => found !== undefined)
      return term ? [{ position, term }] : []
    })
  }
}

/** Returns a function that computes the sum of the general IDF of the content terms in a text. */
export function matchedWeight(analyzer: QueryAnalyzer, terms: QueryTerm[]): (text: string) => number {
  const termByHash = contentTermsByHash(terms)
  return (text) => {
    const found = new Set<QueryTerm>()
    for (const hashes of analyzer.hashes(text)) {
      for (const hash of hashes) {
        const term = termByHash.get(hash)
        if (!term) continue
        found.add(term)
        break
      }
    }
    return sum([...found].map(({ generalIdf }) => generalIdf))
  }
}

const contentTermsByHash = (terms: QueryTerm[]): Map<number, QueryTerm> =>
  new Map(
    terms
      .filter((term) => !term.isStopWord)
      .flatMap((term) => [...term.stems.keys()].map((hash) => [hash, term] as const)),
  )

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
