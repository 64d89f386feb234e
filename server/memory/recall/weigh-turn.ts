import { sparseVectorLiteral } from '../../search/index.ts'
import { countWords, type Pair } from '../words.ts'

/**
 * BM25 of a turn: what depends on the turn is stored, what depends on the conversation is in the question's vector.
 * The usual length is that of something said; long answers must not win by their length. Measured with
 * `bench/memory.ts`, on talk between people and on long histories with an assistant.
 */
const k1 = 1.2
const b = 0.55
const usualWords = 40
/** What a vector holds at most. */
const mostWords = 4_000

/** A turn for the index: the words of it and the name of who said it. */
export async function weighTurn(
  pair: Pair,
  turn: { speaker: string; text: string; language: string | null },
): Promise<{ terms: number[]; vector: string }> {
  const [said, speaker] = await Promise.all([
    countWords(pair, turn.text, turn.language),
    countWords(pair, turn.speaker, null),
  ])
  for (const term of speaker.counts.keys()) said.counts.set(term, (said.counts.get(term) ?? 0) + 1)
  const saturation = k1 * (1 - b + (b * said.length) / usualWords)
  const values = new Map<number, number>()
  for (const [term, count] of said.counts) {
    if (values.size === mostWords) break
    values.set(term, (count * (k1 + 1)) / (count + saturation))
  }
  return { terms: [...values.keys()], vector: sparseVectorLiteral(values) }
}
