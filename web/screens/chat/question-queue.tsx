import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { navigate } from 'wouter/use-browser-location'
import { streamAnswer } from '../../../contract/chat.ts'
import { createConversation } from '../../../contract/conversations.ts'
import { ApiError, answerFold, type Client, keys, type RunHub } from '../../api/index.ts'
import { useApi, useRunHub, useServerConnection } from '../../api/react.tsx'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'
import { errorMessage } from '../../ui/state.tsx'

/** A question that waits for the connection, stored so that it survives a closed tab. */
export type QueuedQuestion = {
  /** The idempotency key of its request, so that the server answers it once. */
  key: string
  userId: string
  handle: string
  /** Undefined for the first question of a new chat. */
  conversationId?: string | undefined
  question: string
  attachments: string[]
  model?: string | undefined
  use_gpt4o?: boolean | undefined
  images_to?: string | undefined
  /** The error if the server refused it. */
  error?: string
}

const storedName = 'draft:queue'
const maxQueued = 20
const listeners = new Set<() => void>()

function readQueue(): QueuedQuestion[] {
  try {
    return JSON.parse(loadLocally(storedName) ?? '[]') as QueuedQuestion[]
  } catch {
    return []
  }
}

function saveQueue(queue: QueuedQuestion[]): void {
  saveLocally(storedName, queue.length > 0 ? JSON.stringify(queue) : undefined)
  for (const listener of listeners) listener()
}

/** Returns false if the queue is full. */
export function enqueueQuestion(question: QueuedQuestion): boolean {
  const queue = readQueue()
  if (queue.length >= maxQueued) return false
  saveQueue([...queue, question])
  return true
}

export const withdrawQuestion = (key: string): void =>
  saveQueue(readQueue().filter((queued) => queued.key !== key))

const changeQuestion = (key: string, changes: Partial<QueuedQuestion>): void =>
  saveQueue(readQueue().map((queued) => (queued.key === key ? { ...queued, ...changes } : queued)))

function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  // Another tab has changed the queue.
  addEventListener('storage', changed)
  return () => {
    listeners.delete(changed)
    removeEventListener('storage', changed)
  }
}

/** Returns the first question that waits in a chat. */
export function useQueuedQuestion(
  handle: string,
  conversationId: string | undefined,
): QueuedQuestion | undefined {
  const stored = useSyncExternalStore(subscribe, () => loadLocally(storedName))
  return useMemo(
    () =>
      stored === undefined
        ? undefined
        : readQueue().find((queued) => queued.handle === handle && queued.conversationId === conversationId),
    [stored, handle, conversationId],
  )
}

type Sender = { api: Client; hub: RunHub; queries: QueryClient }

/** Sends the queued questions of the signed-in user whenever the server can be reached. */
export function SendQueuedQuestions({ userId }: { userId: string }) {
  const api = useApi()
  const hub = useRunHub()
  const queries = useQueryClient()
  const connection = useServerConnection()
  useEffect(() => {
    const send = (): void => {
      if (connection.getSnapshot() === 'up') void sendQueue(userId, { api, hub, queries })
    }
    send()
    const unsubscribers = [connection.subscribe(send), subscribe(send)]
    return () => {
      for (const unsubscribe of unsubscribers) unsubscribe()
    }
  }, [api, hub, queries, connection, userId])
  return null
}

const sending = new Set<string>()

async function sendQueue(userId: string, sender: Sender): Promise<void> {
  for (const { key, error, ...queued } of readQueue()) {
    if (queued.userId !== userId || error !== undefined || sending.has(key)) continue
    sending.add(key)
    try {
      // Two tabs must not create two conversations.
      await ('locks' in navigator
        ? navigator.locks.request(`question ${key}`, () => sendQueued(key, sender))
        : sendQueued(key, sender))
    } catch (failure) {
      // Without a response it remains in the queue until the connection is restored.
      if (failure instanceof ApiError && failure.status === 0) return
      changeQuestion(key, { error: errorMessage(failure) })
    } finally {
      sending.delete(key)
    }
  }
}

async function sendQueued(key: string, { api, hub, queries }: Sender): Promise<void> {
  const queued = readQueue().find((other) => other.key === key)
  if (!queued) return
  const { handle, question, attachments, model, use_gpt4o, images_to } = queued
  let id = queued.conversationId
  if (id === undefined) {
    const created = await api.call(createConversation, { body: { avee: handle } })
    id = created.id
    changeQuestion(key, { conversationId: id })
    if (location.pathname === `/chat/${handle}`) navigate(`/chat/${handle}/${id}`, { replace: true })
  }
  const response = await api.open(streamAnswer, {
    body: { conversation_id: id, question, attachments, model, use_gpt4o, images_to },
    idempotencyKey: key,
  })
  hub.adopt(response, answerFold)
  await Promise.all([
    queries.invalidateQueries({ queryKey: keys.lastMessages(id) }),
    queries.invalidateQueries({ queryKey: keys.conversations }),
  ])
  withdrawQuestion(key)
}
