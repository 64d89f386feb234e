import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { Database } from '../db/index.ts'
import type { Deletions } from '../deletions/index.ts'
import type { Runs } from '../runs/index.ts'
import type { Cleanup } from './cleanup.ts'
import { documentNotFound, documentReplaced } from './errors.ts'
import type { StorageQuota } from './storage-quota.ts'
import {
  type DocumentRow,
  findDocumentBySource,
  findScope,
  findStoredDocument,
  listAllDocuments,
  listInTrash,
  moveOutOfTrash,
  moveToTrash,
  retireDocument,
} from './store/documents.ts'
import { lockDocumentsOfAvee } from './store/ingest-files.ts'

/** Deletes documents permanently or moves them to the trash, and restores them. */
export function documentDeletion({
  database,
  runs,
  deletions,
  cleanup,
  quota,
}: {
  database: Database
  runs: Pick<Runs, 'delete'>
  deletions: Deletions
  cleanup: Cleanup
  quota: StorageQuota
}) {
  const { db } = database

  deletions.onExpiry(async (trx, deletionId) => {
    for (const id of await listInTrash(trx, deletionId)) await retireDocument(trx, id)
    await cleanup.enqueue(trx)
  })

  /** Deletes documents of an avee, also from the trash, with everything derived from them. Returns how many existed. */
  async function deleteDocuments(ids: string[], aveeId: string): Promise<number> {
    const deleted: DocumentRow[] = []
    for (const id of ids) {
      const document = await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        await cleanup.enqueue(trx)
        const deletionId = (await findStoredDocument(trx, id))?.deletion_id ?? null
        if (deletionId === null) return await retireDocument(trx, id)
        let retired: DocumentRow | undefined
        await deletions.takeOut(trx, deletionId, async () => {
          retired = await retireDocument(trx, id)
        })
        return retired
      })
      if (document) deleted.push(document)
    }
    // The job queue logs a failure and retries; the documents are deleted in any case.
    await cleanup.versions().catch(() => undefined)
    await cleanup.deleteUnreferenced([...new Set(deleted.map(({ sha256 }) => sha256))])
    await deleteUploadLogs(deleted, aveeId)
    return deleted.length
  }

  /** Deletes the logs of uploads, which contain file names. */
  async function deleteUploadLogs(documents: DocumentRow[], aveeId: string): Promise<void> {
    const scope = await findScope(db, aveeId)
    const mentions = documents.flatMap(({ sha256, source_url: url, filename }) =>
      [sha256, url, filename].filter((text) => text !== null),
    )
    if (scope !== undefined && mentions.length > 0) await runs.delete({ kind: 'ingest', scope, mentions })
  }

  /** Moves documents of an avee to the trash, or deletes them permanently. @throws document_not_found if there are none */
  async function deleteFor(
    userId: string,
    ids: string[],
    aveeId: string,
    permanent: boolean,
  ): Promise<DeletionReceipt> {
    if (permanent) {
      const counts = await deletions.count(db, { documentIds: ids })
      if ((await deleteDocuments(ids, aveeId)) === 0) throw documentNotFound()
      return await deletions.record(db, userId, counts, ids)
    }
    let moved: DocumentRow[] = []
    const receipt = await database.transaction(async (trx) => {
      await lockDocumentsOfAvee(trx, aveeId)
      return await deletions.trash(trx, userId, async (deletionId) => {
        moved = await moveToTrash(trx, ids, deletionId)
        if (moved.length === 0) throw documentNotFound()
      })
    })
    await deleteUploadLogs(moved, aveeId)
    return receipt
  }

  async function isTrashable(documents: DocumentRow[], aveeId: string): Promise<boolean> {
    const bytes = documents.reduce((sum, document) => sum + Number(document.bytes), 0)
    return deletions.hasTrash && (await quota.fitsIntoTrash(aveeId, bytes))
  }

  /** Deletes documents without a request of a user, so the receipt belongs to nobody. */
  async function discard(ids: string[], aveeId: string): Promise<number> {
    const count = await deleteDocuments(ids, aveeId)
    if (count > 0) await deletions.record(db, null, { documents: count }, ids)
    return count
  }

  return {
    discard,

    /** Deletes a document with everything derived from it; resolves when it is purged. @throws document_not_found */
    async remove(id: string): Promise<void> {
      const row = await findStoredDocument(db, id)
      if (!row || (await discard([id], row.avee_id)) === 0) throw documentNotFound()
    },

    /** Moves a document to the trash for a user, or deletes it permanently, also from the trash. @throws document_not_found */
    async delete(userId: string, id: string, permanent = false): Promise<DeletionReceipt> {
      const row = await findStoredDocument(db, id)
      if (!row || (row.deletion_id !== null && !permanent)) throw documentNotFound()
      const isPermanent = permanent || !(await isTrashable([row], row.avee_id))
      return await deleteFor(userId, [id], row.avee_id, isPermanent)
    },

    /** Moves all documents of an avee to the trash, or deletes them permanently. */
    async deleteAll(userId: string, aveeId: string, permanent = false): Promise<DeletionReceipt> {
      const documents = await listAllDocuments(db, aveeId)
      if (documents.length === 0) return await deletions.record(db, userId, {})
      const ids = documents.map(({ id }) => id)
      return await deleteFor(userId, ids, aveeId, permanent || !(await isTrashable(documents, aveeId)))
    },

    /** Whether a document is in the trash. */
    isInTrash: async (id: string): Promise<boolean> =>
      ((await findStoredDocument(db, id))?.deletion_id ?? null) !== null,

    /**
     * Restores a document from the trash. @throws document_not_found, quota_exceeded, and document_replaced if there is
     * another one from the same source
     */
    async restoreDocument(id: string): Promise<void> {
      const aveeId = (await findStoredDocument(db, id))?.avee_id
      if (aveeId === undefined) throw documentNotFound()
      await database.transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, aveeId)
        const row = await findStoredDocument(trx, id)
        if (!row) throw documentNotFound()
        if (row.deletion_id === null) return
        if (await findDocumentBySource(trx, aveeId, { ...row, sourceUrl: row.source_url }))
          throw documentReplaced()
        await quota.assertRoom(aveeId, Number(row.bytes), trx)
        if (!(await deletions.takeOut(trx, row.deletion_id, () => moveOutOfTrash(trx, row))))
          throw documentNotFound()
      })
    },
  }
}
