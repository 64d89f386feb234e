import type { Embedder } from '../server/models/index.ts'
import { stemmerFor, termHasher, tokenize } from '../server/search/index.ts'

/** An embedding model without a model: stemmed words thrown into so many buckets. For measuring the machinery around a real one. */
export async function bagOfWords(dimensions = 384): Promise<Embedder> {
  const normalise = await stemmerFor('eng')
  const hash = termHasher('bag of words')
  const embed = (text: string): Float32Array => {
    const vector = new Float32Array(dimensions)
    for (const word of tokenize(text)) {
      if (word.kind !== 'word' || word.text.length < 3) continue
      const at = hash(normalise(word.text))
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
