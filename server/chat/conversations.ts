import type * as contract from '../../contract/conversations.ts'
import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { BodyOf } from '../../contract/operation.ts'
import type { Avees } from '../avees/index.ts'
import { type Database, type Db, newId } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import { quotaExceeded } from '../errors.ts'
import type { Caller } from '../http/caller.ts'
import type { Knowledge } from '../knowledge/index.ts'
import type { Memory } from '../memory/index.ts'
import type { Runs } from '../runs/index.ts'
import { conversationNotFound } from './errors.ts'
import {
  type ConversationFilter,
  type ConversationRow,
  countConversations,
  deleteConversation,
  deleteTrash,
  findConversation,
  findOwnConversation,
  findStoredConversation,
  insertConversation,
  listConversations,
  setDeletion,
  updateConversation,
} from './store/conversations.ts'

export type Conversations = ReturnType<typeof conversations>

/** Creates, lists, changes, deletes and restores conversations, without their messages. */
export function conversations({
  database,
  runs,
  avees,
  memory,
  knowledge,
  deletions,
  maxConversations,
}: {
  database: Database
  runs: Pick<Runs, 'delete'>
  avees: Pick<Avees, 'view'>
  memory: Pick<Memory, 'deleteByConversation' | 'restoreByDeletion'>
  knowledge: Pick<Knowledge, 'attachments'>
  deletions: Deletions
  /** Per user; 0 for no limit. */
  maxConversations: number
}) {
  const { db } = database
  deletions.onExpiry(deleteTrash)

  /** Whether an API key that is restricted to one avee includes the conversation. */
  const isAllowed = (caller: Caller, { avee_id }: Pick<ConversationRow, 'avee_id'>): boolean =>
    caller.aveeId === null || caller.aveeId === avee_id

  /** Returns a conversation of the caller with an avee that they may see. @throws 404 when there is none */
  async function getConversation(caller: Caller, id: string, withTrash = false): Promise<ConversationRow> {
    const conversation = await (withTrash ? findStoredConversation : findConversation)(db, caller.userId, id)
    if (!conversation || !isAllowed(caller, conversation)) throw conversationNotFound()
    return conversation
  }

  /** @throws quota_exceeded if the user already has the maximum number of conversations */
  async function assertQuota(on: Db, { userId }: Pick<Caller, 'userId'>, except?: string): Promise<void> {
    if (maxConversations > 0 && (await countConversations(on, userId, { except })) >= maxConversations)
      throw quotaExceeded(`${maxConversations} conversations`)
  }

  /** @throws quota_exceeded if the first question in a conversation without messages would exceed the quota */
  async function assertQuotaWith(caller: Caller, id: string): Promise<void> {
    if (maxConversations > 0 && (await getConversation(caller, id)).leaf_id === null)
      await assertQuota(db, caller, id)
  }

  /** The same quotas apply to the trash separately. */
  const fitsIntoTrash = async (userId: string, id: string): Promise<boolean> =>
    deletions.hasTrash &&
    (maxConversations === 0 ||
      (await countConversations(db, userId, { inTrash: true })) < maxConversations) &&
    (await knowledge.attachments.fitTrash(id))

  /** Deletes the logs of the answers of a conversation and of its uploads. */
  async function deleteRuns({ id, avee_id: scope }: Pick<ConversationRow, 'id' | 'avee_id'>): Promise<void> {
    await runs.delete({ kind: 'chat', subject: id })
    await runs.delete({ kind: 'ingest', scope, mentions: [id] })
    await runs.delete({ scope: id })
  }

  return {
    getConversation,
    assertQuota,
    assertQuotaWith,

    /** Creates a conversation with an avee that the caller may see. */
    async createConversation(caller: Caller, aveeIdOrHandle: string): Promise<ConversationRow> {
      const { avee, layer } = await avees.view(caller, aveeIdOrHandle)
      await assertQuota(db, caller)
      const id = newId()
      await insertConversation(db, { id, avee_id: avee.id, user_id: caller.userId, layer_used: layer })
      return getConversation(caller, id)
    },

    listConversations(
      caller: Caller,
      filter: Omit<ConversationFilter, 'userId'>,
    ): Promise<ConversationRow[]> {
      const aveeId = caller.aveeId ?? filter.aveeId
      return listConversations(db, { ...filter, userId: caller.userId, aveeId })
    },

    async updateConversation(
      caller: Caller,
      id: string,
      changes: BodyOf<typeof contract.updateConversation>,
    ) {
      await getConversation(caller, id)
      await updateConversation(db, id, {
        ...changes,
        title_by: changes.title === undefined ? undefined : 'user',
      })
      return getConversation(caller, id)
    },

    /**
     * Moves a conversation to the trash, with the memories that come from it only, or deletes it permanently, also from
     * the trash, even if its avee is hidden from the caller now. A running answer is stopped first, and its runs are
     * deleted.
     */
    async deleteConversation(caller: Caller, id: string, permanent = false): Promise<DeletionReceipt> {
      const { userId } = caller
      const conversation = await findOwnConversation(db, userId, id, { withTrash: permanent })
      if (!conversation || !isAllowed(caller, conversation)) throw conversationNotFound()
      const scope = { aveeId: conversation.avee_id, userId, conversationId: id }
      const isPermanent = permanent || !(await fitsIntoTrash(userId, id))
      await deleteRuns(conversation)
      const receipt = await database.transaction(async (trx) => {
        if (!isPermanent)
          return await deletions.trash(trx, userId, async (deletionId) => {
            await memory.deleteByConversation(trx, scope, deletionId)
            if (!(await setDeletion(trx, { id, from: null, to: deletionId }))) throw conversationNotFound()
          })
        const counts = await deletions.count(trx, { conversationId: id })
        const remove = async () => {
          await memory.deleteByConversation(trx, scope)
          await deleteConversation(trx, id)
        }
        if (conversation.deletion_id === null) await remove()
        else if (!(await deletions.takeOut(trx, conversation.deletion_id, remove)))
          throw conversationNotFound()
        return await deletions.record(trx, userId, counts)
      })
      // A question may have been asked in the meantime.
      await deleteRuns(conversation)
      return receipt
    },

    /**
     * Restores a conversation from the trash, with its memories. @throws 404 when it is not in the
     * trash
     */
    async restoreConversation(caller: Caller, id: string): Promise<ConversationRow> {
      const { deletion_id: from } = await getConversation(caller, id, true)
      if (from !== null)
        await database.transaction(async (trx) => {
          await assertQuota(trx, caller)
          await knowledge.attachments.assertRoom(trx, id)
          const isRestored = await deletions.takeOut(trx, from, async () => {
            if (!(await setDeletion(trx, { id, from, to: null }))) throw conversationNotFound()
            await memory.restoreByDeletion(trx, from)
          })
          if (!isRestored) throw conversationNotFound()
        })
      return getConversation(caller, id)
    },
  }
}
