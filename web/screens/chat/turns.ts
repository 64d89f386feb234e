import type { Attachment } from '../../../contract/attachments.ts'
import type { MessageList } from '../../../contract/conversations.ts'
import type { Message } from '../../../contract/messages.ts'
import type { ApiError } from '../../api/index.ts'

/** A turn the server has not accepted yet. It is shown immediately, and kept with its error if the server refuses it. */
export type PendingTurn = {
  /** Undefined until the conversation has been created. */
  conversationId: string | undefined
  turn: Turn
  /** queued: sent when the server can be reached. */
  phase: 'waiting-for-documents' | 'sending' | 'queued' | 'refused'
  /** The attachments of the question. */
  attachments: Attachment[]
  error: ApiError | undefined
}

export type Turn = {
  /** The remote provider that may receive pictures; empty for none. */
  imagesTo?: string
} & (
  | { kind: 'ask'; question: string }
  | { kind: 'edit'; messageId: string; question: string }
  | { kind: 'regenerate'; messageId: string; model?: string; continues?: boolean }
)

/**
 * Returns the number of messages that a pending turn follows, of `total`: an edited question or a regenerated answer
 * replaces the messages from its own position on. `lists` are the parts of the branch that are loaded.
 */
export function countBefore(
  turn: Turn | undefined,
  total: number,
  lists: Pick<MessageList, 'messages' | 'offset'>[],
): number {
  if (!turn || turn.kind === 'ask') return total
  for (const { messages, offset } of lists) {
    const index = messages.findIndex((message) => message.id === turn.messageId)
    if (index !== -1) return offset + index
  }
  return total
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
