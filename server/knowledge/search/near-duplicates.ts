import type { RankedPassage } from '../store/search.ts'

/** Passages of a higher Jaccard similarity differ only in whitespace, punctuation or a word or two. */
const maxSimilarity = 0.9

/** Returns the first `limit` passages, in order, without those that nearly repeat an earlier one. */
export function withoutNearDuplicates(passages: RankedPassage[], limit: number): RankedPassage[] {
  const kept: { passage: RankedPassage; shingles: Set<number> }[] = []
  for (const passage of passages) {
    if (kept.length === limit) break
    const shingles = shinglesOf(passage.text)
    if (!kept.some((other) => isNearDuplicate(shingles, other.shingles))) kept.push({ passage, shingles })
  }
  return kept.map(({ passage }) => passage)
}

/** Returns hashes of the character trigrams of a text; they suit scripts without spaces too. */
function shinglesOf(text: string): Set<number> {
  const letters = text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
  const shingles = new Set<number>()
  let hash = 0
  for (let i = 0; i < letters.length; i++) {
    // The last three characters, by ten bits each.
    hash = ((hash << 10) ^ letters.charCodeAt(i)) & 0x3fffffff
    if (i >= 2) shingles.add(hash)
  }
  return shingles
}

/** Compares the Jaccard similarity with `maxSimilarity`; stops as soon as too many shingles are missing. */
function isNearDuplicate(a: Set<number>, b: Set<number>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  let allowedMisses = small.size - (maxSimilarity / (1 + maxSimilarity)) * (a.size + b.size)
  for (const shingle of small) if (!large.has(shingle) && --allowedMisses < 0) return false
  return allowedMisses > 0 || a.size + b.size === 0
}
