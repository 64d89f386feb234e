import type { Message } from '../../../contract/chat.ts'
import type { ApiError } from '../../api/index.ts'

/** A turn that the server does not have yet: shown at once, and kept with its error when it is refused. */
export type PendingTurn = {
  /** The conversation it belongs to; undefined while that is still being opened. */
  conversationId: string | undefined
  turn: Turn
  phase: 'waiting-for-documents' | 'sending' | 'refused'
  error: ApiError | undefined
}

export type Turn =
  | { kind: 'ask'; question: string }
  | { kind: 'edit'; messageId: string; question: string }
  | { kind: 'regenerate'; messageId: string; model?: string }

/** The messages that stay in sight under a pending turn: an edited question and an answer given anew make way. */
export function messagesBefore(messages: Message[], turn: Turn | undefined): Message[] {
  if (!turn || turn.kind === 'ask') return messages
  const at = messages.findIndex((message) => message.id === turn.messageId)
  return at === -1 ? messages : messages.slice(0, at)
}

/** Where a message stands among its alternatives: 1-based, with the ids beside it. */
export function versionOf(message: Message): { place: number; of: number; before?: string; after?: string } {
  const at = message.siblings.indexOf(message.id)
  const before = message.siblings[at - 1]
  const after = message.siblings[at + 1]
  return {
    place: at + 1,
    of: message.siblings.length,
    ...(before && at > 0 ? { before } : {}),
    ...(after ? { after } : {}),
  }
}
