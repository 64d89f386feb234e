import type { Embedder } from '../server/models/index.ts'
import { stemmerFor, termHasher, tokenize } from '../server/search/index.ts'

/** Returns an embedding model that hashes stemmed words into the given number of dimensions, in place of a real one. */
export async function bagOfWords(dimensions = 384): Promise<Embedder> {
  const stem = await stemmerFor('eng')
  const hash = termHasher('bag of words')
  const embed = (text: string): Float32Array => {
    const vector = new Float32Array(dimensions)
    for (const word of tokenize(text)) {
      if (word.kind !== 'word' || word.text.length < 3) continue
      const at = hash(stem(word.text))
      const bucket = at % dimensions
      vector[bucket] = (vector[bucket] ?? 0) + (at % 2 === 0 ? 1 : -1)
    }
    const length = Math.hypot(...vector) || 1
    return vector.map((value) => value / length)
  }
  return {
    space: `bench/bag-of-words-${dimensions}`,
    remote: false,
    embed: async (texts) => texts.map(embed),
  }
}
