import type { Db } from '../db/index.ts'
import { quotaExceeded } from '../errors.ts'
import { sumDocumentBytes } from './store/documents.ts'

/** The total size of the documents of each user's avees, as `maxBytes` limits it; 0 is no limit. */
export const storageQuota = (db: Db, maxBytes: number) => ({
  /** @throws quota_exceeded if the owner of the avee has less than `bytes` left */
  async assertRoom(aveeId: string, bytes: number): Promise<void> {
    if (maxBytes === 0) return
    if ((await sumDocumentBytes(db, aveeId)) + bytes > maxBytes)
      throw quotaExceeded(`${maxBytes.toLocaleString('en')} bytes of documents`)
  },
})

export type StorageQuota = ReturnType<typeof storageQuota>
