import { skipToken, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import {
  type Conversation,
  createConversation,
  editQuestion,
  listMessages,
  regenerateAnswer,
  setLeaf,
  streamAnswer,
} from '../../../contract/chat.ts'
import { stopRun } from '../../../contract/runs.ts'
import { ApiError, answerFold, keys, sendOnce } from '../../api/index.ts'
import { useApi, useRunHub } from '../../api/react.tsx'
import { errorMessage } from '../../ui/state.tsx'
import type { ChosenModel } from './model-picker.tsx'
import { messagesBefore, type PendingTurn, type Turn } from './turns.ts'

const pageSize = 40

/** A conversation's messages, the turn being sent, and the operations on them. */
export function useThread({
  handle,
  model,
  conversationId,
  onCreated,
  waitForDocuments,
  onAccepted,
}: {
  handle: string
  /** The model that answers: a name, the stronger one, or undefined for the avee's. */
  model: ChosenModel | undefined
  conversationId: string | undefined
  /** Called when a conversation was created for the first question. */
  onCreated: (conversation: Conversation) => void
  /** Resolves when the uploads in progress are complete; undefined when there are none. */
  waitForDocuments: () => Promise<void> | undefined
  /** Called when the server has stored the turn. */
  onAccepted: (conversationId: string, turn: Turn) => void
}) {
  const api = useApi()
  const hub = useRunHub()
  const queries = useQueryClient()
  const [pending, setPending] = useState<PendingTurn>()

  const list = useInfiniteQuery({
    queryKey: keys.messages(conversationId ?? ''),
    initialPageParam: undefined as string | undefined,
    queryFn:
      conversationId === undefined
        ? skipToken
        : ({ pageParam, signal }) =>
            api.call(listMessages, {
              params: { id: conversationId },
              query: {
                limit: pageSize,
                ...(pageParam ? { before: pageParam } : {}),
              },
              signal,
            }),
    getNextPageParam: (page) => (page.has_more ? page.messages[0]?.id : undefined),
    // The run's events announce its end. Polling covers the case that they cannot be received.
    refetchInterval: ({ state }) =>
      state.data?.pages[0]?.messages.at(-1)?.status === 'streaming' ? 15_000 : false,
  })

  const refresh = useCallback(
    async (id: string): Promise<void> => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.messages(id) }),
        queries.invalidateQueries({ queryKey: keys.conversations }),
      ])
    },
    [queries],
  )

  const modelParameters = { model: model?.name, use_gpt4o: model?.strong }
  const send = async (turn: Turn): Promise<void> => {
    let id = conversationId
    const show = (changes: Partial<PendingTurn>): void =>
      setPending({ conversationId: id, turn, phase: 'sending', error: undefined, ...changes })
    try {
      const documents = turn.kind === 'ask' ? waitForDocuments() : undefined
      show({ phase: documents ? 'waiting-for-documents' : 'sending' })
      await documents
      if (!id) {
        const created = await api.call(createConversation, { body: { avee: handle } })
        id = created.id
        queries.setQueryData(keys.conversation(id), created)
        queries.setQueryData(keys.messages(id), {
          pages: [{ messages: [], has_more: false }],
          pageParams: [undefined],
        })
        show({})
        onCreated(created)
      } else show({})
      const targetId = id
      const response = await sendOnce((key) => {
        if (turn.kind === 'ask')
          return api.open(streamAnswer, {
            body: { conversation_id: targetId, question: turn.question, ...modelParameters },
            idempotencyKey: key,
          })
        if (turn.kind === 'edit')
          return api.open(editQuestion, {
            params: { id: targetId, message_id: turn.messageId },
            body: { content: turn.question, use_gpt4o: modelParameters.use_gpt4o },
            idempotencyKey: key,
          })
        return api.open(regenerateAnswer, {
          params: { id: targetId, message_id: turn.messageId },
          body: turn.model ? { model: turn.model } : modelParameters,
          idempotencyKey: key,
        })
      })
      hub.adopt(response, answerFold)
      onAccepted(targetId, turn)
      await refresh(targetId)
      setPending((current) => (current?.turn === turn ? undefined : current))
    } catch (error) {
      show({ phase: 'refused', error: error instanceof ApiError ? error : asApiError(error) })
      // Another tab may have asked at the same time. Show its turn.
      if (id) void refresh(id)
    }
  }

  const isCurrent = pending?.conversationId === conversationId
  const shownPending = isCurrent ? pending : undefined
  const all = useMemo(
    () => (list.data?.pages ?? []).toReversed().flatMap((page) => page.messages),
    [list.data],
  )
  const messages = useMemo(() => messagesBefore(all, shownPending?.turn), [all, shownPending?.turn])
  const last = messages.at(-1)
  const runningRun = last?.status === 'streaming' ? last.run_id : null

  return {
    list,
    messages,
    pending: shownPending,
    runningRun,
    isBusy: runningRun !== null || (shownPending !== undefined && shownPending.phase !== 'refused'),
    send: (turn: Turn) => void send(turn),
    dismissPending: () => setPending(undefined),
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
      await refresh(conversationId)
    },
  }
}

export type Thread = ReturnType<typeof useThread>

const asApiError = (error: unknown): ApiError =>
  new ApiError(0, 'failed', errorMessage(error), { cause: error })
