import type { Conversation } from '../../contract/conversations.ts'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'

const keyOf = ({ id }: Conversation): string => `seen:${id}`

/** Records that this browser has shown the last message of a conversation. */
export const markRepliesSeen = (conversation: Conversation): void =>
  saveLocally(keyOf(conversation), conversation.leaf_id ?? '')

/** Whether a conversation that was open in this browser has a message since then, such as a reply of the avee's owner. */
export function hasUnseenReply(conversation: Conversation): boolean {
  const seen = loadLocally(keyOf(conversation))
  return seen !== undefined && conversation.running_run_id === null && seen !== (conversation.leaf_id ?? '')
}
