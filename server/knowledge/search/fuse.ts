import type { FoundPassage } from '../store/search.ts'

/** How fast a rank loses weight; the usual constant of reciprocal-rank fusion. */
const rankDamping = 60

/**
 * Joins rankings into one by reciprocal ranks: what several arms find comes first, whatever their scores mean.
 * `score` is 1 for the first and falls with the ranks.
 */
export function fuse(arms: { passages: FoundPassage[]; weight: number }[]): FoundPassage[] {
  const sums = new Map<string, { passage: FoundPassage; sum: number }>()
  for (const { passages, weight } of arms) {
    for (const [rank, passage] of passages.entries()) {
      const entry = sums.get(passage.id) ?? { passage, sum: 0 }
      entry.sum += weight / (rankDamping + rank + 1)
      sums.set(passage.id, entry)
    }
  }
  const sorted = [...sums.values()].sort(
    (a, b) => b.sum - a.sum || Number(a.passage.id) - Number(b.passage.id),
  )
  const highest = sorted[0]?.sum ?? 1
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
