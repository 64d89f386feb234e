import type { AveeInsight } from '../../contract/avee-insight.ts'
import type { ConversationAnalysis, TurnAnalysis, Vote } from '../../contract/insight.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import type { Avee, Avees } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Jobs } from '../jobs/index.ts'
import { areVisible, type Knowledge } from '../knowledge/index.ts'
import type { Models } from '../models/index.ts'
import { analyzeConversation, type ConversationHistory, presentTurn, withoutTexts } from './conversation.ts'
import { dashboard } from './dashboard.ts'
import { notAnAnswer, turnNotAnalyzed } from './errors.ts'
import { maxStarters, suggestStarters } from './follow-ups.ts'
import { questions } from './questions.ts'
import { type FeedbackRow, feedbackIn, putFeedback } from './store/feedback.ts'
import { deleteSummariesOf } from './store/summaries.ts'
import { deleteFindingsOf, findTurn, insertTurn, type NewTurn, transferTurns } from './store/turns.ts'
import { summaries as createSummaries } from './summaries.ts'
import { turnJobs, type UnansweredListener } from './turn-jobs.ts'
import { updates as createUpdates } from './updates.ts'

export type InsightDependencies = {
  database: Database
  jobs: Pick<Jobs, 'register' | 'enqueue' | 'runNow'>
  models: Pick<Models, 'runInBackground' | 'localOnly'>
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search' | 'list' | 'ingestText' | 'remove' | 'layersOf'>
  avees: Pick<Avees, 'getLayer' | 'get' | 'addPersonaNote'>
  now?: () => Date
}

const maxLessonCharacters = 300

/** Analysis of turns, feedback, the owner's inbox and dashboard, and updates. */
export function insight({
  database,
  jobs,
  models,
  knowledge,
  avees,
  now = () => new Date(),
}: InsightDependencies) {
  const { db } = database
  const listeners: UnansweredListener[] = []
  const notifyUnanswered: UnansweredListener = async (trx, question) => {
    for (const listener of listeners) await listener(trx, question)
  }
  const summaries = createSummaries({ db, models, knowledge })
  const turns = turnJobs({ database, jobs, knowledge, models, summaries, notifyUnanswered })
  const updates = createUpdates({ database, jobs, knowledge, now })

  return {
    /** Calls the listener in the transaction that adds a question to an owner's inbox, possibly more than once. */
    onUnanswered(listener: UnansweredListener): void {
      listeners.push(listener)
    },

    /** Registers the jobs that follow an answer. */
    registerJobs: turns.register,

    /** Records a turn for analysis, in the transaction that stores its answer. */
    async recordTurn(trx: Trx, turn: NewTurn): Promise<void> {
      await Promise.all([insertTurn(trx, turn), turns.enqueueAnalysis(trx, turn.messageId)])
    },

    /**
     * Returns the analysis of a turn; runs it first if it is pending. `title` is that of the conversation. Texts are
     * left out when a source was deleted or is above `layer`.
     * @throws 404 for messages without an analysis and for turns above `layer`
     */
    async getTurn(
      messageId: string,
      { layer, title }: { layer: Layer; title: string | null },
      signal: AbortSignal,
    ): Promise<TurnAnalysis> {
      await turns.analyzeNow(messageId, signal)
      const row = await findTurn(db, messageId)
      if (!row || !layersWithin(layer).includes(row.layer)) throw turnNotAnalyzed()
      const current = await knowledge.layersOf(row.sources, row.user_id)
      return presentTurn(areVisible(row.sources, layer, current) ? row : withoutTexts(row), title)
    },

    /** Returns figures of a conversation; texts of turns that `layer` does not permit are left out. */
    getConversation: (conversation: ConversationHistory, layer: Layer): Promise<ConversationAnalysis> =>
      analyzeConversation({ db, knowledge }, conversation, layer),

    /** Sets or deletes the user's vote on an answer. The owner's notes become persona notes of the avee. */
    async setVote(
      caller: Caller,
      message: { id: string; aveeId: string; role: 'user' | 'assistant' },
      { vote, note }: { vote: Vote | null; note?: string | undefined },
    ): Promise<FeedbackRow | undefined> {
      if (message.role !== 'assistant') throw notAnAnswer()
      if (vote !== null && note) await avees.addPersonaNote(caller, message.aveeId, lessonFrom(vote, note))
      return await putFeedback(db, { message_id: message.id, user_id: caller.userId }, { vote, note })
    },

    listVotes: (conversationId: string, userId: string): Promise<FeedbackRow[]> =>
      feedbackIn(db, conversationId, userId),

    /** Returns figures over an avee's conversations of the last days, for its owner. */
    dashboard: (avee: Avee, days: number): Promise<AveeInsight> => dashboard(db, avee, days, now()),

    /**
     * Returns up to four conversation starters: those of the owner, or questions that documents of these layers answer.
     */
    async starters({ id: aveeId, exampleQuestions }: Avee, layer: Layer, signal: AbortSignal) {
      if (exampleQuestions.length > 0) return exampleQuestions.slice(0, maxStarters)
      return await suggestStarters(knowledge, { aveeId, layers: layersWithin(layer) }, signal)
    },

    questions: questions({ database, knowledge, avees, notifyUnanswered }),
    updates,

    transferTurns,

    /** Deletes findings and summaries based on deleted documents. */
    async purgeFindings(documents: string[]): Promise<void> {
      if (documents.length === 0) return
      await deleteFindingsOf(db, documents)
      await deleteSummariesOf(db, documents)
    },

    /** Selects the updates of the last 30 days in these layers, newest first, at most five. */
    freshUpdates: updates.selectFresh,
  }
}

/** Converts an owner's note on an answer to a line of the avee's persona notes. */
const lessonFrom = (vote: Vote, note: string): string =>
  `- Your owner ${vote === 'up' ? 'likes' : 'wants this changed'}: ${note.replaceAll(/\s+/g, ' ').slice(0, maxLessonCharacters).toWellFormed()}`

export type Insight = ReturnType<typeof insight>
