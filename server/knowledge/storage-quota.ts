import type { Db } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import { lockOwnerQuota, sumDocumentBytes } from './store/documents.ts'

/** Limits the total size of the documents of each user's avees to `maxBytes`; 0 for no limit. */
export const storageQuota = (db: Db, maxBytes: number) => ({
  /**
   * Locks the quota until the end of the transaction.
   * @throws quota_exceeded if the owner of the avee has less than `bytes` left
   */
  async assertRoom(aveeId: string, bytes: number, on: Db = db): Promise<void> {
    if (maxBytes === 0) return
    if (on.isTransaction) await lockOwnerQuota(on, aveeId)
    if ((await sumDocumentBytes(on, aveeId)) + bytes > maxBytes)
      throw quotaExceeded(`${maxBytes.toLocaleString('en')} bytes of documents`)
  },

  /** Whether this many bytes fit into the trash of the avee's owner, which has the same quota. */
  async fitsIntoTrash(aveeId: string, bytes: number): Promise<boolean> {
    return maxBytes === 0 || (await sumDocumentBytes(db, aveeId, true)) + bytes <= maxBytes
  },
})

export type StorageQuota = ReturnType<typeof storageQuota>
