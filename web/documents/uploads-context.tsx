import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Upload, Uploads } from './uploads.ts'

const UploadsContext = createContext<Uploads | undefined>(undefined)

/** Makes the page's uploads known below. */
export function UploadsProvider({ uploads, children }: { uploads: Uploads; children: ReactNode }) {
  return <UploadsContext value={uploads}>{children}</UploadsContext>
}

/** Finds the uploads of the time before a reload, once it is known who is there. */
export function FindUploads() {
  const uploads = useUploads()
  useEffect(() => {
    // Finding none is as good as finding out later: the documents' list tells what is there.
    uploads.resume().catch(() => undefined)
  }, [uploads])
  return null
}

export function useUploads(): Uploads {
  const uploads = useContext(UploadsContext)
  if (!uploads) throw new Error('UploadsProvider is missing above this component.')
  return uploads
}

/** What is on its way into one avee's documents, and what has no known avee. */
export function useUploadsOf(aveeId: string | undefined): Upload[] {
  const uploads = useUploads()
  const all = useSyncExternalStore(uploads.subscribe, uploads.getSnapshot)
  return all.filter((upload) => upload.aveeId === undefined || upload.aveeId === aveeId)
}
