import type { Knowledge } from '../knowledge/index.ts'
import type { Embedder } from '../models/index.ts'
import { followUps } from './follow-ups.ts'
import { type MeasuredTurn, type Measures, measure } from './measure/measure.ts'
import { statementsOf } from './measure/statements.ts'
import { weigher } from './measure/weights.ts'
import { formsOfTopics, phraseReader, type Topic, topicsOf } from './topics.ts'

/** A turn with what its conversation had before it. */
export type WholeTurn = MeasuredTurn & {
  /** Passages that earlier answers rested on. */
  usedBefore: { document_id: string; page: number | null; start: number; end: number }[]
}

export type WorkedOut = Measures & {
  topics: Topic[]
  followUps: string[]
  /** Documents that the answer names or whose passages support it. */
  documents: string[]
  /** Words of the question as they are compared, for telling which questions are alike. */
  questionTerms: string[]
  /** True when only an embedding model can compare answer and passages. */
  needsMeaning: boolean
}

/** All that is worked out about a turn without a language model: a handful of queries. */
export async function workOut(
  knowledge: Pick<Knowledge, 'holding' | 'search'>,
  turn: WholeTurn,
  signal: AbortSignal,
  embedderOf?: () => Promise<Embedder | undefined>,
): Promise<WorkedOut> {
  const { reader, ...measures } = await measure(knowledge, turn, signal, embedderOf)
  const phrases = await phraseReader(reader.language)
  const answer =
    turn.model === 'extractive'
      ? statementsOf(turn.answer, reader, true)
          .map(({ text }) => text)
          .join('\n')
      : turn.answer
  const headings = turn.citations.flatMap(({ title, heading }) => [title, ...(heading?.split(' › ') ?? [])])
  const source = { question: turn.question, answer, headings }
  const weights = await weigher(knowledge, turn, formsOfTopics(source, phrases))
  const topics = topicsOf(source, phrases, weights.weigh)
  const asked = [
    ...turn.earlier.filter(({ role }) => role === 'user').map(({ content }) => content),
    turn.question,
  ]
  const next =
    weights.passages === 0
      ? []
      : await followUps(
          knowledge,
          {
            aveeId: turn.aveeId,
            layers: turn.layers,
            question: turn.question,
            asked,
            used: [...turn.usedBefore, ...turn.citations],
            topics,
            language: reader.language,
          },
          { words: reader, phrases },
          signal,
        )
  const supporting = new Set(
    measures.sentences.flatMap(({ supported, citation }) => (supported ? [citation] : [])),
  )
  const used = turn.citations.filter(({ n, cited }) => cited || supporting.has(n))
  return {
    ...measures,
    topics,
    followUps: next,
    documents: [...new Set(used.map(({ document_id }) => document_id))],
    questionTerms: [...reader.formsOf(turn.question)],
  }
}
