import type { Attachment } from '../../contract/attachments.ts'
import { charactersIn } from '../../contract/characters.ts'
import type { tryAvee } from '../../contract/chat.ts'
import type { Layer } from '../../contract/layers.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Citation } from '../../contract/messages.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { Avees, AveeView } from '../avees/index.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import { AppError } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import type { ConversationHistory, Insight } from '../insight/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { ChatMessage, Models } from '../models/index.ts'
import {
  canonicalFormat,
  type LogView,
  type RunContext,
  type RunRecord,
  type Runs,
  type Viewer,
} from '../runs/index.ts'
import { withoutLastWord } from '../search/index.ts'
import type { Tools } from '../tools/index.ts'
import { type AnswerInput, answerQuestion, type Sampling, type TurnStorage } from './answer.ts'
import { attachments as createAttachments } from './attachments.ts'
import { branches } from './branches.ts'
import { readUnfinished } from './continuation.ts'
import { conversations } from './conversations.ts'
import {
  answerFailed,
  answerRunning,
  answerStopped,
  answerUnfinished,
  conversationNotFound,
  emptyQuestion,
  imagesNeedPermission,
  messageNotFound,
  modelNotYours,
  noSuchCall,
  notAnAnswer,
  notAQuestion,
  questionTooLong,
} from './errors.ts'
import type { Protocol, Rendering } from './events.ts'
import { imports } from './imports/import-run.ts'
import { createLogView } from './log-view.ts'
import { accessTo, showCitation, showContent } from './policy.ts'
import { purgeQuotations } from './purge.ts'
import { conversationSearch } from './search.ts'
import { shares } from './shares/shares.ts'
import {
  type ConversationRow,
  findConversation,
  hasAutoTitle,
  insertConversation,
  setAutoTitle,
  transferConversations,
  updateConversation,
} from './store/conversations.ts'
import {
  countMessages,
  findMessage,
  findMessagesWith,
  listBranch,
  listMessages,
  listMessagesById,
  listNodes,
  listSiblings,
  type MessageRow,
} from './store/messages.ts'
import { insertOwnerReply, insertTurn, turnExpressions } from './store/turns.ts'
import { toolApprovals } from './tool-approvals.ts'
import { findNewestLeaf } from './tree.ts'
import { trials } from './trial.ts'
import { type TurnInHand, type TurnInput, turnKind } from './turn.ts'

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
    | 'recallTurns'
    | 'searchTurns'
    | 'recordTurn'
    | 'usedIn'
    | 'visibleAmong'
    | 'deleteLearned'
    | 'restoreLearned'
    | 'indexImported'
  >
  deletions: Deletions
  /** Per user; 0, the default, for no limit. */
  maxConversations?: number
  maxQuestionCharacters: number
}

export type AskOptions = {
  /** The format that readers of the run get unless they name another; the canonical one when left out. */
  protocol?: string
  strong?: boolean | undefined
  /** Makes the conversation local only. */
  localOnly?: boolean | undefined
  model?: string | undefined
  useDocuments?: boolean
  history?: ChatMessage[] | undefined
  instructions?: string | undefined
  sampling?: Sampling | undefined
  rendering?: Rendering | undefined
  idempotencyKey?: string | undefined
  /** False excludes this turn from memory extraction. */
  learn?: boolean | undefined
  /** Whether the asker reads the stream and can approve tool calls; else these are refused. */
  canApprove?: boolean
  /** The unfinished answer that this one continues. */
  continuedId?: string | undefined
  /** Attachments of the conversation that come with the question. */
  attachments?: string[] | undefined
  /** The provider outside the private network that may be sent pictures; empty for none. */
  imagesTo?: string | undefined
}

/** A turn's run and its two messages. */
export type StartedTurn = { run: RunRecord; conversationId: string; userMessageId: string; messageId: string }

/** A stored question, or a new one: below `parentId`, else at the end of the selected branch. */
type NewTurn = { conversationId: string } & (
  | { userMessageId: string }
  | { question: string; parentId?: string | null; inNewConversation?: boolean }
)

/** A message as its reader may see it now. */
export type ShownMessage = Omit<MessageRow, 'citations' | 'documents' | 'attachments'> & {
  attachments: Attachment[]
  citations: Citation[]
  siblings: string[]
  memories: UsedMemory[]
}

