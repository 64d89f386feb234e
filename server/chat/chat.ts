import { charactersIn } from '../../contract/characters.ts'
import type { tryAvee } from '../../contract/chat.ts'
import type { Layer } from '../../contract/layers.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { Avees, AveeView } from '../avees/index.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Caller } from '../http/caller.ts'
import type { ConversationHistory, Insight } from '../insight/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { Models } from '../models/index.ts'
import type { LogView, RunContext, RunRecord, Runs, Viewer } from '../runs/index.ts'
import type { Tools } from '../tools/index.ts'
import { type AnswerInput, answerQuestion, type TurnStorage } from './answer.ts'
import { attachments as createAttachments } from './attachments.ts'
import { contextQueries } from './context.ts'
import { readUnfinished } from './continuation.ts'
import { conversations } from './conversations.ts'
import {
  answerFailed,
  answerStopped,
  answerUnfinished,
  conversationNotFound,
  emptyQuestion,
  noSuchCall,
  notAnAnswer,
  notAQuestion,
  questionTooLong,
} from './errors.ts'
import type { Protocol } from './events.ts'
import { imports } from './imports/import-run.ts'
import { createLogView } from './log-view.ts'
import { messages, type ShownMessage } from './messages.ts'
import { purgeQuotations } from './purge.ts'
import { conversationSearch } from './search.ts'
import { shares } from './shares/shares.ts'
import { type AskOptions, type StartedTurn, turnStarter } from './start-turn.ts'
import {
  type ConversationRow,
  hasAutoTitle,
  setAutoTitle,
  transferConversations,
  updateConversation,
} from './store/conversations.ts'
import { countMessages, listBranch, listNodes } from './store/messages.ts'
import { insertOwnerReply } from './store/turns.ts'
import { toolApprovals } from './tool-approvals.ts'
import { findNewestLeaf } from './tree.ts'
import { trials } from './trial.ts'
import { turnKind } from './turn.ts'

export type ChatDependencies = {
  database: Database
  runs: Runs
  avees: Avees
  knowledge: Knowledge
  models: Models
  tools: Tools
  insight: Pick<Insight, 'recordTurn' | 'registerJobs' | 'freshUpdates' | 'purgeFindings' | 'transferTurns'>
  memory: Pick<
    Memory,
    | 'prepareTurn'
    | 'counts'
    | 'recall'
    | 'turnCounts'
    | 'recallTurns'
    | 'searchTurns'
    | 'recordTurn'
    | 'usedIn'
    | 'visibleAmong'
    | 'deleteByConversation'
    | 'restoreByDeletion'
    | 'indexImported'
  >
  deletions: Deletions
  /** Per user; 0, the default, for no limit. */
  maxConversations?: number
  maxQuestionCharacters: number
}

/** Statistics of a conversation cover at most this many messages. */
const maxBranchMessages = 20_000
/** Shown instead of the reason why a model was selected. */
const ownerReplyReason = 'The owner of this avee replied.'

