import { layersWithin } from '../../contract/layers.ts'
import type { Database, Row, Trx } from '../db/index.ts'
import { newId } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { ChatMessage, Models } from '../models/index.ts'
import { analyzeTurn, type Turn } from './analysis/analyze-turn.ts'
import { jaccard } from './analysis/terms.ts'
import type { UnansweredReason } from './analysis/unanswered.ts'
import { answerableOnes, generateFollowUps, nearbyPassages } from './follow-ups.ts'
import {
  insertGroup,
  insertQuestion,
  lockQuestions,
  type NewQuestion,
  questionTerms,
  removeQuestion,
  reopenAnswered,
} from './store/questions.ts'
import { findTurn, saveTurn, type TurnRow, turnsOf } from './store/turns.ts'
import { type ReadBranch, rewriteLookback, type Summaries, summaryLookback } from './summaries.ts'
import { generateTitle, titleFromTopics } from './titles.ts'

/** The number of messages before a question that its analysis reads. */
const contextMessages = 12
/** The number of answers after which a title is generated, because the first question alone says little. */
const titledAnswers = 2
/** Questions are grouped when they share at least half of their terms. */
const minSimilarity = 0.5
const maxComparedQuestions = 1_000

const analyzeKind = 'insight.analyze-turn'
const refineKind = 'insight.refine-turn'
type TurnInput = { messageId: string }

/** Dependencies on the module that stores conversations. */
export type Conversations = {
  readBranch: ReadBranch
  /** Returns whether the title was generated; undefined if the conversation does not exist. */
  hasAutoTitle(conversationId: string): Promise<boolean | undefined>
  /** Sets the title unless the user has set one. */
  setAutoTitle(conversationId: string, title: string): Promise<void>
}

type Dependencies = {
  database: Database
  jobs: Pick<Jobs, 'register' | 'enqueue' | 'runNow'>
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search'>
  models: Pick<Models, 'runInBackground' | 'localOnly'>
  summaries: Pick<Summaries, 'extend' | 'rewrite'>
  notifyUnanswered: UnansweredListener
}

/** Called with a question in the inbox of an avee's owner. */
export type UnansweredListener = (
  trx: Trx,
  question: { avee_id: string; message_id: string },
) => Promise<void>

/**
 * The jobs that follow an answer:
 *
 *   answer stored ──▶ analyze (without a model): scores, topics, follow-ups, unanswered question, summary
 *                        │
 *                        └──▶ refine (with a background model): title, summary, verdict, follow-ups
 */
