import { layersWithin } from '../../contract/layers.ts'
import type { Database, Row } from '../db/index.ts'
import { newId } from '../db/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { ChatMessage, Models } from '../models/index.ts'
import { analyzeTurn, type TurnAnalysis } from './analysis/analyze-turn.ts'
import type { AnalyzedTurn } from './analysis/measure.ts'
import { jaccard } from './analysis/terms.ts'
import type { Unanswered } from './analysis/unanswered.ts'
import { verdictOf } from './judge.ts'
import {
  insertGroup,
  insertQuestion,
  lockQuestions,
  type NewQuestion,
  questionTerms,
  removeQuestion,
  reopenAnswered,
} from './store/questions.ts'
import { branchUpTo, conversationFacts, saveTurn, type TurnRow, turnsOf } from './store/turns.ts'
import type { summaries as summariesOf } from './summaries.ts'
import { titleByModel, titleFromTopics } from './titles.ts'

/** Messages before a question that are looked at. */
const earlierMessages = 12
/** Answers after which a title is made: after the first, and better after the second. */
const titledAnswers = 2
/** Questions share more of their words than this when they ask the same. */
const sameQuestion = 0.6
const comparedQuestions = 1_000

export type TurnParts = {
  database: Database
  knowledge: Pick<Knowledge, 'documentFrequencies' | 'search'>
  models: Pick<Models, 'runInBackground' | 'embedder'>
  setTitle(conversationId: string, title: string): Promise<void>
  summaries: Pick<ReturnType<typeof summariesOf>, 'grow' | 'rewrite'>
  judge: boolean
}

/** The two steps that a stored turn goes through after its answer. */
export function turnSteps({ database, knowledge, models, setTitle, summaries, judge }: TurnParts) {
  const { db } = database

  /** Reads a stored turn with what came before it; undefined when its messages are gone. */
  async function read(row: TurnRow): Promise<(AnalyzedTurn & { messages: Row<'messages'>[] }) | undefined> {
    const messages = await branchUpTo(db, row.message_id, earlierMessages + 2)
    const answer = messages.at(-1)
    const question = messages.at(-2)
    if (!answer || !question || question.id !== row.question_id) return undefined
    const layers = layersWithin(row.layer)
    const before = messages
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
      earlier: before.map(({ role, content }) => ({ role, content })),
      messages,
    }
  }

  /** Puts a question that went unanswered beside those that ask the same; takes out one that is answered by now. */
  async function noteUnanswered(row: TurnRow, why: Unanswered | null, terms: string[]): Promise<void> {
    await database.transaction(async (trx) => {
      if (why === null) {
        await removeQuestion(trx, row.question_id)
        return
      }
      const { message_id: _, question_id, conversation_id, avee_id, user_id, layer, may_share } = row
      await addQuestion(trx, {
        messageId: question_id,
        aveeId: avee_id,
        conversationId: conversation_id,
        userId: user_id,
        layer,
        reason: why,
        shared: may_share,
        terms,
      })
    })
  }

  async function save(row: TurnRow, found: TurnAnalysis, step: TurnRow['step']): Promise<void> {
    await saveTurn(db, row.message_id, {
      relevance: found.relevance,
      engagement: found.engagement,
      grounding: found.grounding,
      answered: found.unanswered === null,
      measured_by: found.measuredBy,
      issues: found.issues,
      suggestions: found.suggestions,
      sentences: found.sentences,
      topics: found.topics,
      follow_ups: found.followUps,
      documents: found.documents,
      step,
    })
  }

  /** True when a title is due and it is not a person's. */
  async function wantsTitle(row: TurnRow, answers: number): Promise<boolean> {
    if (answers > titledAnswers) return false
    const facts = await conversationFacts(db, row.conversation_id)
    return facts?.title_by === 'auto'
  }

  return {
    /** Measures a turn without any model and stores what was found. */
    async measure(row: TurnRow, signal: AbortSignal): Promise<void> {
      const turn = await read(row)
      if (!turn) return
      const found = await analyzeTurn(knowledge, turn, signal)
      await noteUnanswered(row, found.unanswered, found.questionTerms)
      const answers = turn.messages.filter(({ role }) => role === 'assistant').length
      const hasGrown = await summaries.grow(row)
      const asksModel = judge || found.needsMeaning || hasGrown || (await wantsTitle(row, answers))
      await save(row, found, asksModel ? 'ask_model' : 'done')
    },

    /** What needs a model: the title, meaning across languages, a verdict. Waits for its turn behind the answers. */
    async askModel(row: TurnRow, signal: AbortSignal): Promise<void> {
      const turn = await read(row)
      if (!turn) return
      const answers = turn.messages.filter(({ role }) => role === 'assistant').length
      if (await wantsTitle(row, answers)) {
        const title = await titleOf(turn, row, signal)
        if (title !== null) await setTitle(row.conversation_id, title)
      }
      await summaries.rewrite(row, signal)
      if (judge) {
        const verdict = await models.runInBackground({ signal }, async (model, stop) => ({
          by: model.name,
          said: await verdictOf(model, turn, stop),
        }))
        if (verdict?.said) {
          const { relevance, engagement, grounding, unsupported } = verdict.said
          await saveTurn(db, row.message_id, {
            relevance,
            engagement,
            grounding: turn.citations.length === 0 ? null : grounding,
            measured_by: verdict.by,
            issues: unsupported.map((text) => `The judging model finds no passage that says this: “${text}”`),
          })
        }
      } else {
        const found = await analyzeTurn(knowledge, turn, signal, {
          embedderOf: () => models.embedder(signal),
        })
        if (found.needsMeaning && found.measuredBy === 'embeddings') await save(row, found, 'done')
      }
      await saveTurn(db, row.message_id, { step: 'done' })
    },
  }

  async function titleOf(
    turn: AnalyzedTurn & { messages: Row<'messages'>[] },
    row: TurnRow,
    signal: AbortSignal,
  ): Promise<string | null> {
    const talk: ChatMessage[] = turn.messages.map(({ role, content }) => ({ role, content }))
    const byModel = await models.runInBackground({ signal }, (model, stop) => titleByModel(model, talk, stop))
    if (byModel) return byModel
    const ids = turn.messages.map(({ id }) => id)
    const topics = (await turnsOf(db, ids)).map((each) => each.topics)
    return titleFromTopics(turn.messages[0]?.content ?? row.conversation_id, topics)
  }
}

/** Adds a question to the group of those that ask the same, or founds one. Nothing happens when it is there already. */
export async function addQuestion(
  trx: Parameters<typeof insertQuestion>[0],
  question: Omit<NewQuestion, 'groupId'>,
): Promise<void> {
  await lockQuestions(trx, question.aveeId)
  const own = new Set(question.terms)
  let best: { groupId: string; score: number } | undefined
  for (const { group_id, terms } of await questionTerms(trx, question.aveeId, comparedQuestions)) {
    const score = jaccard(own, new Set(terms))
    if (score >= sameQuestion && score > (best?.score ?? 0)) best = { groupId: group_id, score }
  }
  const groupId = best?.groupId ?? newId()
  if (!best) await insertGroup(trx, { id: groupId, aveeId: question.aveeId })
  const isNew = await insertQuestion(trx, { ...question, groupId })
  if (isNew && best) await reopenAnswered(trx, groupId)
}
