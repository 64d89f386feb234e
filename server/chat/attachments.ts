import { type Attachment, isPicture } from '../../contract/attachments.ts'
import { insertAttachmentAvee } from '../avees/index.ts'
import type { Db } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import type { Knowledge, ListedDocument, UploadedFile } from '../knowledge/index.ts'
import type { RunRecord } from '../runs/index.ts'
import type { Conversations } from './conversations.ts'
import { attachmentNotFound } from './errors.ts'
import { listSentAttachments, type MessageRow } from './store/messages.ts'

/** Per conversation. */
const maxAttachments = 200
/** The layer has no effect, because only the user of the conversation has access. */
const layer = 'public'

export type Attachments = ReturnType<typeof attachments>

/**
 * The attachments of conversations: documents of a hidden avee with the id of the conversation, which belongs to its
 * user and is deleted with it.
 */
export function attachments({
  db,
  knowledge,
  getConversation,
}: {
  db: Db
  knowledge: Pick<Knowledge, 'ingest' | 'count' | 'list' | 'attachments'>
  getConversation: Conversations['getConversation']
}) {
  return {
    /** Attaches files to a conversation of the caller. Takes ownership of the staged files unless it throws. */
    async add(
      caller: Caller,
      conversationId: string,
      files: UploadedFile[],
      idempotencyKey: string | undefined,
    ): Promise<RunRecord> {
      const { avee_id } = await getConversation(caller, conversationId)
      if ((await knowledge.count(conversationId)) + files.length > maxAttachments)
        throw quotaExceeded(`${maxAttachments} files in a conversation`)
      await insertAttachmentAvee(db, conversationId)
      return await knowledge.ingest(
        {
          userId: caller.userId,
          aveeId: conversationId,
          scope: avee_id,
          layer,
          usualLayer: layer,
          idempotencyKey,
        },
        files,
      )
    },

    /** Lists the attachments of a conversation of the caller, newest first. */
    async list(
      caller: Caller,
      conversationId: string,
      { trash: inTrash, unsent: onlyUnsent }: { trash?: boolean | undefined; unsent?: boolean | undefined },
    ): Promise<ListedDocument[]> {
      await getConversation(caller, conversationId)
      const { documents } = await knowledge.list(conversationId, [layer], { limit: maxAttachments, inTrash })
      if (!onlyUnsent || documents.length === 0) return documents
      const sent = await listSentAttachments(db, conversationId)
      return documents.filter(({ id }) => !sent.has(id))
    },

    /** @throws attachment_not_found if one of these is not an attachment of the conversation */
    async assertExist(conversationId: string, ids: string[]): Promise<void> {
      if (ids.length === 0) return
      const known = new Set((await knowledge.attachments.of(conversationId)).map(({ id }) => id))
      if (!ids.every((id) => known.has(id))) throw attachmentNotFound()
    },

    /** Returns whether a picture is among these attachments of a conversation. */
    async hasPictures(conversationId: string, ids: string[]): Promise<boolean> {
      if (ids.length === 0) return false
      const documents = await knowledge.attachments.of(conversationId)
      return documents.some(({ id, type }) => ids.includes(id) && isPicture(type))
    },

    /** Returns a function that returns the attachments of a question that still exist. */
    async ofMessages(conversationId: string, rows: MessageRow[]): Promise<(row: MessageRow) => Attachment[]> {
      const hasAttachments = rows.some(({ attachments }) => attachments.length > 0)
      const documents = hasAttachments ? await knowledge.attachments.of(conversationId) : []
      const byId = new Map(documents.map((document) => [document.id, document]))
      return (row) =>
        row.attachments.flatMap((id) => {
          const document = byId.get(id)
          if (!document) return []
          const { title, filename, type, bytes } = document
          return [{ id, name: filename ?? title, type, bytes: Number(bytes) }]
        })
    },
  }
}
