/** Shorter words have too many similar words. */
const minLength = 4
/** Words of this length or longer may have two edits. Elasticsearch's `AUTO` fuzziness allows the second from 6 on. */
const twoEditsFrom = 8

/** Returns the number of edits by which a word may be misspelled; 0 for short words, numbers and identifiers. */
export function maxEdits(word: string): number {
  const { length } = [...word]
  if (length < minLength || !/^[\p{L}\p{M}]+$/u.test(word)) return 0
  return length < twoEditsFrom ? 1 : 2
}

/**
 * Returns the Damerau–Levenshtein distance (optimal string alignment: insertions, deletions, substitutions, swaps of
 * neighbours), or some number above `limit` if it exceeds that. Plain Levenshtein counts a swap, the most frequent typing error
 * after a substitution, as two edits, so that "qauy" would not be corrected to "quay".
 */
export function editDistance(a: string, b: string, limit: number): number {
  const [from, to] = [[...a], [...b]]
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      let distance = Math.min(substitution, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1)
      row.push(distance)
    }
    if (Math.min(...row) > limit) return limit + 1
    beforeLast = last
    last = row
  }
  return last[to.length] ?? 0
}

/** Shorter parts occur in many words by chance. */
export const minPartLength = 5

/**
 * Returns by how many letters a word exceeds another that it contains; infinity if neither contains the other, or the
 * part is too short.
 */
export function lettersBeyondPart(a: string, b: string): number {
  const [part, word] = a.length < b.length ? [a, b] : [b, a]
  return part.length >= minPartLength && word.includes(part)
    ? word.length - part.length
    : Number.POSITIVE_INFINITY
}
