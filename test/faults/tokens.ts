/** Returns a seeded generator of random numbers from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const words = [
  'so ',
  'ä',
  '漢字 ',
  '👩‍👩‍👧',
  '\n',
  '\r\n',
  'data: ',
  '"',
  '\\',
  '\u2028',
  '\u0000',
  'id: 7\n\n',
  ' and ',
  '{}',
]

/** Returns the tokens of an answer, which depend only on the seed, so that every process can compute them. */
export function tokensOf(seed: number, count: number): string[] {
  const next = random(seed)
  return Array.from({ length: count }, (_, i) => `${i}${words[Math.floor(next() * words.length)] ?? ''}`)
}
