import { type Layer } from '../../contract/layers.ts'
import { charactersIn, maxQuestion } from '../../contract/limits.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Avees } from '../avees/index.ts'
import type { Database } from '../db/index.ts'
import { newId, type Trx } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Insight } from '../insight/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { ChatMessage, Models } from '../models/index.ts'
import type { RunRecord, Runs } from '../runs/index.ts'
import { type Dialect, gabeeDialect } from './dialect.ts'
import {
  answerFailed,
  answerRunning,
  answerStopped,
  answerUnfinished,
  conversationNotFound,
  emptyQuestion,
  messageNotFound,
  notAnAnswer,
  notAQuestion,
  questionTooLong,
} from './errors.ts'
import {
  type ConversationCursor,
  type ConversationRow,
  deleteConversation,
  findConversation,
  findMessage,
  insertConversation,
  insertMessage,
  insertOwnerReply,
  listBranch,
  listConversations,
  listMessages,
  listNodes,
  listSiblings,
  type MessageRow,
  setAutoTitle,
  updateConversation,
} from './store.ts'
import { findNewestLeaf } from './tree.ts'
import { type TurnInput, turnKind } from './turn.ts'

export type ChatDependencies = {
  database: Database
  runs: Runs
  avees: Avees
  knowledge: Knowledge
  models: Models
  insight: Pick<Insight, 'recordTurn' | 'freshUpdates' | 'summaryFor'>
  memory: Pick<Memory, 'note' | 'recall' | 'recallTurns' | 'usedIn'>
}

/** How a question is put, besides its words. */
export type AskOptions = {
  /** Whose words the events of the answer are in; `gabee` when left out. */
  dialect?: string
  strong?: boolean
  model?: string
  useDocuments?: boolean
  history?: ChatMessage[]
  idempotencyKey?: string
  /** False keeps the avee from remembering anything of this turn. */
  learn?: boolean
}

/** The run that answers, and the two messages it is about. */
export type StartedTurn = { run: RunRecord; conversationId: string; userMessageId: string; messageId: string }

export type MessageWithDetails = MessageRow & { siblings: string[]; memories: UsedMemory[] }

const titleCharacters = 60
/** Shown in the place of a model's reason. */
const ownerReplied = 'The owner of this avee replied.'

