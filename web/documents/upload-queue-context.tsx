import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Upload, UploadQueue } from './upload-queue.ts'

const UploadQueueContext = createContext<UploadQueue | undefined>(undefined)

/** Provides the upload queue to the components below. */
export function UploadQueueProvider({ uploads, children }: { uploads: UploadQueue; children: ReactNode }) {
  return <UploadQueueContext value={uploads}>{children}</UploadQueueContext>
}

/** Follows uploads from before a page reload. Rendered once the user is known. */
export function ResumeUploads() {
  const uploads = useUploadQueue()
  useEffect(() => {
    // Not critical, because the document list shows what was added.
    uploads.resume().catch(() => undefined)
  }, [uploads])
  return null
}

export function useUploadQueue(): UploadQueue {
  const uploads = useContext(UploadQueueContext)
  if (!uploads) throw new Error('UploadQueueProvider is missing above this component.')
  return uploads
}

export function useUploads(): readonly Upload[] {
  const uploads = useUploadQueue()
  return useSyncExternalStore(uploads.subscribe, uploads.getSnapshot)
}
