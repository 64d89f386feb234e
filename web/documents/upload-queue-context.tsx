import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Upload, UploadQueue } from './upload-queue.ts'

const UploadQueueContext = createContext<UploadQueue | undefined>(undefined)

/** Makes the page's uploads known below. */
export function UploadQueueProvider({ uploads, children }: { uploads: UploadQueue; children: ReactNode }) {
  return <UploadQueueContext value={uploads}>{children}</UploadQueueContext>
}

/** Finds the uploads of the time before a reload, once it is known who is there. */
export function ResumeUploads() {
  const uploads = useUploadQueue()
  useEffect(() => {
    // Finding none is as good as finding out later: the documents' list tells what is there.
    uploads.resume().catch(() => undefined)
  }, [uploads])
  return null
}

export function useUploadQueue(): UploadQueue {
  const uploads = useContext(UploadQueueContext)
  if (!uploads) throw new Error('UploadQueueProvider is missing above this component.')
  return uploads
}

/** What is on its way into one avee's documents, and what has no known avee. */
export function useAveeUploads(aveeId: string | undefined): Upload[] {
  const uploads = useUploadQueue()
  const all = useSyncExternalStore(uploads.subscribe, uploads.getSnapshot)
  return all.filter((upload) => upload.aveeId === undefined || upload.aveeId === aveeId)
}
