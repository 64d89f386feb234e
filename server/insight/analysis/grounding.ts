import type { Statement } from './statements.ts'
import type { TermExtractor } from './terms.ts'

/** A passage that an answer was generated from. */
export type Passage = { n: number; title: string; heading: string | null; text: string }

/** A statement and the passage that supports it best. */
export type CheckedStatement = {
  text: string
  /** Share of the statement's terms, weighted by IDF, that the passage contains: 0 … 1. */
  support: number
  citation: number | null
  supported: boolean
  /** Numbers that no passage contains. */
  unknownNumbers: string[]
}

/**
 * `node bench/grounding.ts`: balanced accuracy on XQuAD is 0.93 in English, 0.93 in German and 0.87 in Chinese, against
 * 0.89, 0.92 and 0.93 at 0.4, and 0.94, 0.91 and 0.77 at 0.6.
 */
const minSupport = 0.5

/**
 * Checks each statement against the passages. A statement is supported when one passage, with its title and headings,
 * contains at least `minSupport` of the statement's terms, weighted by IDF, and the passages contain all its numbers.
 */
export function checkStatements(
  statements: Statement[],
  passages: Passage[],
  extractor: TermExtractor,
  idfOf: (stem: string) => number,
): CheckedStatement[] {
  const contents = passages.map(({ n, title, heading, text }) => ({
    n,
    stems: extractor.stemsOf([title, heading ?? '', text].join('\n')),
  }))
  return statements.map(({ text, terms, cites }) => {
    const total = terms.reduce((sum, { stem }) => sum + idfOf(stem), 0)
    let best = { support: 0, n: null as number | null, isCited: false }
    for (const { n, stems } of contents) {
      const found = terms
        .filter(({ stem }) => stems.has(stem))
        .reduce((sum, { stem }) => sum + idfOf(stem), 0)
      const candidate = { support: found / total, n, isCited: cites.includes(n) }
      const isTie = candidate.support === best.support && candidate.isCited && !best.isCited
      if (candidate.support > best.support || isTie) best = candidate
    }
    const unknownNumbers = terms
      .filter(({ stem, isNumber }) => isNumber && !contents.some(({ stems }) => stems.has(stem)))
      .map((term) => term.text)
    return {
      text,
      support: best.support,
      citation: best.n,
      supported: best.support >= minSupport && unknownNumbers.length === 0,
      unknownNumbers,
    }
  })
}

/**
 * Grounding score: supported statements / statements, the faithfulness of RAGAS (Es et al. 2023). Null for an answer
 * without statements.
 */
export function groundingScore(statements: { supported: boolean }[]): number | null {
  if (statements.length === 0) return null
  return statements.filter(({ supported }) => supported).length / statements.length
}
