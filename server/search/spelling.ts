/** Words shorter than this are too close to too many others. */
const shortest = 4
/** From this length on two slips are forgiven. */
const long = 8

/** How many slips are forgiven in a word of this length; 0 for what is not to be corrected. */
export function forgivenSlips(word: string): number {
  const { length } = [...word]
  if (length < shortest || !/^[\p{L}\p{M}]+$/u.test(word)) return 0
  return length < long ? 1 : 2
}

/**
 * How many letters have to be put in, taken out, changed or swapped with their neighbour to make one word the other;
 * more than `most` is not counted out.
 */
export function slipsBetween(a: string, b: string, most: number): number {
  const [from, to] = [[...a], [...b]]
  if (Math.abs(from.length - to.length) > most) return most + 1
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      let least = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      next.push(least)
    }
    if (Math.min(...next) > most) return most + 1
    before = row
    row = next
  }
  return row[to.length] ?? 0
}
