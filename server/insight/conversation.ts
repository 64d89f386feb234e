import type { ConversationAnalysis, TurnAnalysis } from '../../contract/insight.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import type { Db, Row } from '../db/index.ts'
import { isThanks, satisfactionOf } from './analysis/scores.ts'
import { jaccard, languageOf, termReader } from './analysis/terms.ts'
import { percentOf, secondsOf } from './dashboard.ts'
import { branchUpTo, conversationFacts, type TurnRow, turnsOf } from './store/turns.ts'
import { joinTopics } from './topics.ts'

const longestBranch = 20_000
const shownTurns = 200
const shownTopics = 5
/** Questions share more of their words than this when one repeats the other, which is looked for among the last few. */
const sameQuestion = 0.6
const comparedQuestions = 20
/** Questions that are compared at all: those of the last turns. */
const readQuestions = 200

const share = (score: number): number => Math.round(Math.min(1, Math.max(0, score)) * 1_000) / 1_000
const decimals = (score: number | null): number | null => (score === null ? null : share(score))

type Found = Pick<
  TurnRow,
  | 'relevance'
  | 'engagement'
  | 'grounding'
  | 'issues'
  | 'suggestions'
  | 'sentences'
  | 'topics'
  | 'follow_ups'
  | 'measured_by'
>

/**
 * A stored turn in the words of the contract. There scores are numbers: where nothing was asked that could be missed
 * the answer is relevant, and where nothing of it stands in a passage, it has no grounding.
 */
export function presentTurn(row: Found, title: string | null): TurnAnalysis {
  return {
    quality_scores: {
      relevance_score: share(row.relevance ?? 1),
      engagement_score: share(row.engagement ?? 0),
      factual_grounding: share(row.grounding ?? 0),
      issues: row.issues,
      suggestions: row.suggestions,
      sentences: row.sentences,
      measured_by: row.measured_by ?? 'words',
    },
    topics: row.topics.slice(0, shownTopics).map(({ text }) => text),
    follow_up_suggestions: row.follow_ups,
    conversation_title: title,
  }
}

/**
 * A conversation as numbers, for whoever leads it. What was made at a wider layer than `layer` gives no words: no
 * topics, no follow-ups, no issues.
 */
export async function intelligenceOf(
  db: Db,
  conversationId: string,
  layer: Layer,
): Promise<ConversationAnalysis | undefined> {
  const facts = await conversationFacts(db, conversationId)
  if (!facts) return undefined
  const branch = facts.leaf_id === null ? [] : await branchUpTo(db, facts.leaf_id, longestBranch)
  const turns = await turnsOf(
    db,
    branch.filter(({ role }) => role === 'assistant').map(({ id }) => id),
  )
  const layers = layersWithin(layer)
  const seen = turns.filter((turn) => layers.includes(turn.layer))
  const asked = branch.filter(({ role }) => role === 'user')
  const whole = branch.filter(({ role, status }) => role === 'assistant' && status === 'complete')
  const last = seen.at(-1)
  return {
    conversation_id: conversationId,
    title: facts.title,
    metrics: {
      total_turns: whole.length,
      avg_user_message_length: rounded(mean(asked.map(({ content }) => content.length))),
      avg_response_time: secondsOf(mean(turns.flatMap(({ response_ms }) => response_ms ?? []))),
      conversation_depth: branch.length,
      user_satisfaction_estimate: decimals(await satisfaction(branch, turns, facts.regenerated)),
    },
    topics: joinTopics(
      seen.map(({ topics }) => topics),
      shownTopics,
    ).map(({ text }) => text),
    average_quality: {
      relevance: percentOf(mean(turns.flatMap(({ relevance }) => relevance ?? []))),
      engagement: percentOf(mean(turns.flatMap(({ engagement }) => engagement ?? []))),
      factual_grounding: percentOf(mean(turns.flatMap(({ grounding }) => grounding ?? []))),
    },
    follow_up_suggestions: last?.message_id === branch.at(-1)?.id ? (last?.follow_ups ?? []) : [],
    quality_by_turn: turns.slice(-shownTurns).map((turn) => ({
      message_id: turn.message_id,
      created_at: turn.created_at.toISOString(),
      relevance: decimals(turn.relevance),
      engagement: decimals(turn.engagement),
      factual_grounding: decimals(turn.grounding),
      response_time: secondsOf(turn.response_ms),
      answered: turn.answered,
      vote: turn.vote,
      issues: layers.includes(turn.layer) ? turn.issues : [],
    })),
    total_messages: facts.total,
  }
}

async function satisfaction(
  branch: Row<'messages'>[],
  turns: Awaited<ReturnType<typeof turnsOf>>,
  regenerated: number,
): Promise<number | null> {
  const answers = branch.filter(({ role }) => role === 'assistant')
  const asked = branch.filter(({ role }) => role === 'user').map(({ content }) => content)
  const ended = (status: string) => answers.filter((answer) => answer.status === status).length
  return satisfactionOf({
    turns: answers.filter(({ status }) => status !== 'streaming').length,
    thumbsUp: turns.filter(({ vote }) => vote === 'up').length,
    thumbsDown: turns.filter(({ vote }) => vote === 'down').length,
    repeated: await repeatedIn(asked.slice(-readQuestions)),
    unanswered: turns.filter(({ answered }) => !answered).length,
    stopped: ended('stopped'),
    regenerated,
    failed: ended('failed'),
    thanks: asked.filter(isThanks).length,
  })
}

async function repeatedIn(questions: string[]): Promise<number> {
  const reader = await termReader(languageOf(questions.join('\n')))
  const forms = questions.map((question) => reader.formsOf(question))
  return forms.filter((own, at) =>
    forms
      .slice(Math.max(0, at - comparedQuestions), at)
      .some((before) => jaccard(own, before) >= sameQuestion),
  ).length
}

function mean(values: number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 10) / 10)
