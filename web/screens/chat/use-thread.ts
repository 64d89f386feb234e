import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useState } from 'react'
import type { Attachment } from '../../../contract/attachments.ts'
import { editQuestion, regenerateAnswer, streamAnswer } from '../../../contract/chat.ts'
import {
  type Conversation,
  createConversation,
  listMessages,
  type MessageList,
  setLeaf,
} from '../../../contract/conversations.ts'
import { stopRun } from '../../../contract/runs.ts'
import { ApiError, answerFold, createKey, keys, type Me, sendOnce, unreachable } from '../../api/index.ts'
import { useApi, useRunHub, useServerConnection } from '../../api/react.tsx'
import { errorMessage } from '../../ui/state.tsx'
import type { ChosenModel } from './model-picker.tsx'
import { permitProvider, permittedProvider } from './picture-permission.ts'
import {
  enqueueQuestion,
  type QueuedQuestion,
  useQueuedQuestion,
  withdrawQuestion,
} from './question-queue.tsx'
import { countBefore, type PendingTurn, type Turn } from './turns.ts'

/** Messages per page. */
export const pageSize = 40
/** An open conversation keeps this many messages at its end loaded; earlier ones are loaded in pages. */
const maxLastMessages = 200

/** A conversation's messages, the turn being sent, and the operations on them. */
export function useThread({
  handle,
  model,
  conversationId,
  onCreated,
  waitForDocuments,
  attachmentsOf,
  onAccepted,
  onQueued,
}: {
  handle: string
  /** The model that answers: a name, the stronger one, or undefined for the avee's. */
  model: ChosenModel | undefined
  conversationId: string | undefined
  /** Called when a conversation was created for the first question or file. */
  onCreated: (conversation: Conversation) => void
  /** Resolves when the uploads in progress are complete; undefined when there are none. */
  waitForDocuments: (conversationId: string | undefined) => Promise<void> | undefined
  /** Returns the uploaded attachments of the next question. */
  attachmentsOf: (conversationId: string | undefined) => Attachment[]
  /** Called when the server has stored the turn. */
  onAccepted: (conversationId: string, turn: Turn) => void
  /** Called when the question waits for the connection. */
  onQueued: (conversationId: string | undefined, question: string) => void
}) {
  const api = useApi()
  const hub = useRunHub()
  const queries = useQueryClient()
  const [pending, setPending] = useState<PendingTurn>()
  const queued = useQueuedQuestion(handle, conversationId)
  const connection = useServerConnection()

  const list = useQuery({
    queryKey: keys.lastMessages(conversationId ?? ''),
    queryFn:
      conversationId === undefined
        ? skipToken
        : async ({ queryKey, signal }): Promise<MessageList> => {
            const load = (query: { offset?: number; limit: number }) =>
              api.call(listMessages, { params: { id: conversationId }, query, signal })
            const known = queries.getQueryData<MessageList>(queryKey)
            if (known && known.messages.length > 0 && known.messages.length < maxLastMessages) {
              // Starts at the same message, so that the visible messages remain loaded.
              const grown = await load({ offset: known.offset, limit: 2 * maxLastMessages })
              if (grown.messages.length > 0) return grown
            }
            return await load({ limit: pageSize })
          },
    // The run's events announce its end. Polling covers the case that they are not received.
    refetchInterval: ({ state }) => (state.data?.messages.at(-1)?.status === 'streaming' ? 15_000 : false),
  })

  const refresh = useCallback(
    async (id: string): Promise<void> => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.lastMessages(id) }),
        queries.invalidateQueries({ queryKey: keys.conversations }),
      ])
    },
    [queries],
  )
  /** Loads the messages again after another branch was selected. */
  const refreshBranch = useCallback(
    async (id: string): Promise<void> => {
      queries.removeQueries({ queryKey: keys.messages(id), type: 'inactive' })
      await Promise.all([queries.invalidateQueries({ queryKey: keys.messages(id) }), refresh(id)])
    },
    [queries, refresh],
  )

  const creating = useRef<Promise<string>>(undefined)
  /** Returns the id of the conversation, which is created if there is none. `prepare` is called before it is shown. */
  const open = async (prepare: (id: string) => void = () => undefined): Promise<string> => {
    if (conversationId !== undefined) return conversationId
    creating.current ??= api
      .call(createConversation, { body: { avee: handle } })
      .then((created) => {
        const { id } = created
        queries.setQueryData(keys.conversation(id), created)
        queries.setQueryData(keys.lastMessages(id), { messages: [], has_more: false, offset: 0, total: 0 })
        prepare(id)
        onCreated(created)
        return id
      })
      .finally(() => {
        creating.current = undefined
      })
    return await creating.current
  }

  const modelParameters = { model: model?.name, use_gpt4o: model?.strong }
  const send = async (turn: Turn): Promise<void> => {
    let id = conversationId
    let attachments: Attachment[] = []
    const key = createKey()
    if (queued) withdrawQuestion(queued.key)
    const show = (changes: Partial<PendingTurn>): void =>
      setPending({ conversationId: id, turn, phase: 'sending', attachments, error: undefined, ...changes })
    try {
      if (turn.kind === 'ask' && connection.getSnapshot() === 'lost') {
        attachments = attachmentsOf(id)
        throw unreachable()
      }
      // The upload of a file may already be creating the conversation.
      id ??= await creating.current
      const documents = turn.kind === 'ask' ? waitForDocuments(id) : undefined
      show({ phase: documents ? 'waiting-for-documents' : 'sending' })
      await documents
      if (turn.kind === 'ask') attachments = attachmentsOf(id)
      id ??= await open()
      show({})
      const targetId = id
      if (turn.imagesTo) permitProvider(targetId, turn.imagesTo)
      const images_to = turn.imagesTo ?? permittedProvider(targetId)
      const response = await sendOnce(
        () => {
          if (turn.kind === 'ask')
            return api.open(streamAnswer, {
              body: {
                conversation_id: targetId,
                question: turn.question,
                attachments: attachments.map((file) => file.id),
                images_to,
                ...modelParameters,
              },
              idempotencyKey: key,
            })
          if (turn.kind === 'edit')
            return api.open(editQuestion, {
              params: { id: targetId, message_id: turn.messageId },
              body: { content: turn.question, images_to, use_gpt4o: modelParameters.use_gpt4o },
              idempotencyKey: key,
            })
          return api.open(regenerateAnswer, {
            params: { id: targetId, message_id: turn.messageId },
            body: {
              ...(turn.model ? { model: turn.model } : modelParameters),
              images_to,
              continue: turn.continues,
            },
            idempotencyKey: key,
          })
        },
        undefined,
        key,
      )
      hub.adopt(response, answerFold)
      onAccepted(targetId, turn)
      await (turn.kind === 'ask' ? refresh : refreshBranch)(targetId)
      setPending((current) => (current?.turn === turn ? undefined : current))
    } catch (error) {
      const userId = queries.getQueryData<Me>(keys.me)?.id
      const isLost = error instanceof ApiError && error.status === 0
      if (isLost && turn.kind === 'ask' && userId !== undefined) {
        const isQueued = enqueueQuestion({
          key,
          userId,
          handle,
          conversationId: id,
          question: turn.question,
          attachments: attachments.map((file) => file.id),
          images_to: turn.imagesTo ?? (id === undefined ? undefined : permittedProvider(id)),
          ...modelParameters,
        })
        if (isQueued) {
          setPending(undefined)
          onQueued(id, turn.question)
          return
        }
      }
      show({ phase: 'refused', error: error instanceof ApiError ? error : asApiError(error) })
      // Another tab may have asked at the same time. Show its turn.
      if (id) void refresh(id)
    }
  }

  const isCurrent = pending?.conversationId === conversationId
  const shownPending = (isCurrent ? pending : undefined) ?? (queued && pendingOf(queued))
  const loaded = queries.getQueriesData<MessageList>({ queryKey: keys.messages(conversationId ?? '') })
  const lists = loaded.flatMap(([, data]) => data ?? [])
  const last = list.data?.messages.at(-1)
  const runningRun = last?.status === 'streaming' ? last.run_id : null

  return {
    list,
    conversationId,
    /** The number of messages of the branch, above the pending turn if there is one. */
    count: countBefore(shownPending?.turn, list.data?.total ?? 0, lists),
    last,
    pending: shownPending,
    runningRun,
    isBusy: runningRun !== null || (shownPending !== undefined && shownPending.phase !== 'refused'),
    open,
    send: (turn: Turn) => void send(turn),
    dismissPending: () => {
      setPending(undefined)
      if (queued) withdrawQuestion(queued.key)
    },
    /** Loads the messages again, for example when an answer has ended. */
    refresh: useCallback(() => {
      if (conversationId) void refresh(conversationId)
    }, [conversationId, refresh]),
    stop: async (): Promise<void> => {
      if (runningRun) await api.call(stopRun, { params: { id: runningRun } })
      if (conversationId) await refresh(conversationId)
    },
    showBranch: async (messageId: string): Promise<void> => {
      if (!conversationId) return
      await api.call(setLeaf, { params: { id: conversationId }, body: { message_id: messageId } })
      await refreshBranch(conversationId)
    },
  }
}

export type Thread = ReturnType<typeof useThread>

const pendingOf = ({ conversationId, question, error }: QueuedQuestion): PendingTurn => ({
  conversationId,
  turn: { kind: 'ask', question },
  phase: error === undefined ? 'queued' : 'refused',
  attachments: [],
  error: error === undefined ? undefined : new ApiError(0, 'refused', error),
})

const asApiError = (error: unknown): ApiError =>
  new ApiError(0, 'failed', errorMessage(error), { cause: error })
