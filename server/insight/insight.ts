import type { AveeInsight } from '../../contract/avee-insight.ts'
import type { Citation } from '../../contract/chat.ts'
import type { ConversationAnalysis, TurnAnalysis, Vote } from '../../contract/insight.ts'
import { type Layer, layersWithin } from '../../contract/layers.ts'
import { type Avee, type Avees } from '../avees/index.ts'
import type { Database, Trx } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Log } from '../log.ts'
import type { Models } from '../models/index.ts'
import { analyzeTurn } from './analysis/analyze-turn.ts'
import { intelligenceOf, presentTurn } from './conversation.ts'
import { dashboard } from './dashboard.ts'
import { notAnAnswer, turnNotAnalyzed } from './errors.ts'
import { loop } from './loop.ts'
import { questions as questionsOf } from './questions.ts'
import { type FeedbackRow, feedbackIn, putFeedback } from './store/feedback.ts'
import {
  claimTurns,
  conversationFacts,
  findTurn,
  insertTurn,
  type NewTurn,
  putOff,
  type TurnRow,
} from './store/turns.ts'
import { summaries as summariesOf } from './summaries.ts'
import { titleFromTopics } from './titles.ts'
import { turnSteps } from './turns.ts'
import { type Updates, updates as updatesOf } from './updates.ts'

/** A message of the caller's, as the room that keeps conversations knows it. */
export type OwnMessage = {
  id: string
  conversationId: string
  aveeId: string
  role: 'user' | 'assistant'
  parentId: string | null
  layer: Layer
  content: string
}

/** What the room above does for this one: conversations and messages are its own. */
export type Conversations = {
  /** Gives a conversation a title, unless a person gave it one. */
  setTitle(conversationId: string, title: string): Promise<void>
  /** @throws 404 for what is not the caller's */
  ownMessage(caller: Caller, messageId: string): Promise<OwnMessage>
  /** @throws 404 for what is not the caller's */
  ownConversation(caller: Caller, conversationId: string): Promise<void>
  /** Adds a message of the avee's owner at the end of the shown branch; gives its id. */
  deliver(trx: Trx, reply: { conversationId: string; text: string; layer: Layer }): Promise<string>
}

export type InsightDependencies = {
  database: Database
  models: Pick<Models, 'runInBackground' | 'embedder'>
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search' | 'ingestText' | 'remove'>
  avees: Pick<Avees, 'view' | 'getLayer' | 'get' | 'addPersonaNote'>
  conversations: Conversations
  log: Log
  /** True asks the language model for a verdict on each turn as well, in the background. */
  judge?: boolean
  now?: () => Date
}

/** A turn that is not stored yet, for what is told before its end. */
export type PresentTurn = {
  conversationId: string
  aveeId: string
  layer: Layer
  question: string
  answer: string
  model: string | null
  finishReason: string | null
  citations: Citation[]
  earlier: { role: 'user' | 'assistant'; content: string }[]
}

/** Turns measured at once, and how long whoever takes one may need. */
const measuredAtOnce = 8
const measureLeaseMs = 60_000
/** A model call may have to wait for its turn. */
const modelLeaseMs = 15 * 60_000
const askedAtOnce = 4
const maxAttempts = 5
const retryMs = 30_000

const longestLesson = 300
/** A line for the prompt, out of what an owner says of an answer. */
const lessonOf = (vote: Vote, note: string) =>
  `- Your owner ${vote === 'up' ? 'likes' : 'wants it otherwise'}: ${note.replaceAll(/\s+/g, ' ').slice(0, longestLesson).toWellFormed()}`

/** Says to every server that a turn has been noted. */
const channel = 'insight'

