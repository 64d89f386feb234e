import type { FoundPassage } from '../store/search.ts'
import { standingOut } from './nearness.ts'

/** What standing out by meaning counts beside words, and how little words count at least. */
const meaningWeight = 0.6
const leastWords = 0.1
/** No answer is nearer to its question than half of the way from the crowd: what is, shares its few words. */
const farthestOut = 0.5

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
    entry.sum += meaningWeight * Math.min(of(passage.score), farthestOut) ** 2
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
    if (!kept.some((other) => isSame(words, other.words))) kept.push({ passage, words })
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

/** Whether the words that both have are more than `sameText` of all; most pairs have said no after a few. */
function isSame(a: Set<string>, b: Set<string>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  let spare = small.size - (sameText / (1 + sameText)) * (a.size + b.size)
  for (const shingle of small) if (!large.has(shingle) && --spare < 0) return false
  return spare > 0 || a.size + b.size === 0
}
