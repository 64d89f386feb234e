import type { Message } from '../../../contract/chat.ts'
import type { ApiError } from '../../api/index.ts'

/** A turn the server has not accepted yet. It is shown immediately, and kept with its error if the server refuses it. */
export type PendingTurn = {
  /** Undefined until the conversation has been created. */
  conversationId: string | undefined
  turn: Turn
  phase: 'waiting-for-documents' | 'sending' | 'refused'
  error: ApiError | undefined
}

export type Turn =
  | { kind: 'ask'; question: string }
  | { kind: 'edit'; messageId: string; question: string }
  | { kind: 'regenerate'; messageId: string; model?: string }

/** Returns the messages a pending turn follows: an edited question or a regenerated answer replaces those from its own on. */
export function messagesBefore(messages: Message[], turn: Turn | undefined): Message[] {
  if (!turn || turn.kind === 'ask') return messages
  const index = messages.findIndex((message) => message.id === turn.messageId)
  return index === -1 ? messages : messages.slice(0, index)
}

/** Returns a message's 1-based version among its siblings and the ids of the adjacent versions. */
export function versionOf(message: Message): {
  version: number
  total: number
  previousId?: string
  nextId?: string
} {
  const index = message.siblings.indexOf(message.id)
  const previousId = message.siblings[index - 1]
  const nextId = message.siblings[index + 1]
  return {
    version: index + 1,
    total: message.siblings.length,
    ...(previousId ? { previousId } : {}),
    ...(nextId ? { nextId } : {}),
  }
}
