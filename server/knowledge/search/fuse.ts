import type { FoundPassage } from '../store/search.ts'
import { standingOut } from './nearness.ts'

/** What standing out by meaning counts at most beside words, and how little words count at least. */
const meaningWeight = 0.6
const leastWords = 0.1

/**
 * Two rankings as one. Words count as much as the passages found by them answer the question (`sure`); meaning counts
 * by how far a passage stands out from the merely near ones, squared, so that a model for which everything is alike
 * disturbs nothing. Ranks alone would let the worse arm outvote the better one: by reciprocal ranks a weak model took
 * a fifth of the right first passages away. `score` is 1 for the first.
 */
export function fuse(
  byWords: { passages: FoundPassage[]; sure: number },
  byMeaning: FoundPassage[],
): FoundPassage[] {
  const best = byWords.passages[0]?.score ?? 1
  const worth = Math.max(leastWords, byWords.sure) / Math.max(best, Number.EPSILON)
  const sums = new Map(
    byWords.passages.map((passage) => [passage.id, { passage, sum: passage.score * worth }]),
  )
  const { of } = standingOut(byMeaning.map((passage) => passage.score))
  for (const passage of byMeaning) {
    const entry = sums.get(passage.id) ?? { passage, sum: 0 }
    entry.sum += meaningWeight * of(passage.score) ** 2
    sums.set(passage.id, entry)
  }
  // Sorting keeps the order of equals: that of the arms.
  const sorted = [...sums.values()].sort((a, b) => b.sum - a.sum)
  const highest = Math.max(sorted[0]?.sum ?? 0, Number.EPSILON)
  return sorted.map(({ passage, sum }) => ({ ...passage, score: sum / highest }))
}

/** Texts that share more of their words than this are the same text twice. */
const sameText = 0.9

/** Drops passages that repeat one before them nearly word for word, until `limit` are left. */
export function withoutRepeats(passages: FoundPassage[], limit: number): FoundPassage[] {
  const kept: { passage: FoundPassage; words: Set<string> }[] = []
  for (const passage of passages) {
    if (kept.length === limit) break
    const words = shinglesOf(passage.text)
    if (!kept.some((other) => similarity(words, other.words) > sameText)) kept.push({ passage, words })
  }
  return kept.map(({ passage }) => passage)
}

/** Triples of letters and digits at a time, so that texts without blanks compare as well. */
function shinglesOf(text: string): Set<string> {
  const letters = text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
  const shingles = new Set<string>()
  for (let i = 0; i + 3 <= letters.length; i++) shingles.add(letters.slice(i, i + 3))
  return shingles
}

function similarity(a: Set<string>, b: Set<string>): number {
  if (a.size === 0 && b.size === 0) return 1
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  if (small.size < large.size * sameText) return 0
  let shared = 0
  for (const shingle of small) if (large.has(shingle)) shared += 1
  return shared / (a.size + b.size - shared)
}
