import type { Db } from '../../db/index.ts'
import { editDistance, maxEdits, type QueryTerm } from '../../search/index.ts'
import { findSpellingCandidates, type Scope } from '../store/search.ts'
import type { WeightedTerm } from './lexical.ts'

/** Equally close corrections of one term that are searched together. */
const maxCorrections = 3
/** A question with more unknown terms is about something else, or long enough to be found by its other terms. */
const maxUnknownTerms = 8
/** A correction counts less than a term that was found as written. */
const correctionWeight = 0.7

/** Replaces each term that occurs in no passage by the closest terms that do; terms without such stay as they are. */
export async function correctSpelling(db: Db, scope: Scope, weighted: WeightedTerm[]): Promise<QueryTerm[]> {
  if (weighted.filter(({ documentFrequency }) => documentFrequency === 0).length > maxUnknownTerms)
    return weighted.map(({ term }) => term)
  const terms: QueryTerm[] = []
  for (const { term, documentFrequency } of weighted) {
    const [stem] = term.stems.values()
    const limit = stem === undefined || term.isStopWord ? 0 : maxEdits(stem)
    if (documentFrequency > 0 || stem === undefined || limit === 0) {
      terms.push(term)
      continue
    }
    const letters = [...stem]
    // The first letter is rarely wrong; if it is, it is missing or swapped with the second.
    const candidates = await findSpellingCandidates(db, scope, {
      firstLetters: [...new Set(letters.slice(0, 2))],
      minLength: letters.length - limit,
      maxLength: letters.length + limit,
    })
    const corrections = candidates
      .map((candidate) => ({ ...candidate, edits: editDistance(stem, candidate.stem, limit) }))
      .filter(({ edits }) => edits <= limit)
      .sort((a, b) => a.edits - b.edits || b.passages - a.passages)
    const closest = corrections
      .filter(({ edits }) => edits === corrections[0]?.edits)
      .slice(0, maxCorrections)
    terms.push(
      closest.length === 0
        ? term
        : {
            ...term,
            stems: new Map(closest.map(({ hash, stem }) => [hash, stem])),
            weight: term.weight * correctionWeight,
          },
    )
  }
  return terms
}
