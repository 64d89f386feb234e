import { validate as isUuid } from 'uuid'
import { type Avees, avatarPath } from '../../avees/index.ts'
import { type Database, newId } from '../../db/index.ts'
import { quotaExceeded } from '../../errors.ts'
import type { Caller } from '../../http/caller.ts'
import type { Knowledge } from '../../knowledge/index.ts'
import type { Conversations } from '../conversations.ts'
import { answerRunning, nothingToShare, shareNotFound } from '../errors.ts'
import { accessTo, showCitation, showContent } from '../policy.ts'
import { listBranch } from '../store/messages.ts'
import { deleteShare, findShare, insertShare, listShares, newShareToken, type ShareRow } from './store.ts'

const maxShares = 50
const maxMessages = 2_000

/**
 * Links to read-only snapshots of conversations. Anybody with a link can read the text of the branch, and the parts of
 * its citations that are public now. A link is valid while its creator can read the conversation.
 */
export function shares({
  database: { db },
  avees,
  knowledge,
  getConversation,
}: {
  database: Database
  avees: Pick<Avees, 'get'>
  knowledge: Pick<Knowledge, 'layersOf'>
  getConversation: Conversations['getConversation']
}) {
  return {
    /** Creates a link, whose token cannot be read again. @throws 409 while an answer is running */
    async create(
      caller: Caller,
      conversationId: string,
      expiresInSeconds: number | undefined,
    ): Promise<ShareRow & { token: string }> {
      const { leaf_id, title, running_run_id } = await getConversation(caller, conversationId)
      if (running_run_id !== null) throw answerRunning(running_run_id)
      if (leaf_id === null) throw nothingToShare()
      if ((await listShares(db, conversationId)).length >= maxShares)
        throw quotaExceeded(`${maxShares} links to a conversation`)
      const token = newShareToken()
      const row = await insertShare(db, {
        id: newId(),
        conversation_id: conversationId,
        leaf_id,
        title,
        token,
        expires_at: expiresInSeconds === undefined ? null : new Date(Date.now() + expiresInSeconds * 1000),
      })
      return { ...row, token }
    },

    async list(caller: Caller, conversationId: string): Promise<ShareRow[]> {
      return await listShares(db, (await getConversation(caller, conversationId)).id)
    },

    /** @throws 404 for a link to a conversation of another user */
    async delete(caller: Caller, id: string): Promise<void> {
      const share = isUuid(id) ? await findShare(db, { id }) : undefined
      if (share?.user_id !== caller.userId) throw shareNotFound()
      await getConversation(caller, share.conversation_id)
      await deleteShare(db, id)
    },

    /** Returns the public view of a shared conversation. @throws 404 for an unknown, expired or revoked link */
    async read(token: string) {
      const share = await findShare(db, { token })
      if (!share) throw shareNotFound()
      const creator = { userId: share.user_id, aveeId: null, isAdmin: false, via: 'session' } as const
      const { avee_id } = await getConversation(creator, share.conversation_id).catch(() => {
        throw shareNotFound()
      })
      const [avee, rows] = await Promise.all([avees.get(avee_id), listBranch(db, share.leaf_id, maxMessages)])
      const isHidden = !avee || avee.isLibrary || avee.visibility === 'private'
      const { documents } = await accessTo(rows, { layer: 'public', userId: null }, knowledge)
      const shown = isHidden ? new Map([...documents].map(([id]) => [id, 'intimate' as const])) : documents
      const access = { layer: 'public' as const, documents: shown }
      return {
        title: share.title,
        avee_display_name: isHidden ? null : avee.displayName,
        // The image of an avee that is not public is visible to its users only.
        avee_avatar: avee?.visibility === 'public' && !isHidden ? avatarPath(avee) : null,
        created_at: share.created_at,
        expires_at: share.expires_at,
        messages: rows.map((row) => ({
          id: row.id,
          role: row.role,
          content: showContent(row, access),
          citations: row.citations.map((citation) => showCitation(citation, access)),
          created_at: row.created_at,
        })),
      }
    },
  }
}

export type Shares = ReturnType<typeof shares>
