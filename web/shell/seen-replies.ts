import type { Conversation } from '../../contract/conversations.ts'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'

const keyOf = ({ id }: Conversation): string => `seen:${id}`

/** Records that this browser has shown the last message of a conversation. */
export const markRepliesSeen = (conversation: Conversation): void =>
  saveLocally(keyOf(conversation), conversation.leaf_id ?? '')

/** Whether a conversation has a new message, such as a reply of the avee's owner, since it was open in this browser. */
export function hasUnseenReply(conversation: Conversation): boolean {
  const seen = loadLocally(keyOf(conversation))
  return seen !== undefined && conversation.running_run_id === null && seen !== (conversation.leaf_id ?? '')
}
