import type { Knowledge } from '../../knowledge/index.ts'
import type { Embedder } from '../../models/index.ts'
import { followUps } from '../follow-ups.ts'
import { formsOfTopics, phraseReader, type Topic, topicsOf } from '../topics.ts'
import { type AnalyzedTurn, type Measures, measure } from './measure.ts'
import { statementsOf } from './statements.ts'
import { weigher } from './weights.ts'

export type TurnAnalysis = Measures & {
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
export async function analyzeTurn(
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search'>,
  turn: AnalyzedTurn,
  signal: AbortSignal,
  {
    embedderOf,
    withFollowUps = true,
  }: { embedderOf?: () => Promise<Embedder | undefined>; withFollowUps?: boolean } = {},
): Promise<TurnAnalysis> {
  const { reader, ...measures } = await measure(knowledge, turn, signal, embedderOf)
  const phrases = await phraseReader(reader.language)
  const answer =
    turn.model === 'extractive'
      ? statementsOf(turn.answer, reader, true)
          .map(({ text }) => text)
          .join('\n')
      : turn.answer
  const headings = turn.citations.flatMap(({ title, heading }) => [title, ...(heading?.split(' › ') ?? [])])
  // An answer that it does not know is about nothing.
  const source = { question: turn.question, answer: measures.unanswered === null ? answer : '', headings }
  const weights = await weigher(knowledge, turn, formsOfTopics(source, phrases))
  const topics = topicsOf(source, phrases, weights.weigh)
  const asked = [
    ...turn.earlier.filter(({ role }) => role === 'user').map(({ content }) => content),
    turn.question,
  ]
  const next =
    weights.passages === 0 || !withFollowUps
      ? []
      : await followUps(
          knowledge,
          {
            aveeId: turn.aveeId,
            layers: turn.layers,
            question: turn.question,
            asked,
            answers: [
              ...turn.earlier.filter(({ role }) => role === 'assistant').map(({ content }) => content),
              turn.answer,
            ],
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