export function turnJobs({ database, jobs, knowledge, models, summaries, notifyUnanswered }: Dependencies) {
  const { db } = database

  /** Returns a turn of a branch with the messages before it; undefined when its messages have been deleted. */
  function turnOf(
    row: TurnRow,
    branch: Row<'messages'>[],
  ): (Turn & { messages: Row<'messages'>[] }) | undefined {
    const messages = branch.slice(-contextMessages - 2)
    const [question, answer] = messages.slice(-2)
    if (!question || !answer || question.id !== row.question_id) return undefined
    const layers = layersWithin(row.layer)
    const earlier = messages
      .slice(0, -2)
      .filter(({ content, layer_used }) => content !== '' && layers.includes(layer_used))
    return {
      aveeId: row.avee_id,
      layers,
      question: question.content,
      answer: answer.content,
      model: answer.model,
      finishReason: answer.finish_reason,
      citations: answer.citations.filter(({ layer }) => layers.includes(layer)),
      earlier: earlier.map(({ role, content }) => ({ role, content })),
      messages,
    }
  }

  /** Adds an unanswered question to the owner's inbox; removes one that is now answered. */
  async function saveUnanswered(
    row: TurnRow,
    reason: UnansweredReason | null,
    terms: string[],
  ): Promise<void> {
    if (reason === null) return await removeQuestion(db, row.question_id)
    await database.transaction(async (trx) => {
      const question = {
        message_id: row.question_id,
        avee_id: row.avee_id,
        conversation_id: row.conversation_id,
        user_id: row.user_id,
        layer: row.layer,
        reason,
        shared: row.may_share,
        terms,
      }
      await addQuestion(trx, question)
      if (question.shared) await notifyUnanswered(trx, question)
    })
  }

  async function suggestTitle(
    turn: Turn & { messages: Row<'messages'>[] },
    signal: AbortSignal,
  ): Promise<string | null> {
    const messages: ChatMessage[] = turn.messages.map(({ role, content }) => ({ role, content }))
    const title = await models.runInBackground({ signal }, (model, stop) =>
      generateTitle(model, messages, stop),
    )
    if (title) return title
    const topics = await turnsOf(
      db,
      turn.messages.map(({ id }) => id),
    )
    return titleFromTopics(
      turn.messages.filter(({ role }) => role === 'user').map(({ content }) => content),
      topics.map((each) => each.topics),
    )
  }

  /** Analyzes a turn without a model and extends the summary of its branch. Returns whether a model may improve it. */
  async function analyze(row: TurnRow, readBranch: ReadBranch, signal: AbortSignal): Promise<boolean> {
    const branch = await readBranch(row.message_id, summaryLookback)
    const turn = turnOf(row, branch)
    if (!turn) return false
    const found = await analyzeTurn(knowledge, turn, signal)
    await saveUnanswered(row, found.unanswered, found.questionTerms)
    const isSummaryExtracted = await summaries.extend(row, branch, readBranch)
    await saveTurn(db, row.message_id, {
      relevance: found.relevance,
      engagement: found.engagement,
      grounding: found.grounding,
      answered: found.unanswered === null,
      measured_by: 'words',
      issues: found.issues,
      suggestions: found.suggestions,
      sentences: found.statements.map(({ text, support, citation, supported }) => ({
        text,
        support,
        citation,
        supported,
      })),
      topics: found.topics,
      follow_ups: found.followUps,
      documents: found.documents,
      sources: found.sources,
    })
    return isSummaryExtracted || needsTitle(turn) || turn.citations.length > 0
  }

  /** Improves an analyzed turn with a background model, if one may be used. */
  async function refine(row: TurnRow, conversations: Conversations, signal: AbortSignal): Promise<void> {
    const branch = await conversations.readBranch(row.message_id, rewriteLookback)
    const turn = turnOf(row, branch)
    if (!turn) return
    if (needsTitle(turn) && (await conversations.hasAutoTitle(row.conversation_id))) {
      const title = await suggestTitle(turn, signal)
      if (title !== null) await conversations.setAutoTitle(row.conversation_id, title)
    }
    await summaries.rewrite(row, branch, signal)
    if (turn.citations.length > 0) await refineFollowUps(row, turn, signal)
  }

  async function refineFollowUps(row: TurnRow, turn: Turn, signal: AbortSignal): Promise<void> {
    const [stored] = await turnsOf(db, [row.message_id])
    const passages = await nearbyPassages(knowledge, { ...turn, topics: stored?.topics ?? [] }, signal)
    const { question, answer } = turn
    const generated = await models.runInBackground({ signal }, (model, stop) =>
      generateFollowUps(model, { question, answer, passages: passages.map(({ text }) => text) }, stop),
    )
    const followUps = await answerableOnes(knowledge, turn, generated ?? [], signal)
    if (followUps.length === 0) return
    const sources = [
      ...turn.citations.map(({ document_id }) => document_id),
      ...passages.map(({ documentId }) => documentId),
    ]
    await saveTurn(db, row.message_id, { follow_ups: followUps, sources: [...new Set(sources)] })
  }
  return {
    register(conversations: Conversations): void {
      jobs.register<TurnInput>(analyzeKind, {
        concurrency: 4,
        async run({ messageId }, { signal }) {
          const row = await findTurn(db, messageId)
          if (!row) return
          const canImprove = await models.localOnly(row.isLocalOnly, () =>
            analyze(row, conversations.readBranch, signal),
          )
          if (canImprove)
            await jobs.enqueue<TurnInput>(db, { kind: refineKind, key: messageId, input: { messageId } })
        },
      })
      jobs.register<TurnInput>(refineKind, {
        async run({ messageId }, { signal }) {
          const row = await findTurn(db, messageId)
          if (!row) return
          await models.localOnly(row.isLocalOnly, () => refine(row, conversations, signal))
        },
      })
    },

    enqueueAnalysis: (trx: Trx, messageId: string): Promise<void> =>
      jobs.enqueue<TurnInput>(trx, { kind: analyzeKind, key: messageId, input: { messageId } }),

    /** Analyzes a turn without waiting for the queue, if its analysis is pending. */
    analyzeNow: (messageId: string, signal: AbortSignal): Promise<void> =>
      jobs.runNow(analyzeKind, messageId, signal),
  }
}

const needsTitle = ({ messages }: { messages: Row<'messages'>[] }): boolean =>
  messages.filter(({ role }) => role === 'assistant').length <= titledAnswers

/** Adds a question to the group of the most similar one, or to a new group; an existing question is not changed. */
export async function addQuestion(trx: Trx, question: Omit<NewQuestion, 'group_id'>): Promise<void> {
  await lockQuestions(trx, question.avee_id)
  const terms = new Set(question.terms)
  let best: { groupId: string; similarity: number } | undefined
  for (const other of await questionTerms(trx, question.avee_id, maxComparedQuestions)) {
    const similarity = jaccard(terms, new Set(other.terms))
    if (similarity >= minSimilarity && similarity > (best?.similarity ?? 0))
      best = { groupId: other.group_id, similarity }
  }
  const groupId = best?.groupId ?? newId()
  if (!best) await insertGroup(trx, { id: groupId, avee_id: question.avee_id })
  const isNew = await insertQuestion(trx, { ...question, group_id: groupId })
  if (isNew && best) await reopenAnswered(trx, groupId)
}
