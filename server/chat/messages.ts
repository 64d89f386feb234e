import type { Attachment } from '../../contract/attachments.ts'
import type { UsedMemory } from '../../contract/memory.ts'
import type { Citation } from '../../contract/messages.ts'
import type { Db } from '../db/index.ts'
import type { Caller } from '../http/caller.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { Attachments } from './attachments.ts'
import { branches } from './branches.ts'
import type { Conversations } from './conversations.ts'
import { messageNotFound } from './errors.ts'
import { accessTo, showCitation, showContent } from './policy.ts'
import { type ConversationRow, findConversation } from './store/conversations.ts'
import {
  findMessage,
  findMessagesWith,
  listBranch,
  listMessages,
  listMessagesById,
  listSiblings,
  type MessageRow,
} from './store/messages.ts'

/** A message as its reader may see it now. */
export type ShownMessage = Omit<MessageRow, 'citations' | 'documents' | 'attachments'> & {
  attachments: Attachment[]
  citations: Citation[]
  siblings: string[]
  memories: UsedMemory[]
}

const maxMatches = 1_000

/** The messages of conversations, as a caller may see them now. */
export function messages({
  db,
  knowledge,
  memory,
  attachments,
  getConversation,
}: {
  db: Db
  knowledge: Knowledge
  memory: Pick<Memory, 'usedIn'>
  attachments: Attachments
  getConversation: Conversations['getConversation']
}) {
  const branchOf = branches(db)

  /**
   * Returns messages of one conversation as the caller may see them now, with their siblings and the memories in the
   * prompt of each answer.
   */
  async function show(
    caller: Caller,
    { id: conversationId, avee_id, viewer_layer }: ConversationRow,
    rows: MessageRow[],
  ): Promise<ShownMessage[]> {
    const [access, attachmentsOf, alternatives, used] = await Promise.all([
      accessTo(rows, { layer: viewer_layer, userId: caller.userId }, knowledge),
      attachments.ofMessages(conversationId, rows),
      listSiblings(db, rows),
      memory.usedIn(
        caller,
        avee_id,
        rows.map(({ id }) => id),
      ),
    ])
    return rows.map((row) => ({
      ...row,
      ...row.details,
      content: showContent(row, access),
      attachments: attachmentsOf(row),
      citations: row.citations.map((citation) => showCitation(citation, access)),
      siblings: alternatives.get(row.id) ?? [row.id],
      memories: used.get(row.id) ?? [],
    }))
  }

  /** Returns a stored message of a conversation of the caller. @throws 404 when there is none */
  async function getStoredMessage(caller: Caller, id: string) {
    const row = await findMessage(db, id)
    const conversation = row && (await findConversation(db, caller.userId, row.conversation_id))
    if (!conversation || (caller.aveeId !== null && caller.aveeId !== conversation.avee_id))
      throw messageNotFound()
    return { row, conversation }
  }

  /** Returns a message as the caller may see it now. @throws 404 when there is none */
  async function getMessage(caller: Caller, id: string): Promise<ShownMessage> {
    const { row, conversation } = await getStoredMessage(caller, id)
    const [message] = await show(caller, conversation, [row])
    if (!message) throw messageNotFound()
    return message
  }

  async function getMessageIn(conversationId: string, messageId: string): Promise<MessageRow> {
    const message = await findMessage(db, messageId)
    if (message?.conversation_id !== conversationId) throw messageNotFound()
    return message
  }

  return {
    getMessage,
    getMessageIn,

    /** Returns a page of the selected branch, or of the messages above `before`: from `offset` on, or the last ones. */
    async listMessages(
      caller: Caller,
      id: string,
      page: { limit: number; before?: string | undefined; offset?: number | undefined },
    ): Promise<{ messages: ShownMessage[]; offset: number; total: number }> {
      const conversation = await getConversation(caller, id)
      let end = conversation.leaf_id
      if (page.before !== undefined) {
        const before = await findMessage(db, page.before)
        if (before?.conversation_id !== conversation.id) throw messageNotFound()
        end = before.parent_id
      }
      const branch = end === null ? [] : await branchOf(end)
      const offset = page.offset ?? Math.max(0, branch.length - page.limit)
      const rows = await listMessagesById(db, branch.slice(offset, offset + page.limit))
      return { messages: await show(caller, conversation, rows), offset, total: branch.length }
    },

    /** Returns the last 1,000 messages of the selected branch that contain a text, or one by its id, with their positions. */
    async findMessages(
      caller: Caller,
      id: string,
      by: { query?: string | undefined; message_id?: string | undefined },
    ): Promise<{ message_id: string; position: number }[]> {
      const { leaf_id, viewer_layer } = await getConversation(caller, id)
      const branch = leaf_id === null ? [] : await branchOf(leaf_id)
      const found = new Set(
        by.query === undefined ? [by.message_id] : await findMessagesWith(db, id, viewer_layer, by.query),
      )
      return branch
        .flatMap((message_id, position) => (found.has(message_id) ? { message_id, position } : []))
        .slice(-maxMatches)
    },

    /** Returns a message of a conversation of the caller. @throws 404 when there is none */
    async getOwnMessage(caller: Caller, id: string) {
      const { row, conversation } = await getStoredMessage(caller, id)
      return {
        id: row.id,
        conversationId: row.conversation_id,
        aveeId: conversation.avee_id,
        viewerLayer: conversation.viewer_layer,
        role: row.role,
        parentId: row.parent_id,
        title: conversation.title,
        layer: row.layer_used,
        content: row.content,
      }
    },

    /** Returns the messages of all branches and those of the selected one, for an export. */
    async getWholeConversation(caller: Caller, id: string) {
      const conversation = await getConversation(caller, id)
      const rows = await listMessages(db, id)
      const all = await show(caller, conversation, rows)
      const branch = conversation.leaf_id ? await listBranch(db, conversation.leaf_id, rows.length) : []
      const onBranch = new Set(branch.map((row) => row.id))
      return { conversation, all, shown: all.filter((row) => onBranch.has(row.id)) }
    },
  }
}