/** What is worked out from conversations, after the answers. */
export async function insight({
  database,
  models,
  knowledge,
  avees,
  conversations,
  log,
  judge = false,
  now = () => new Date(),
}: InsightDependencies) {
  const { db } = database
  const summaries = summariesOf({ database, models })
  const steps = turnSteps({
    database,
    knowledge,
    models,
    judge,
    summaries,
    setTitle: conversations.setTitle,
  })
  const ownQuestions = questionsOf({ database, knowledge, avees, deliver: conversations.deliver })

  /** Takes turns that are due at a step and does it with each; one that fails is tried again later. */
  async function portion(
    step: 'measure' | 'ask_model',
    limits: { limit: number; leaseMs: number },
    work: (row: TurnRow, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const due = await claimTurns(db, step, { ...limits, maxAttempts })
    await Promise.all(
      due.map(async (row) => {
        try {
          await work(row, signal)
        } catch (error) {
          if (!signal.aborted)
            log.warn({ err: error, message: row.message_id }, 'a turn could not be looked at yet')
          await putOff(db, row.message_id, signal.aborted ? 0 : retryMs * row.attempts)
        }
      }),
    )
    return due.length === limits.limit
  }

  const asking = loop({
    name: 'asking a model about turns',
    log,
    once: (signal) =>
      portion('ask_model', { limit: askedAtOnce, leaseMs: modelLeaseMs }, steps.askModel, signal),
  })
  const measuring = loop({
    name: 'measuring turns',
    log,
    async once(signal) {
      const more = await portion(
        'measure',
        { limit: measuredAtOnce, leaseMs: measureLeaseMs },
        steps.measure,
        signal,
      )
      asking.wake()
      return more
    },
  })
  const indexing = loop({ name: 'indexing updates', log, once: (signal) => updates.index(signal) })
  const updates: Updates = updatesOf({ database, knowledge, now, wake: () => indexing.wake() })

  const stopListening = await database.listen(
    channel,
    () => measuring.wake(),
    () => measuring.wake(),
  )

  async function ofTurn(messageId: string, layer: Layer): Promise<TurnAnalysis | undefined> {
    const row = await findTurn(db, messageId)
    if (!row || !layersWithin(layer).includes(row.layer)) return undefined
    const facts = await conversationFacts(db, row.conversation_id)
    return presentTurn(row, facts?.title ?? null)
  }

  /**
   * What is known of a stored turn at once: measured now if that has not happened yet, without a model, in some ten
   * milliseconds. Undefined when the turn was not noted or was made at a wider layer than `layer`.
   */
  async function analyzeNow(
    messageId: string,
    layer: Layer,
    signal: AbortSignal,
  ): Promise<TurnAnalysis | undefined> {
    const row = await findTurn(db, messageId)
    if (row?.step === 'measure') {
      await steps.measure(row, signal)
      asking.wake()
    }
    return await ofTurn(messageId, layer)
  }

  return {
    /**
     * Notes a turn, in the transaction that stores its answer: it is looked at once that has committed, by whichever
     * server is there, also after a crash.
     */
    async recordTurn(trx: Trx, turn: NewTurn): Promise<void> {
      await insertTurn(trx, turn)
      await database.notify(trx, channel, turn.messageId)
    },
    /** Looks for turns that wait; it also happens by itself. */
    wake: (): void => measuring.wake(),

    analyzeNow: analyzeNow,

    /**
     * The same of a turn that is not stored yet, without follow-ups, which take most of the time. Nothing is stored;
     * the title is what it would be without a model.
     */
    async preview(turn: PresentTurn, signal: AbortSignal): Promise<TurnAnalysis> {
      const whole = { ...turn, layers: layersWithin(turn.layer) }
      const [found, facts] = await Promise.all([
        analyzeTurn(knowledge, whole, signal, { withFollowUps: false }),
        conversationFacts(db, turn.conversationId),
      ])
      const first = turn.earlier.find(({ role }) => role === 'user')?.content ?? turn.question
      const suggested = facts?.title_by === 'auto' ? titleFromTopics(first, [found.topics]) : null
      const row = {
        relevance: found.relevance,
        engagement: found.engagement,
        grounding: found.grounding,
        issues: found.issues,
        suggestions: found.suggestions,
        sentences: found.sentences,
        topics: found.topics,
        follow_ups: found.followUps,
        measured_by: found.measuredBy,
      }
      return presentTurn(row, suggested ?? facts?.title ?? null)
    },

    /** What is stored of a turn; undefined when it was not noted or was made at a wider layer than `layer`. */
    ofTurn,

    /** What is known of an answer of the caller's, measured now if that has not happened yet. */
    async ofOwnAnswer(caller: Caller, messageId: string, signal: AbortSignal): Promise<TurnAnalysis> {
      const message = await conversations.ownMessage(caller, messageId)
      const layer = await avees.getLayer(caller.userId, message.aveeId)
      const found = await analyzeNow(messageId, layer, signal)
      if (!found) throw turnNotAnalyzed()
      return found
    },

    /** A conversation as GET /chat/{id}/intelligence tells it; undefined when there is none. Whose it is, is checked before. */
    ofConversation: (conversationId: string, layer: Layer): Promise<ConversationAnalysis | undefined> =>
      intelligenceOf(db, conversationId, layer),

    /** Sets or takes away the caller's thumb on an answer of theirs. What an avee's owner says to it, the avee learns. */
    async setVote(
      caller: Caller,
      messageId: string,
      given: { vote: Vote | null; note?: string | undefined },
    ): Promise<FeedbackRow | undefined> {
      const message = await conversations.ownMessage(caller, messageId)
      if (message.role !== 'assistant') throw notAnAnswer()
      if (given.vote !== null && given.note)
        await avees.addPersonaNote(caller, message.aveeId, lessonOf(given.vote, given.note))
      return await putFeedback(db, { messageId, userId: caller.userId, vote: given.vote, note: given.note })
    },

    /** The caller's thumbs in a conversation of theirs. */
    async listVotes(caller: Caller, conversationId: string): Promise<FeedbackRow[]> {
      await conversations.ownConversation(caller, conversationId)
      return await feedbackIn(db, conversationId, caller.userId)
    },

    /** Sends a question of the caller's (or the question of an answer) to the avee's owner. */
    async forwardQuestion(caller: Caller, messageId: string, note: string) {
      const message = await conversations.ownMessage(caller, messageId)
      const question =
        message.role === 'assistant' && message.parentId !== null
          ? await conversations.ownMessage(caller, message.parentId)
          : message
      const { groupId, at } = await ownQuestions.passOn(caller.userId, question, note)
      return { groupId, questionId: question.id, at }
    },

    /** An avee's conversations of the last days as numbers, for its owner. */
    dashboard: (avee: Avee, days: number): Promise<AveeInsight> => dashboard(db, avee, days, now()),
    questions: ownQuestions,
    updates,

    /** The updates of the last 30 days that may be seen in these layers, newest first, at most five: for the prompt. */
    freshUpdates: (of: { aveeId: string; layers: Layer[]; now: Date }) =>
      updates.fresh(of.aveeId, of.layers, of.now),

    /**
     * What was said in a branch down to one of these messages, in short, and which one that is; `messageIds` are the
     * last `summaryWithin` or more of the branch, oldest first. Undefined when it is short, or when what was said there
     * rests on more than `layer` may see.
     */
    summaryFor: summaries.at,

    /** Resolves when nothing that is due is left to do here. */
    async idle(): Promise<void> {
      measuring.wake()
      await measuring.idle()
      await asking.idle()
      indexing.wake()
      await indexing.idle()
    },

    async [Symbol.asyncDispose](): Promise<void> {
      await stopListening()
      await Promise.all([
        measuring[Symbol.asyncDispose](),
        asking[Symbol.asyncDispose](),
        indexing[Symbol.asyncDispose](),
      ])
    },
  }
}

/** The door of this room. */
export type Insight = Awaited<ReturnType<typeof insight>>
