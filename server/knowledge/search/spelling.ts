import {
  editDistance,
  lettersBeyondPart,
  maxEdits,
  minPartLength,
  type QueryTerm,
} from '../../search/index.ts'
import type { WeightedTerm } from './lexical.ts'

/** The maximum number of equally close corrections of one term. */
const maxCorrections = 3
/** A question with more unknown terms is off-topic, or its other terms are enough. */
const maxUnknownTerms = 8
/** The weight of a correction relative to a term found as written, and of a part of a word relative to a correction. */
const correctionWeight = 0.7
const partWeight = 0.5

/** Possible corrections of a term, and terms that contain it or are a part of it. */
type SimilarTerms = {
  stem: string
  firstLetters: string[]
  minLength: number
  maxLength: number
  minPartLength: number
}
type IndexedTerm = { hash: number; stem: string; passages: number }
type FindSimilarTerms = (wanted: SimilarTerms) => Promise<IndexedTerm[]>

/**
 * Replaces each term without passages by the closest terms with passages: its corrections or, if there are none, words
 * that contain it or that it contains, as in compounds ("Telefonnummer", "Telefon"). Terms without a match do not
 * change. `evidence` has only corrections, because parts of words count as half a match in the passages that contain
 * them.
 */
export async function correctTerms(
  find: FindSimilarTerms,
  weighted: WeightedTerm[],
): Promise<{ terms: QueryTerm[]; evidence: QueryTerm[] }> {
  const written = weighted.map(({ term }) => term)
  if (weighted.filter(({ documentFrequency }) => documentFrequency === 0).length > maxUnknownTerms)
    return { terms: written, evidence: written }
  const terms: QueryTerm[] = []
  const evidence: QueryTerm[] = []
  for (const { term, documentFrequency } of weighted) {
    const [stem] = term.stems.values()
    const limit = stem === undefined || term.isStopWord ? 0 : maxEdits(stem)
    if (documentFrequency > 0 || stem === undefined || limit === 0) {
      terms.push(term)
      evidence.push(term)
      continue
    }
    const letters = [...stem]
    // The first letter is rarely wrong; if it is, it is missing or swapped with the second.
    const similar = await find({
      stem,
      firstLetters: [...new Set(letters.slice(0, 2))],
      minLength: letters.length - limit,
      maxLength: letters.length + limit,
      minPartLength,
    })
    const corrections = closestTerms(similar, limit, (other) => editDistance(stem, other, limit))
    const closest =
      corrections.length > 0
        ? corrections
        : closestTerms(similar, Number.POSITIVE_INFINITY, (other) => lettersBeyondPart(stem, other))
    const weight = corrections.length > 0 ? correctionWeight : partWeight
    const stems = new Map(closest.map(({ hash, stem }) => [hash, stem]))
    const replaced = closest.length === 0 ? term : { ...term, stems, weight: term.weight * weight }
    terms.push(replaced)
    evidence.push(corrections.length > 0 ? replaced : term)
  }
  return { terms, evidence }
}

/** Returns the most frequent of the terms with the smallest distance below or at `limit`. */
function closestTerms(terms: IndexedTerm[], limit: number, distanceTo: (stem: string) => number) {
  const near = terms
    .map((term) => ({ ...term, distance: distanceTo(term.stem) }))
    .filter(({ distance }) => distance <= limit && distance < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.distance - b.distance || b.passages - a.passages)
  return near.filter(({ distance }) => distance === near[0]?.distance).slice(0, maxCorrections)
}