/** Conversations and their answers. `dialects` are the words of other gateways, by name. */
export function chat({
  database,
  runs,
  avees,
  knowledge,
  models,
  insight,
  memory,
  ...more
}: ChatDependencies & { dialects: Record<string, Dialect> }) {
  const { db } = database
  runs.register(
    'chat',
    turnKind(
      { database, avees, knowledge, models, insight, memory },
      { gabee: gabeeDialect, ...more.dialects },
    ),
  )

  /** The caller's own conversation; for anybody else it does not exist. */
  async function getConversation(caller: Caller, id: string): Promise<ConversationRow> {
    const conversation = await findConversation(db, id)
    if (!conversation || conversation.user_id !== caller.userId) throw conversationNotFound()
    if (caller.aveeId !== null && caller.aveeId !== conversation.avee_id) throw conversationNotFound()
    return conversation
  }

  /** Opens a conversation with an avee that the caller may see. */
  async function createConversation(caller: Caller, aveeIdOrHandle: string): Promise<ConversationRow> {
    const { avee, layer } = await avees.view(caller, aveeIdOrHandle)
    const id = newId()
    await insertConversation(db, { id, aveeId: avee.id, userId: caller.userId, layer, now: new Date() })
    return getConversation(caller, id)
  }

  /** Starts the run that answers the message `parent → question`; the question, the empty answer and the run in one transaction. */
  async function startTurn(
    caller: Caller,
    conversation: ConversationRow,
    turn: { question: string; parentId: string | null } | { userMessageId: string },
    options: AskOptions,
  ): Promise<StartedTurn> {
    const { layer } = await avees.view(caller, conversation.avee_id)
    const userMessageId = 'userMessageId' in turn ? turn.userMessageId : newId()
    const messageId = newId()
    const input: TurnInput = {
      conversationId: conversation.id,
      aveeId: conversation.avee_id,
      userMessageId,
      messageId,
      dialect: options.dialect ?? 'gabee',
      strong: options.strong ?? false,
      ...(options.model === undefined ? {} : { model: options.model }),
      useDocuments: options.useDocuments ?? true,
      ...(options.history === undefined ? {} : { history: options.history }),
      ...(options.learn === undefined ? {} : { learn: options.learn }),
    }
    const started = await runs.start(
      {
        kind: 'chat',
        userId: caller.userId,
        subject: conversation.id,
        scope: conversation.avee_id,
        input,
        ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      },
      async (trx, runId) => {
        const shared = { conversationId: conversation.id, layer }
        if ('question' in turn) {
          const question = { id: userMessageId, parentId: turn.parentId, content: turn.question, runId: null }
          await insertMessage(trx, { ...shared, ...question, role: 'user', status: 'complete' })
        }
        const answer = { id: messageId, parentId: userMessageId, content: '', runId }
        await insertMessage(trx, { ...shared, ...answer, role: 'assistant', status: 'streaming' })
        await updateConversation(trx, conversation.id, {
          leaf_id: messageId,
          layer_used: layer,
          updated_at: new Date(),
          ...('question' in turn && conversation.title === null ? { title: titleFrom(turn.question) } : {}),
        })
      },
    )
    if (started.outcome === 'busy') throw answerRunning(started.run.id)
    const about = started.run.input as TurnInput
    return {
      run: started.run,
      conversationId: about.conversationId,
      userMessageId: about.userMessageId,
      messageId: about.messageId,
    }
  }

  return {
    createConversation,
    getConversation,

    listConversations(
      caller: Caller,
      filter: {
        aveeId?: string
        archived: boolean
        query?: string
        limit: number
        after?: ConversationCursor
      },
    ): Promise<ConversationRow[]> {
      const bound = caller.aveeId ?? filter.aveeId
      return listConversations(db, {
        ...filter,
        userId: caller.userId,
        ...(bound === undefined ? {} : { aveeId: bound }),
      })
    },

    async updateConversation(
      caller: Caller,
      id: string,
      changes: { title?: string; pinned?: boolean; archived?: boolean },
    ) {
      await getConversation(caller, id)
      await updateConversation(db, id, {
        ...changes,
        ...(changes.title === undefined ? {} : { title_by: 'user' as const }),
      })
      return getConversation(caller, id)
    },

    /** Deletes a conversation with all its messages and the logs of its answers; a running one is stopped first. */
    async deleteConversation(caller: Caller, id: string): Promise<void> {
      const conversation = await getConversation(caller, id)
      await runs.forget({ kind: 'chat', subject: conversation.id })
      await deleteConversation(db, conversation.id)
    },

    /** The shown branch above `before` (or its end), oldest first, and whether there is more above. */
    async listMessages(
      caller: Caller,
      id: string,
      page: { limit: number; before?: string },
    ): Promise<{ messages: MessageWithDetails[]; hasMore: boolean; layer: Layer }> {
      const conversation = await getConversation(caller, id)
      const layer = await avees.getLayer(caller.userId, conversation.avee_id)
      let end = conversation.leaf_id
      if (page.before !== undefined) {
        const before = await findMessage(db, page.before)
        if (before?.conversation_id !== conversation.id) throw messageNotFound()
        end = before.parent_id
      }
      if (end === null) return { messages: [], hasMore: false, layer }
      const rows = await listBranch(db, end, page.limit)
      const messages = await withDetails(caller, conversation.avee_id, rows)
      return { messages, hasMore: rows[0]?.parent_id != null, layer }
    },

    async getMessage(caller: Caller, id: string): Promise<{ message: MessageWithDetails; layer: Layer }> {
      const row = await findMessage(db, id)
      if (!row) throw messageNotFound()
      const conversation = await getConversation(caller, row.conversation_id)
      const [message] = await withDetails(caller, conversation.avee_id, [row])
      if (!message) throw messageNotFound()
      return { message, layer: await avees.getLayer(caller.userId, conversation.avee_id) }
    },

    /** Every message of the conversation, all branches, for an export. */
    async getWholeConversation(caller: Caller, id: string) {
      const conversation = await getConversation(caller, id)
      const layer = await avees.getLayer(caller.userId, conversation.avee_id)
      const rows = await listMessages(db, id)
      const all = await withDetails(caller, conversation.avee_id, rows)
      const branchIds = conversation.leaf_id ? await listBranch(db, conversation.leaf_id, rows.length) : []
      const onBranch = new Set(branchIds.map((row) => row.id))
      return { conversation, layer, all, shown: all.filter((row) => onBranch.has(row.id)) }
    },

    /** Asks in a conversation of the caller's; the answer is a run of its own. */
    async ask(
      caller: Caller,
      conversationId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      const words = validateQuestion(question)
      const conversation = await getConversation(caller, conversationId)
      return startTurn(caller, conversation, { question: words, parentId: conversation.leaf_id }, options)
    },

    /**
     * Asks in a conversation that is opened for this question. A repeated request (same idempotency key) gets the
     * run and the conversation of the first.
     */
    async askInNewConversation(
      caller: Caller,
      aveeId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      const words = validateQuestion(question)
      const conversation = await createConversation(caller, aveeId)
      const asked = await startTurn(caller, conversation, { question: words, parentId: null }, options)
      if (asked.conversationId !== conversation.id) await deleteConversation(db, conversation.id)
      return asked
    },

    /** Another answer to the same question, beside the earlier ones. */
    async regenerate(
      caller: Caller,
      conversationId: string,
      messageId: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      const conversation = await getConversation(caller, conversationId)
      const message = await getMessageIn(conversation, messageId)
      if (message.role !== 'assistant' || message.parent_id === null) throw notAnAnswer()
      // What the owner said is no answer of a model.
      if ((await getMessageIn(conversation, message.parent_id)).role !== 'user') throw notAnAnswer()
      return startTurn(caller, conversation, { userMessageId: message.parent_id }, options)
    },

    /** Puts an earlier question in other words; the first one and what followed stay as a branch. */
    async editQuestion(
      caller: Caller,
      conversationId: string,
      messageId: string,
      question: string,
      options: AskOptions = {},
    ): Promise<StartedTurn> {
      const words = validateQuestion(question)
      const conversation = await getConversation(caller, conversationId)
      const message = await getMessageIn(conversation, messageId)
      if (message.role !== 'user') throw notAQuestion()
      return startTurn(caller, conversation, { question: words, parentId: message.parent_id }, options)
    },

    /** Shows the branch that goes through a message. */
    async selectBranch(caller: Caller, conversationId: string, messageId: string): Promise<ConversationRow> {
      const conversation = await getConversation(caller, conversationId)
      await getMessageIn(conversation, messageId)
      const leaf = findNewestLeaf(await listNodes(db, conversationId), messageId)
      await updateConversation(db, conversationId, { leaf_id: leaf })
      return getConversation(caller, conversationId)
    },

    /** Gives a conversation a title that was worked out, unless a person gave it one. */
    setAutoTitle: (conversationId: string, title: string): Promise<void> =>
      setAutoTitle(db, conversationId, title),

    /** Adds a message of the avee's owner at the end of the shown branch; gives its id. */
    async addOwnerReply(
      trx: Trx,
      { conversationId, text, layer }: { conversationId: string; text: string; layer: Layer },
    ): Promise<string> {
      const id = newId()
      await insertOwnerReply(trx, { id, conversationId, text, layer, reason: ownerReplied })
      return id
    },

    /** A message of the caller's, with the avee it was said to. @throws 404 for what is not theirs */
    async getOwnMessage(caller: Caller, id: string) {
      const row = await findMessage(db, id)
      if (!row) throw messageNotFound()
      const conversation = await getConversation(caller, row.conversation_id)
      return {
        id: row.id,
        conversationId: row.conversation_id,
        aveeId: conversation.avee_id,
        role: row.role,
        parentId: row.parent_id,
        layer: row.layer_used,
        content: row.content,
      }
    },

    /** Waits for an answer's end and returns the stored message; throws what made it fail. */
    async waitForAnswer(asked: StartedTurn, signal: AbortSignal): Promise<MessageRow> {
      for await (const _ of runs.follow(asked.run.id, asked.run.lastEvent, signal)) signal.throwIfAborted()
      signal.throwIfAborted()
      const message = await findMessage(db, asked.messageId)
      if (!message) throw messageNotFound()
      const details = { run_id: asked.run.id, message_id: asked.messageId }
      if (message.status === 'failed' && message.error) throw answerFailed(message.error, details)
      // Reading ends early when this server does; the answer goes on elsewhere.
      if (message.status === 'streaming') throw answerUnfinished(details)
      if (message.status !== 'complete') throw answerStopped()
      return message
    },
  }

  /** Messages of one conversation with their alternatives and with what they were given of the memories. */
  async function withDetails(
    caller: Caller,
    aveeId: string,
    rows: MessageRow[],
  ): Promise<MessageWithDetails[]> {
    const [alternatives, used] = await Promise.all([
      listSiblings(db, rows),
      memory.usedIn(
        caller,
        aveeId,
        rows.map(({ id }) => id),
      ),
    ])
    return rows.map((row) => ({
      ...row,
      siblings: alternatives.get(row.id) ?? [row.id],
      memories: used.get(row.id) ?? [],
    }))
  }

  async function getMessageIn(conversation: ConversationRow, messageId: string): Promise<MessageRow> {
    const message = await findMessage(db, messageId)
    if (message?.conversation_id !== conversation.id) throw messageNotFound()
    return message
  }
}

export type Chat = ReturnType<typeof chat>

function validateQuestion(question: string): string {
  if (question.trim() === '') throw emptyQuestion()
  if (charactersIn(question) > maxQuestion) throw questionTooLong()
  return question
}

/** The question on one line, cut at a word. */
function titleFrom(question: string): string {
  const line = question.trim().replaceAll(/\s+/g, ' ')
  const characters = [...line]
  if (characters.length <= titleCharacters) return line
  return `${characters
    .slice(0, titleCharacters)
    .join('')
    .replace(/\s+\S*$/, '')}…`
}
