import type { Db } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import { lockOwnerQuota, sumDocumentBytes } from './store/documents.ts'

/** The total size of the documents of each user's avees, as `maxBytes` limits it; 0 is no limit. */
export const storageQuota = (db: Db, maxBytes: number) => ({
  /**
   * In a transaction, no other one uses the quota until its end.
   * @throws quota_exceeded if the owner of the avee has less than `bytes` left
   */
  async assertRoom(aveeId: string, bytes: number, on: Db = db): Promise<void> {
    if (maxBytes === 0) return
    if (on.isTransaction) await lockOwnerQuota(on, aveeId)
    if ((await sumDocumentBytes(on, aveeId)) + bytes > maxBytes)
      throw quotaExceeded(`${maxBytes.toLocaleString('en')} bytes of documents`)
  },

  /** Returns whether the trash of the avee's owner takes as much. It has a quota of the same size. */
  async hasRoomInTrash(aveeId: string, bytes: number): Promise<boolean> {
    return maxBytes === 0 || (await sumDocumentBytes(db, aveeId, true)) + bytes <= maxBytes
  },
})

export type StorageQuota = ReturnType<typeof storageQuota>
