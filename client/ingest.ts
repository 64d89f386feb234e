import { type IngestResult, ingestEvents } from '../contract/knowledge.ts'
import { createFold, type Fold } from './events.ts'

export type IngestStage = 'parse' | 'chunk' | 'embed' | 'store'

/** One file of an upload: in progress, or with its result. */
export type IngestFile = {
  name: string
  message: string
  stage: IngestStage | undefined
  /** 0 to 1 within the stage; undefined if the stage reports no progress. */
  progress: number | undefined
  result: IngestResult | undefined
}

/** The state of an upload, from its events so far. */
export type Ingest = {
  phase: 'running' | 'done' | 'stopped' | 'failed'
  files: IngestFile[]
  /** The number of files, if it is known beforehand, as for a website. */
  total: number | undefined
  error: { code: string; message: string } | undefined
}

const initial: Ingest = { phase: 'running', files: [], total: undefined, error: undefined }

export const ingestFold: Fold<Ingest> = createFold(ingestEvents, initial, (ingest, { kind, data }) => {
  switch (kind) {
    case 'message': {
      const { message, stage, file, completed, total } = data
      if (file === undefined) return total === undefined ? ingest : { ...ingest, total }
      const progress = completed !== undefined && total ? Math.min(1, completed / total) : undefined
      return withFile(ingest, file, { message, stage, progress, result: undefined })
    }
    case 'result': {
      const { result } = data
      const { filename, message } = result
      return withFile(ingest, filename, { message, stage: undefined, progress: undefined, result })
    }
    case 'done':
      return { ...ingest, phase: 'done' }
    case 'stopped':
      return { ...ingest, phase: 'stopped' }
    case 'error':
      return { ...ingest, phase: 'failed', error: data.error }
    case 'resumed':
      return ingest
  }
})

/** Updates the file in progress of that name, or adds one: an upload may contain a name twice. */
function withFile(ingest: Ingest, name: string, change: Omit<IngestFile, 'name'>): Ingest {
  const index = ingest.files.findIndex((file) => file.name === name && !file.result)
  const files =
    index === -1 ? [...ingest.files, { name, ...change }] : ingest.files.with(index, { name, ...change })
  return { ...ingest, files }
}
