import type { AveeView } from '../avees/index.ts'
import { type Db, newId } from '../db/index.ts'
import { AppError } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import type { ChatMessage, ChatModel, Models, SelectedModel } from '../models/index.ts'
import { canonicalFormat, type RunRecord, type Runs } from '../runs/index.ts'
import { withoutLastWord } from '../search/index.ts'
import { type Sampling, startEvent } from './answer.ts'
import type { Attachments } from './attachments.ts'
import type { contextQueries } from './context.ts'
import type { Conversations } from './conversations.ts'
import { answerRunning, imagesNeedPermission, modelNotYours } from './errors.ts'
import type { Rendering } from './events.ts'
import { insertConversation } from './store/conversations.ts'
import { findMessage } from './store/messages.ts'
import { insertTurn, turnExpressions, turnStatement } from './store/turns.ts'
import type { PreloadedTurn, TurnInput } from './turn.ts'

export type AskOptions = {
  /** The default format for readers of the run; the canonical one when left out. */
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
  /** Whether the asker reads the stream and can approve tool calls; if not, these are refused. */
  canApprove?: boolean
  /** The unfinished answer that this one continues. */
  continuedId?: string | undefined
  /** Attachments of the conversation that belong to the question. */
  attachments?: string[] | undefined
  /** The provider outside the private network that may receive pictures; empty for none. */
  imagesTo?: string | undefined
}

/** A turn's run and its two messages. */
export type StartedTurn = { run: RunRecord; conversationId: string; userMessageId: string; messageId: string }

/** A stored question, or a new one: below `parentId`, or at the end of the selected branch. */
type NewTurn = { conversationId: string } & (
  | { userMessageId: string }
  | { question: string; parentId?: string | null; inNewConversation?: boolean }
)

const maxTitleCharacters = 60
const modelTimeoutMs = 10_000

/** Starts the runs that answer questions of conversations. */
export function turnStarter({
  db,
  runs,
  models,
  attachments,
  assertQuota,
  readContext,
}: {
  db: Db
  runs: Runs
  models: Models
  attachments: Attachments
  assertQuota: Conversations['assertQuota']
  /** Returns the queries of the context of a question that the same statement inserts. */
  readContext: (request: Parameters<typeof contextQueries>[1]) => ReturnType<typeof contextQueries>
}) {
  /**
   * @throws model_not_found, not_a_chat_model. An unreachable service is an error of the answer instead, because it may
   * become available again.
   */
  async function assertModelExists(name: string | null): Promise<void> {
    if (!name) return
    await models.requireChatModel(name).catch((error: unknown) => {
      if (error instanceof AppError && error.status >= 500) return
      throw error
    })
  }

  /** Returns the model that will answer; undefined if there is none, which becomes an error of the answer. */
  async function chooseModel(
    { userId }: Caller,
    avee: AveeView['avee'],
    options: AskOptions,
  ): Promise<SelectedModel | undefined> {
    const requested = options.model ?? avee.model ?? undefined
    const strong = options.strong ?? false
    const signal = AbortSignal.timeout(modelTimeoutMs)
    return await models
      .localOnly(options.localOnly || avee.localOnly, () =>
        models.selectModel({ requested, strong, userId, signal }),
      )
      .catch(() => undefined)
  }

  /**
   * @throws images_need_permission when a model outside the private network would receive pictures without permission
   */
  async function assertPicturesStay(
    model: ChatModel | undefined,
    imagesTo: string | undefined,
    hasPictures: () => Promise<boolean>,
  ): Promise<void> {
    if (!model?.remote || model.provider === imagesTo || !model.capabilities.includes('vision')) return
    if (await hasPictures()) throw imagesNeedPermission(model.provider, model.name)
  }

  /** Stores the run, the empty answer and the changes of the conversation in one transaction. */
  return async (
    caller: Caller,
    { avee, layer, isOwner }: AveeView,
    { conversationId, ...turn }: NewTurn,
    options: AskOptions,
  ): Promise<StartedTurn> => {
    if (options.model !== undefined && !isOwner) throw modelNotYours()
    await assertModelExists(options.model ?? avee.model)
    const attached = 'question' in turn ? [...new Set(options.attachments)] : []
    await attachments.assertExist(conversationId, attached)
    const chosen = await chooseModel(caller, avee, options)
    if (options.imagesTo !== '')
      await assertPicturesStay(chosen?.model, options.imagesTo, async () => {
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
      // No memories of visitors without an account are stored.
      learn: caller.via === 'visitor' ? false : options.learn,
      instructions: options.instructions,
      sampling: options.sampling,
      rendering: options.rendering,
      canApprove: options.canApprove,
      continuedId: options.continuedId,
    }
    const preloaded: PreloadedTurn | undefined =
      'question' in turn
        ? {
            avee,
            layer,
            chosen,
            question: {
              id: userMessageId,
              content: turn.question,
              created_at: new Date(),
              attachments: attached,
            },
          }
        : undefined
    const rows = {
      conversationId,
      layer,
      userMessageId,
      messageId,
      localOnly: options.localOnly ?? false,
      model: preloaded?.chosen?.model.name ?? null,
      modelReason: preloaded?.chosen?.reason ?? null,
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
    const id = newId()
    const ids = { message_id: messageId, user_message_id: userMessageId, conversation_id: conversationId }
    const run = {
      id,
      kind: 'chat',
      userId: caller.userId,
      subject: conversationId,
      scope: avee.id,
      input,
      idempotencyKey: options.idempotencyKey,
      events: preloaded?.chosen && [startEvent(id, ids, preloaded, preloaded.chosen)],
      preloaded,
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
        : preloaded?.chosen
          ? turnStatement(
              rows,
              readContext({
                aveeId: avee.id,
                userId: caller.userId,
                conversationId,
                layer,
                isOwner,
                isRemote: preloaded.chosen.model.remote,
                history: options.history,
              }),
              (read) => {
                preloaded.rows = read
              },
            )
          : { expressions: turnExpressions(rows) },
    )
    if (started.outcome === 'busy') throw answerRunning(started.run.id)
    // A repeated request returns the turn of the first one.
    const first = started.run.input as TurnInput
    return {
      run: started.run,
      conversationId: first.conversationId,
      userMessageId: first.userMessageId,
      messageId: first.messageId,
    }
  }
}

/** The question on one line, truncated at a word. */
function titleFrom(question: string): string {
  const line = question.trim().replaceAll(/\s+/g, ' ')
  const characters = [...line]
  if (characters.length <= maxTitleCharacters) return line
  return `${withoutLastWord(characters.slice(0, maxTitleCharacters).join(''))}…`
}
