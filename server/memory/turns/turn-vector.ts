import { sparseVectorLiteral } from '../../search/index.ts'
import { countTerms, type Pair } from '../terms.ts'

/**
 * The part of BM25 that depends on the turn; the query's vector contains the inverse document frequencies. The average
 * length is a constant, so that no turn is rewritten when a conversation grows. b and the length are tuned with
 * `bench/memory.ts` on conversations between people (LoCoMo) and with an assistant (BEAM): see docs/benchmarks.md.
 */
const k1 = 1.2
const b = 0.55
const averageWords = 40
/** The maximum of pgvector's sparsevec is 16,000 elements; a long answer has about 500 terms. */
const maxTerms = 4_000

/** Returns the terms and the vector of a turn: its words and the name of its speaker. */
export async function turnVector(
  pair: Pair,
  turn: { speaker: string; text: string; language: string | null },
): Promise<{ terms: number[]; vector: string }> {
  const [text, speaker] = await Promise.all([
    countTerms(pair, turn.text, turn.language),
    countTerms(pair, turn.speaker, null),
  ])
  for (const term of speaker.counts.keys()) text.counts.set(term, (text.counts.get(term) ?? 0) + 1)
  const saturation = k1 * (1 - b + (b * text.length) / averageWords)
  const weights = [...text.counts]
    .slice(0, maxTerms)
    .map(([term, count]) => [term, (count * (k1 + 1)) / (count + saturation)] as const)
  return { terms: weights.map(([term]) => term), vector: sparseVectorLiteral(new Map(weights)) }
}
