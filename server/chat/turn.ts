import { minLayer } from '../../contract/layers.ts'
import type { Avees } from '../avees/index.ts'
import type { Insight } from '../insight/index.ts'
import type { Memory } from '../memory/index.ts'
import type { RunContext, RunKind } from '../runs/index.ts'
import { type AnswerInput, answerQuestion, parseEvent, type Question, type TurnStorage } from './answer.ts'
import { selectCitations } from './citations.ts'
import type { PromptDependencies } from './compose-prompt.ts'
import { readUnfinished } from './continuation.ts'
import { messageNotFound } from './errors.ts'
import {
  type ChatEvents,
  endedCalls,
  mergeTokens,
  type Protocol,
  protocolRenderer,
  type Rendering,
  reasoningOf,
  textOf,
  toolCallsOf,
} from './events.ts'
import { createLogView, type LogViewDependencies } from './log-view.ts'
import { findMessage } from './store/messages.ts'
import { finishMessage, saveGrounding } from './store/turns.ts'
import type { ToolApprovals } from './tool-approvals.ts'

/** The input of a turn as the run stores it: enough to start over on another node. */
export type TurnInput = AnswerInput &
  Pick<Question, 'history' | 'instructions'> & {
    conversationId: string
    userMessageId: string
    messageId: string
    /** The format in which the question was asked. Readers of the log get it unless they name another. */
    protocol: string
    rendering?: Rendering | undefined
    /** False excludes this turn from memory extraction. */
    learn?: boolean | undefined
    /** Whether the asker reads the stream and can approve tool calls. */
    canApprove?: boolean | undefined
    /** The unfinished answer that this one continues. */
    continuedId?: string | undefined
  }

/** Data that the request has already read and written. */
export type PreloadedTurn = Pick<Question, 'avee' | 'layer' | 'question' | 'chosen' | 'rows'>

export type TurnDependencies = PromptDependencies &
  LogViewDependencies & {
    avees: Avees
    approvals: ToolApprovals
    insight: Pick<Insight, 'recordTurn'>
    memory: Pick<Memory, 'prepareTurn' | 'recordTurn'>
  }

/**
 * The turns of conversations. A continuation of an unfinished answer begins with its text.
 * `protocols` are the formats in which an answer can be read, besides the canonical one.
 */
export function turnKind(
  dependencies: TurnDependencies,
  protocols: Record<string, Protocol>,
): RunKind<TurnInput> {
  return {
    work: (context) => answerQuestion(dependencies, context, conversationTurn(dependencies, context)),

    async close(run, closing, events, trx) {
      const { messageId } = run.input
      const parsed = events.map(parseEvent)
      const content = textOf(parsed)
      const reasoning = reasoningOf(parsed)
      const given = (await findMessage(trx, messageId))?.citations ?? []
      const toolCalls = endedCalls(toolCallsOf(parsed))
      const citations = content === '' ? [] : selectCitations(content, given).filter(({ cited }) => cited)
      if (closing.status === 'stopped') {
        await finishMessage(trx, messageId, { content, status: 'stopped', citations, toolCalls, reasoning })
        return { event: 'stopped', message_id: messageId } satisfies ChatEvents['stopped']
      }
      const { error } = closing
      await finishMessage(trx, messageId, {
        content,
        status: 'failed',
        citations,
        toolCalls,
        error,
        reasoning,
      })
      return { error, event: 'error', message_id: messageId } satisfies ChatEvents['error']
    },

    isChat: () => true,
    merge: mergeTokens,
    view: async ({ status, input }, viewer) =>
      createLogView(
        dependencies,
        {
          aveeId: input.aveeId,
          answer:
            status === 'running' ? undefined : await findMessage(dependencies.database.db, input.messageId),
        },
        viewer,
      ),
    defaultFormat: (run) => run.input.protocol,
    formats: Object.keys(protocols),
    renderer: ({ id, createdAt, input: { conversationId, messageId, model = '', rendering } }, format) =>
      protocolRenderer(protocols[format] ?? (() => ({})), {
        ...rendering,
        runId: id,
        createdAt,
        conversationId,
        messageId,
        model,
      }),
  }
}

/** The turn of a conversation, stored as its messages. */
function conversationTurn(
  { database: { db }, approvals, avees, insight, knowledge, memory }: TurnDependencies,
  { run: { input, userId }, preloaded }: RunContext<TurnInput>,
): TurnStorage {
  const { conversationId, aveeId, userMessageId, messageId, continuedId } = input
  let documents: string[] = []

  /** Reads the question. The layer is the current one, but never wider than when the question was asked. */
  async function readTurn(): Promise<Question> {
    const [question, begun, { avee, layer }] = await Promise.all([
      findMessage(db, userMessageId),
      findMessage(db, messageId),
      avees.view({ userId, aveeId: null }, aveeId),
    ])
    if (!question || !begun) throw messageNotFound()
    return { avee, layer: minLayer(layer, begun.layer_used), question, begun }
  }

  return {
    ids: { message_id: messageId, user_message_id: userMessageId, conversation_id: conversationId },
    isContinuation: continuedId !== undefined,
    // A turn that is excluded from memory extraction cannot store a memory with a tool either.
    approvals: input.canApprove && input.learn !== false ? approvals : undefined,

    async read(content, hasCalls) {
      const { history, instructions } = input
      const isFresh = preloaded !== undefined && content === '' && !hasCalls
      const asked = isFresh ? (preloaded as PreloadedTurn) : await readTurn()
      const turn: Question = { ...asked, history, instructions }
      if (content !== '' || hasCalls) return turn
      if (continuedId === undefined) return { ...turn, begun: undefined }
      const continued = await readUnfinished({ db, knowledge }, continuedId, { layer: turn.layer, userId })
      documents = continued.documents
      return { ...turn, begun: continued, continued: continued.content }
    },

    saveGrounding: (grounding) => saveGrounding(db, messageId, { ...grounding, documents }),

    async finish({ question, content, layer, memories, ...answered }) {
      const remembered =
        input.learn === false
          ? undefined
          : await memory.prepareTurn({
              aveeId,
              userId,
              conversationId,
              userMessageId,
              messageId,
              question,
              answer: content,
              layer,
              recalled: memories.map(({ id }) => id),
            })
      // The statements are sent together, so that the transaction waits for one response instead of six.
      return async (trx) => {
        const turn = { messageId, questionId: userMessageId, conversationId, aveeId, userId, layer }
        await Promise.all([
          finishMessage(trx, messageId, { content, status: 'complete', conversationId, ...answered }),
          insight.recordTurn(trx, turn),
          remembered && memory.recordTurn(trx, remembered),
        ])
      }
    },
  }
}