const maxTitleCharacters = 60
/** Figures of a conversation cover this many messages. */
const maxBranchMessages = 20_000
const maxMatches = 1_000
/** For the selection of the model that would get pictures. */
const modelTimeoutMs = 10_000
/** Shown in place of the reason why a model was chosen. */
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
  const branchOf = branches(db)
  const answering = { database, avees, knowledge, models, tools, insight, memory }
  const approvals = toolApprovals(database)
  runs.register('chat', turnKind({ ...answering, approvals }, protocols))
  const trial = trials({ ...answering, runs })

  deletions.onPurge(async (documents, signal) => {
    await purgeQuotations(db, runs, documents, signal)
    await trial.purge()
    await insight.purgeFindings(documents)
  })

  const { getConversation, assertQuota, ...lifecycle } = conversations({
    database,
    runs,
    avees,
    memory,
    knowledge,
    deletions,
    maxConversations,
  })
  const attachments = createAttachments({ db, knowledge, getConversation })

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

  /** Returns the avee of such a conversation. @throws 404 when there is none */
  async function viewOfConversation(caller: Caller, id: string): Promise<AveeView> {
    const view = await avees.viewOfConversation(caller, id)
    if (!view) throw conversationNotFound()
    return view
  }

  /** Returns a message of such a conversation. @throws 404 when there is none */
  async function getStoredMessage(caller: Caller, id: string) {
    const row = await findMessage(db, id)
    const conversation = row && (await findConversation(db, caller.userId, row.conversation_id))
    if (!conversation || (caller.aveeId !== null && caller.aveeId !== conversation.avee_id))
      throw messageNotFound()
    return { row, conversation }
  }

  /** Returns a message as the caller may see it now. @throws 404 when there is none */
  async function getMessage(caller: Caller, id: string): Promise<ShownMessage> {
    const { row, conversation } = await getStoredMessage(caller, id)
    const [message] = await show(caller, conversation, [row])
    if (!message) throw messageNotFound()
    return message
  }

  /** @throws model_not_found, not_a_chat_model. A service that is away is an error of the answer, as it may come back. */
  async function assertModelExists(name: string | null): Promise<void> {
    if (!name) return
    await models.requireChatModel(name).catch((error: unknown) => {
      if (error instanceof AppError && error.status >= 500) return
      throw error
    })
  }

  /** @throws images_need_permission when a model that sees would get pictures outside the private network */
  async function assertPicturesStay(
    { userId }: Caller,
    avee: AveeView['avee'],
    options: AskOptions,
    hasPictures: () => Promise<boolean>,
  ): Promise<void> {
    if (!(await hasPictures())) return
    const requested = options.model ?? avee.model ?? undefined
    const strong = options.strong ?? false
    const signal = AbortSignal.timeout(modelTimeoutMs)
    const selected = await models
      .localOnly(options.localOnly || avee.localOnly, () =>
        models.selectModel({ requested, strong, userId, signal }),
      )
      // The answer reports it.
      .catch(() => undefined)
    const model = selected?.model
    if (model?.remote && model.provider !== options.imagesTo && model.capabilities.includes('vision'))
      throw imagesNeedPermission(model.provider, model.name)
  }

  /** Stores the run, the empty answer and what the turn adds to the conversation, in one transaction. */
  async function startTurn(
    caller: Caller,
    { avee, layer, isOwner }: AveeView,
    { conversationId, ...turn }: NewTurn,
    options: AskOptions,
  ): Promise<StartedTurn> {
    if (options.model !== undefined && !isOwner) throw modelNotYours()
    await assertModelExists(options.model ?? avee.model)
    const attached = 'question' in turn ? [...new Set(options.attachments)] : []
    await attachments.assertExist(conversationId, attached)
    if (options.imagesTo !== '')
      await assertPicturesStay(caller, avee, options, async () => {
        const ids =
          'question' in turn ? attached : ((await findMessage(db, turn.userMessageId))?.attachments ?? [])
        return await attachments.hasPictures(conversationId, ids)
      })
    const userMessageId = 'question' in turn ? newId() : turn.userMessageId
    const messageId = newId()
    const input: TurnInput = {
      conversationId,
      aveeId: avee.id,
      userMessageId,
      messageId,
      protocol: options.protocol ?? canonicalFormat,
      strong: options.strong ?? false,
      model: options.model,
      imagesTo: options.imagesTo,
      localOnly: options.localOnly || avee.localOnly,
      useDocuments: options.useDocuments ?? true,
      history: options.history,
      // Nothing is remembered of visitors without an account.
      learn: caller.via === 'visitor' ? false : options.learn,
      instructions: options.instructions,
      sampling: options.sampling,
      rendering: options.rendering,
      canApprove: options.canApprove,
      continuedId: options.continuedId,
    }
    const rows = {
      conversationId,
      layer,
      userMessageId,
      messageId,
      localOnly: options.localOnly ?? false,
      question:
        'question' in turn
          ? {
              content: turn.question,
              parentId: turn.parentId,
              title: titleFrom(turn.question),
              attachments: attached,
            }
          : undefined,
    }
    const inHand: TurnInHand | undefined =
      'question' in turn
        ? {
            avee,
            layer,
            question: {
              id: userMessageId,
              content: turn.question,
              created_at: new Date(),
              attachments: attached,
            },
          }
        : undefined
    const run = {
      kind: 'chat',
      userId: caller.userId,
      subject: conversationId,
      scope: avee.id,
      input,
      idempotencyKey: options.idempotencyKey,
      inHand,
    }
    const isNew = 'question' in turn && turn.inNewConversation === true
    const started = await runs.start(
      run,
      isNew
        ? async (trx, runId) => {
            await assertQuota(trx, caller)
            const owned = { avee_id: avee.id, user_id: caller.userId, layer_used: layer }
            await insertConversation(trx, { id: conversationId, ...owned })
            await insertTurn(trx, runId, rows)
          }
        : turnExpressions(rows),
    )
    if (started.outcome === 'busy') throw answerRunning(started.run.id)
    // A repeated request gets the turn of the first one.
    const first = started.run.input as TurnInput
    return {
      run: started.run,
      conversationId: first.conversationId,
      userMessageId: first.userMessageId,
      messageId: first.messageId,
    }
  }

  return {
    ...lifecycle,
    getConversation,
    importFile,

    /** Returns a page of the selected branch, or of the messages above `before`: from `offset` on, or the last ones. */
    async listMessages(
      caller: Caller,
      id: string,
      page: { limit: number; before?: string | undefined; offset?: number | undefined },
    ): Promise<{ messages: ShownMessage[]; offset: number; total: number }> {
      const conversation = await getConversation(caller, id)
      let end = conversation.leaf_id
      if (page.before !== undefined) {
        const before = await findMessage(db, page.before)
        if (before?.conversation_id !== conversation.id) throw messageNotFound()
        end = before.parent_id
      }
      const branch = end === null ? [] : await branchOf(end)
      const offset = page.offset ?? Math.max(0, branch.length - page.limit)
      const rows = await listMessagesById(db, branch.slice(offset, offset + page.limit))
      return { messages: await show(caller, conversation, rows), offset, total: branch.length }
    },

    /** Returns the last 1,000 messages of the selected branch that contain a text, or one by its id, with their positions. */
    async findMessages(
      caller: Caller,
      id: string,
      by: { query?: string | undefined; message_id?: string | undefined },
    ): Promise<{ message_id: string; position: number }[]> {
      const { leaf_id, viewer_layer } = await getConversation(caller, id)
      const branch = leaf_id === null ? [] : await branchOf(leaf_id)
      const found = new Set(
        by.query === undefined ? [by.message_id] : await findMessagesWith(db, id, viewer_layer, by.query),
      )
      return branch
        .flatMap((message_id, position) => (found.has(message_id) ? { message_id, position } : []))
        .slice(-maxMatches)
    },

    getMessage,

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

    /** Answers a question of a run whose turn is stored elsewhere. */
    answer: <Input extends AnswerInput>(context: RunContext<Input>, storage: TurnStorage) =>
      answerQuestion(answering, context, storage),

    /** How a viewer may see the log of an answer now. */
    logView: (aveeId: string, viewer: Viewer): Promise<LogView> =>
      createLogView(answering, { aveeId, answer: undefined }, viewer),

    attachments,

    shares: shares({ database, avees, knowledge, getConversation }),

    /** Searches the conversations of a user with an avee, the best first. */
    search: conversationSearch({ database, knowledge, memory }),

    /** Returns the messages of all branches and those of the selected one, for an export. */
    async getWholeConversation(caller: Caller, id: string) {
      const conversation = await getConversation(caller, id)
      const rows = await listMessages(db, id)
      const all = await show(caller, conversation, rows)
      const branch = conversation.leaf_id ? await listBranch(db, conversation.leaf_id, rows.length) : []
      const onBranch = new Set(branch.map((row) => row.id))
      return { conversation, all, shown: all.filter((row) => onBranch.has(row.id)) }
    },

    /** Starts to answer a question of an avee's owner that is not stored. @throws 404, 403 for others, 409 */
    async try(caller: Caller, aveeId: string, body: BodyOf<typeof tryAvee>): Promise<RunRecord> {
      validateQuestion(body.question)
      return await trial.start(caller, aveeId, body)
    },

    /** Asks in a conversation of the caller's and starts the run that answers. */
    async ask(
      caller: Caller,
      conversationId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      validateQuestion(question)
      const view = await viewOfConversation(caller, conversationId)
      return startTurn(caller, view, { conversationId, question }, options)
    },

    /**
     * Asks in a new conversation. A repeated request (same idempotency key) gets the run and the conversation of the
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
      // A reply of the avee's owner follows an answer, not a question.
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

    /** Approves or refuses a tool call of an answer that the caller has asked for. @throws 404, 409 not_waiting */
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

    /** Returns a message of a conversation of the caller's. @throws 404 when there is none */
    async getOwnMessage(caller: Caller, id: string) {
      const { row, conversation } = await getStoredMessage(caller, id)
      return {
        id: row.id,
        conversationId: row.conversation_id,
        aveeId: conversation.avee_id,
        viewerLayer: conversation.viewer_layer,
        role: row.role,
        parentId: row.parent_id,
        title: conversation.title,
        layer: row.layer_used,
        content: row.content,
      }
    },

    /** Returns the selected branch of a conversation and counts over all branches. */
    async getHistory({ id, title, leaf_id }: ConversationRow): Promise<ConversationHistory> {
      const [shown, { total, regenerated }] = await Promise.all([
        leaf_id === null ? [] : listBranch(db, leaf_id, maxBranchMessages),
        countMessages(db, id),
      ])
      return { id, title, branch: shown, totalMessages: total, regenerated }
    },

    /** Waits until an answer is complete and returns it. @throws what made it fail */
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

  /**
   * Returns messages of one conversation as the caller may see them now, with their siblings and the memories that each
   * answer was given.
   */
  async function show(
    caller: Caller,
    { id: conversationId, avee_id, viewer_layer }: ConversationRow,
    rows: MessageRow[],
  ): Promise<ShownMessage[]> {
    const [access, attachmentsOf, alternatives, used] = await Promise.all([
      accessTo(rows, { layer: viewer_layer, userId: caller.userId }, knowledge),
      attachments.ofMessages(conversationId, rows),
      listSiblings(db, rows),
      memory.usedIn(
        caller,
        avee_id,
        rows.map(({ id }) => id),
      ),
    ])
    return rows.map((row) => ({
      ...row,
      ...row.details,
      content: showContent(row, access),
      attachments: attachmentsOf(row),
      citations: row.citations.map((citation) => showCitation(citation, access)),
      siblings: alternatives.get(row.id) ?? [row.id],
      memories: used.get(row.id) ?? [],
    }))
  }

  async function getMessageIn(conversationId: string, messageId: string): Promise<MessageRow> {
    const message = await findMessage(db, messageId)
    if (message?.conversation_id !== conversationId) throw messageNotFound()
    return message
  }
}

export type Chat = ReturnType<typeof chat>

/** The question on one line, truncated at a word. */
function titleFrom(question: string): string {
  const line = question.trim().replaceAll(/\s+/g, ' ')
  const characters = [...line]
  if (characters.length <= maxTitleCharacters) return line
  return `${withoutLastWord(characters.slice(0, maxTitleCharacters).join(''))}…`
}
