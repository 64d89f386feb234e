import type { ConversationAnalysis, TurnAnalysis } from '../../contract/insight.ts'
import { isWithin, type Layer } from '../../contract/layers.ts'
import type { Db, Row } from '../db/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import { satisfactionScore } from './analysis/scores.ts'
import { percentOf, secondsOf } from './dashboard.ts'
import { type TurnRow, turnsOf } from './store/turns.ts'
import { mergeTopics } from './topics.ts'

const maxListedTurns = 200
const maxListedTopics = 5

/** A conversation, from the module that stores it. */
export type ConversationHistory = {
  id: string
  title: string | null
  /** The selected branch, oldest message first. */
  branch: Row<'messages'>[]
  /** Messages on all branches. */
  totalMessages: number
  /** Answers beyond the first one to the same question. */
  regenerated: number
  /** The cost of all answers; null if no price is known. */
  cost: number | null
}

/**
 * Converts the analysis of a turn to the wire format, which has no null scores: relevance is 1 without question terms,
 * and grounding is 0 without checked statements.
 */
export function presentTurn(row: TurnRow, title: string | null): TurnAnalysis {
  return {
    quality_scores: {
      relevance_score: rounded(row.relevance ?? 1),
      engagement_score: rounded(row.engagement ?? 0),
      factual_grounding: rounded(row.grounding ?? 0),
      issues: row.issues,
      suggestions: row.suggestions,
      sentences: row.sentences,
      measured_by: row.measured_by ?? 'words',
    },
    topics: row.topics.slice(0, maxListedTopics).map(({ text }) => text),
    follow_up_suggestions: row.follow_ups,
    conversation_title: title,
  }
}

/** Returns a turn with its scores but without its texts. */
export const withoutTexts = <Row extends TurnRow>(row: Row): Row => ({
  ...row,
  issues: [],
  suggestions: [],
  sentences: [],
  topics: [],
  follow_ups: [],
})

/**
 * Returns figures, topics and follow-ups of a conversation for its user. Turns above `layer`, and turns with a source
 * that was deleted or is above it, are included in the figures, but their texts are not.
 */
export async function analyzeConversation(
  { db, knowledge }: { db: Db; knowledge: Pick<Knowledge, 'layersOf'> },
  { id, title, branch, totalMessages, regenerated, cost }: ConversationHistory,
  layer: Layer,
): Promise<ConversationAnalysis> {
  const answers = branch.filter(({ role }) => role === 'assistant')
  const complete = answers.filter(({ status }) => status === 'complete')
  const questions = branch.filter(({ role }) => role === 'user')
  const stored = await turnsOf(
    db,
    answers.map((answer) => answer.id),
  )
  const sources = stored.flatMap((turn) => turn.sources)
  const current = await knowledge.layersOf(sources, stored[0]?.user_id ?? null)
  const turns = stored.map((turn) =>
    isWithin(turn.layer, layer) && areVisible(turn.sources, layer, current) ? turn : withoutTexts(turn),
  )
  const last = turns.at(-1)
  const meanOf = (values: (number | null)[]) => mean(values.filter((value) => value !== null))
  const satisfaction = satisfactionScore({
    turns: answers.filter(({ status }) => status !== 'streaming').length,
    positive: turns.filter(({ vote }) => vote === 'up').length,
    negative:
      turns.filter(({ vote, answered }) => vote === 'down' || !answered).length +
      answers.filter(({ status }) => status === 'stopped' || status === 'failed').length +
      regenerated,
  })
  const questionLength = mean(questions.map(({ content }) => content.length))
  return {
    conversation_id: id,
    title,
    metrics: {
      total_turns: complete.length,
      avg_user_message_length: questionLength === null ? null : Math.round(questionLength * 10) / 10,
      avg_response_time: secondsOf(meanOf(turns.map(({ response_ms }) => response_ms))),
      conversation_depth: branch.length,
      user_satisfaction_estimate: roundedOrNull(satisfaction),
    },
    topics: mergeTopics(
      turns.map(({ topics }) => topics),
      maxListedTopics,
    ).map(({ text }) => text),
    average_quality: {
      relevance: percentOf(meanOf(turns.map(({ relevance }) => relevance))),
      engagement: percentOf(meanOf(turns.map(({ engagement }) => engagement))),
      factual_grounding: percentOf(meanOf(turns.map(({ grounding }) => grounding))),
    },
    follow_up_suggestions: last?.message_id === branch.at(-1)?.id ? (last?.follow_ups ?? []) : [],
    quality_by_turn: turns.slice(-maxListedTurns).map((turn) => ({
      message_id: turn.message_id,
      created_at: turn.created_at.toISOString(),
      relevance: roundedOrNull(turn.relevance),
      engagement: roundedOrNull(turn.engagement),
      factual_grounding: roundedOrNull(turn.grounding),
      response_time: secondsOf(turn.response_ms),
      answered: turn.answered,
      vote: turn.vote,
      issues: turn.issues,
    })),
    total_messages: totalMessages,
    ...(cost !== null && { cost }),
  }
}

const mean = (values: number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

const rounded = (score: number): number => Math.round(score * 1_000) / 1_000
const roundedOrNull = (score: number | null): number | null => (score === null ? null : rounded(score))