/** Conversations and their answers. `protocols` are the formats in which an answer can be read, by name. */
export function chat({
  database,
  runs,
  avees,
  knowledge,
  models,
  tools,
  insight,
  memory,
  deletions,
  maxConversations = 0,
  maxQuestionCharacters,
  protocols,
}: ChatDependencies & { protocols: Record<string, Protocol> }) {
  const { db } = database
  const answering = { database, avees, knowledge, models, tools, insight, memory }
  const approvals = toolApprovals(database)
  runs.register('chat', turnKind({ ...answering, approvals }, protocols))
  const trial = trials({ ...answering, runs })

  deletions.onPurge(async (documents, signal) => {
    await purgeQuotations(db, runs, documents, signal)
    await trial.purge()
    await insight.purgeFindings(documents)
  })

  const { getConversation, assertQuota, assertQuotaWith, ...lifecycle } = conversations({
    database,
    runs,
    avees,
    memory,
    knowledge,
    deletions,
    maxConversations,
  })
  const attachments = createAttachments({ db, knowledge, getConversation })
  const { getMessage, getMessageIn, ...reading } = messages({
    db,
    knowledge,
    memory,
    attachments,
    getConversation,
  })
  const startTurn = turnStarter({
    db,
    runs,
    models,
    attachments,
    assertQuota,
    readContext: (request) => contextQueries(answering, request, null),
  })
  const importFile = imports({ database, runs, avees, knowledge, memory, assertQuota })

  insight.registerJobs({
    readBranch: (messageId, limit) => listBranch(db, messageId, limit),
    hasAutoTitle: (id) => hasAutoTitle(db, id),
    setAutoTitle: (id, title) => setAutoTitle(db, id, title),
  })

  function validateQuestion(question: string): void {
    if (question.trim() === '') throw emptyQuestion()
    const characters = charactersIn(question)
    if (characters > maxQuestionCharacters) throw questionTooLong(characters, maxQuestionCharacters)
  }

  /** Returns the avee of a conversation of the caller. @throws 404 when there is none */
  async function viewOfConversation(caller: Caller, id: string): Promise<AveeView> {
    const view = await avees.viewOfConversation(caller, id)
    if (!view) throw conversationNotFound()
    return view
  }

  return {
    ...lifecycle,
    getConversation,
    ...reading,
    getMessage,
    importFile,

    /** Moves the conversations of a visitor to a user. Returns how many. */
    async keepVisit(caller: Caller, visitor: Caller): Promise<number> {
      const users = { from: visitor.userId, to: caller.userId }
      return await database.transaction(async (trx) => {
        await assertQuota(trx, caller)
        const moved = await transferConversations(trx, users)
        await runs.transfer(trx, users)
        await insight.transferTurns(trx, users)
        return moved
      })
    },

    /** @throws 400 for an empty question or one that is too long */
    validateQuestion,

    /** Answers a question of a run whose turn another module stores. */
    answer: <Input extends AnswerInput>(context: RunContext<Input>, storage: TurnStorage) =>
      answerQuestion(answering, context, storage),

    /** Returns the log of an answer as a viewer may see it now. */
    logView: (aveeId: string, viewer: Viewer): Promise<LogView> =>
      createLogView(answering, { aveeId, answer: undefined }, viewer),

    attachments,

    shares: shares({ database, avees, knowledge, getConversation }),

    /** Searches the conversations of a user with an avee, the best first. */
    search: conversationSearch({ database, knowledge, memory }),

    /** Starts the answer to an avee owner's question that is not stored. @throws 404, 403 for others, 409 */
    async try(caller: Caller, aveeId: string, body: BodyOf<typeof tryAvee>): Promise<RunRecord> {
      validateQuestion(body.question)
      return await trial.start(caller, aveeId, body)
    },

    /** Asks in a conversation of the caller and starts the run that answers. */
    async ask(
      caller: Caller,
      conversationId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      validateQuestion(question)
      const view = await viewOfConversation(caller, conversationId)
      await assertQuotaWith(caller, conversationId)
      return startTurn(caller, view, { conversationId, question }, options)
    },

    /**
     * Asks in a new conversation. A repeated request (same idempotency key) returns the run and conversation of the
     * first.
     */
    async askInNewConversation(
      caller: Caller,
      aveeId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      validateQuestion(question)
      const view = await avees.view(caller, aveeId)
      const turn = { conversationId: newId(), question, inNewConversation: true }
      return startTurn(caller, view, turn, options)
    },

    /** Answers the same question again, or continues an unfinished answer, as a sibling of the earlier answers. */
    async regenerate(
      caller: Caller,
      conversationId: string,
      messageId: string,
      options: Omit<AskOptions, 'continuedId'> & { continues?: boolean | undefined } = {},
    ): Promise<StartedTurn> {
      const view = await viewOfConversation(caller, conversationId)
      const message = await getMessageIn(conversationId, messageId)
      if (message.role !== 'assistant' || message.parent_id === null) throw notAnAnswer()
      // A reply of the avee's owner follows an answer, so it cannot be regenerated.
      if ((await getMessageIn(conversationId, message.parent_id)).role !== 'user') throw notAnAnswer()
      if (options.continues)
        await readUnfinished({ db, knowledge }, messageId, { layer: view.layer, userId: caller.userId })
      const continuedId = options.continues ? messageId : undefined
      const turn = { conversationId, userMessageId: message.parent_id }
      return startTurn(caller, view, turn, { ...options, continuedId })
    },

    /** Asks an edited question, as a sibling of the original, which keeps its branch. */
    async editQuestion(
      caller: Caller,
      conversationId: string,
      messageId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      validateQuestion(question)
      const view = await viewOfConversation(caller, conversationId)
      const message = await getMessageIn(conversationId, messageId)
      if (message.role !== 'user') throw notAQuestion()
      const turn = { conversationId, question, parentId: message.parent_id }
      const kept =
        options.attachments ??
        (await attachments.ofMessages(conversationId, [message]))(message).map(({ id }) => id)
      return startTurn(caller, view, turn, { ...options, attachments: kept })
    },

    /** Selects the newest branch that contains a message. */
    async selectBranch(caller: Caller, conversationId: string, messageId: string): Promise<ConversationRow> {
      const conversation = await getConversation(caller, conversationId)
      await getMessageIn(conversation.id, messageId)
      const leaf = findNewestLeaf(await listNodes(db, conversationId), messageId)
      await updateConversation(db, conversationId, { leaf_id: leaf })
      return getConversation(caller, conversationId)
    },

    /** Approves or refuses a tool call of an answer to the caller. @throws 404, 409 not_waiting */
    async approveToolCall(caller: Caller, runId: string, callId: string, approve: boolean): Promise<void> {
      const run = await runs.get(runId)
      const isVisible =
        run?.userId === caller.userId &&
        run.scope !== null &&
        (await avees.visibleAmong(caller, [run.scope])).has(run.scope)
      if (!isVisible) throw noSuchCall()
      await approvals.decide(run, callId, approve)
    },

    /** Adds a message of the avee's owner to the end of the selected branch. Returns its id. */
    async addOwnerReply(
      trx: Trx,
      { conversationId, text, layer }: { conversationId: string; text: string; layer: Layer },
    ): Promise<string> {
      const id = newId()
      await insertOwnerReply(trx, { id, conversationId, text, layer, reason: ownerReplyReason })
      return id
    },

    /** Returns the selected branch of a conversation and counts over all branches. */
    async getHistory({ id, title, leaf_id }: ConversationRow): Promise<ConversationHistory> {
      const [shown, { total, regenerated, cost }] = await Promise.all([
        leaf_id === null ? [] : listBranch(db, leaf_id, maxBranchMessages),
        countMessages(db, id),
      ])
      return { id, title, branch: shown, totalMessages: total, regenerated, cost }
    },

    /** Waits until an answer is complete and returns it. @throws the error that made it fail */
    async waitForAnswer(caller: Caller, asked: StartedTurn, signal: AbortSignal): Promise<ShownMessage> {
      for await (const _ of runs.follow(asked.run.id, asked.run.lastEvent, signal)) signal.throwIfAborted()
      signal.throwIfAborted()
      const message = await getMessage(caller, asked.messageId)
      const details = { run_id: asked.run.id, message_id: asked.messageId }
      if (message.status === 'failed' && message.error) throw answerFailed(message.error, details)
      // The log ended early because this server shuts down; another process continues the answer.
      if (message.status === 'streaming') throw answerUnfinished(details)
      if (message.status !== 'complete') throw answerStopped()
      return message
    },
  }
}

export type Chat = ReturnType<typeof chat>
