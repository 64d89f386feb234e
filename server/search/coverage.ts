import type { QueryAnalyzer, QueryTerm, StemmedWord } from './query-terms.ts'
import { lettersBeyondPart } from './spelling.ts'

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
 * The degree to which a word contains a term that it is a part of, or that is a part of it ("Telefonnummer" and
 * "Telefon", "repaint" and "paint"). With 0.3, 4 % instead of 2 % of the answered first questions are refused; with 1, 4
 * to 8 % fewer of those without an answer are (docs/benchmarks.md).
 */
const partDegree = 0.5
/** A longer question has enough other terms, and comparing all of them with all words would take too long. */
const maxPartTerms = 50

type Match = { term: QueryTerm; degree: number }

/**
 * Measures how much of a query a passage contains. `context` is its title and headings, which count for every window;
 * `language` the one with whose stemmer it is compared, by default each of the analyzer's.
 * The weights depend on the language as a whole, so the result depends on the query and the passage only. A compound
 * counts only where it is contained, because its words are terms too.
 *
 * @param weightOf the weight of a term, given whether the passage contains it; by default its general IDF
 */
export function coverageOf(
  analyzer: QueryAnalyzer,
  terms: QueryTerm[],
  { context, text, language }: { context: string; text: string; language?: string | null },
  weightOf: (term: QueryTerm, isContained: boolean) => number = ({ generalIdf }) => generalIdf,
): Coverage {
  const content = terms.filter((term) => !term.isStopWord)
  const missingWeight = (term: QueryTerm) => (term.isCompound ? 0 : weightOf(term, false))
  const allMissing = sum(content.map(missingWeight))
  const matchesOf = matcher(content.map((term) => ({ term, stems: analyzer.stemsIn(term, language) })))

  const inContext = new Map<QueryTerm, number>()
  for (const { matches } of matchesIn(context)) add(inContext, matches)
  const inText = matchesIn(text)
  const all = new Map(inContext)
  let windowShare = shareOf(inContext)
  for (const [i, { position, matches }] of inText.entries()) {
    add(all, matches)
    const window = new Map(inContext)
    for (let j = i; j < inText.length; j++) {
      const near = inText[j]
      if (!near || near.position - position > windowTokens) break
      add(window, near.matches)
    }
    windowShare = Math.max(windowShare, shareOf(window))
  }
  return { share: shareOf(all), windowShare, matched: containedWeight(all) }

  function matchesIn(content: string): { position: number; matches: Match[] }[] {
    return analyzer.words(content, language).flatMap((word, position) => {
      const matches = matchesOf(word)
      return matches.length === 0 ? [] : [{ position, matches }]
    })
  }

  function add(contained: Map<QueryTerm, number>, matches: Match[]): void {
    for (const { term, degree } of matches) contained.set(term, Math.max(degree, contained.get(term) ?? 0))
  }

  function containedWeight(contained: Map<QueryTerm, number>): number {
    return sum([...contained].map(([term, degree]) => degree * weightOf(term, true)))
  }

  function shareOf(contained: Map<QueryTerm, number>): number {
    const matched = containedWeight(contained)
    const found = sum([...contained].map(([term, degree]) => degree * missingWeight(term)))
    return matched === 0 ? 0 : matched / (matched + Math.max(0, allMissing - found))
  }
}

/** A term with its stems in a text. */
type StemmedTerm = { term: QueryTerm; stems: StemmedWord }

/** Returns a function that finds the terms that a word is, or shares a part with. */
function matcher(content: StemmedTerm[]): (word: StemmedWord) => Match[] {
  const termByHash = termsByHash(content)
  const parts = content.length > maxPartTerms ? [] : content
  const known = new Map<StemmedWord, Match[]>()
  return (word) => {
    const found = known.get(word)
    if (found) return found
    const exact = [...word.keys()].flatMap((hash) => termByHash.get(hash) ?? []).slice(0, 1)
    const matches = [
      ...exact.map((term) => ({ term, degree: 1 })),
      ...parts
        .filter(({ term, stems }) => !exact.includes(term) && sharesPart(stems, word))
        .map(({ term }) => ({ term, degree: partDegree })),
    ]
    known.set(word, matches)
    return matches
  }
}

const sharesPart = (stems: StemmedWord, word: StemmedWord): boolean =>
  [...stems.values()].some((asked) =>
    [...word.values()].some((stem) => Number.isFinite(lettersBeyondPart(asked, stem))),
  )

const termsByHash = (terms: StemmedTerm[]): Map<number, QueryTerm> =>
  new Map(terms.flatMap(({ term, stems }) => [...stems.keys()].map((hash) => [hash, term] as const)))

/** Returns a function that computes the sum of the general IDF of the content terms in a text. */
export function matchedWeight(analyzer: QueryAnalyzer, terms: QueryTerm[]): (text: string) => number {
  const termByHash = termsByHash(
    terms.filter((term) => !term.isStopWord).map((term) => ({ term, stems: term.stems })),
  )
  return (text) => {
    const found = new Set<QueryTerm>()
    for (const word of analyzer.words(text)) {
      for (const hash of word.keys()) {
        const term = termByHash.get(hash)
        if (!term) continue
        found.add(term)
        break
      }
    }
    return sum([...found].map(({ generalIdf }) => generalIdf))
  }
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
