import type { Conversation, Message } from '../../contract/chat.ts'
import type { ShownMessage } from './chat.ts'
import type { ConversationRow } from './store.ts'

/** Returns the wire format of a conversation. */
export const presentConversation = (row: ConversationRow): Conversation => ({
  id: row.id,
  avee_id: row.avee_id,
  avee_handle: row.avee_handle,
  avee_display_name: row.avee_display_name,
  title: row.title,
  layer_used: row.layer_used,
  pinned: row.pinned,
  archived: row.archived,
  leaf_id: row.leaf_id,
  running_run_id: row.running_run_id,
  preview: row.preview,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  restorable_until: row.restorable_until?.toISOString(),
})

/** Returns the wire format of a message. */
export const presentMessage = (row: ShownMessage): Message => ({
  id: row.id,
  conversation_id: row.conversation_id,
  role: row.role,
  content: row.content,
  status: row.status,
  layer_used: row.layer_used,
  model: row.model,
  model_reason: row.model_reason,
  finish_reason: row.finish_reason,
  citations: row.citations,
  memories: row.memories,
  usage: row.usage,
  error: row.error,
  run_id: row.run_id,
  parent_id: row.parent_id,
  siblings: row.siblings,
  created_at: row.created_at.toISOString(),
})
