import type { IngestResult } from '../../contract/knowledge.ts'
import { isError } from './answer.ts'
import type { Fold } from './run-store.ts'

export type IngestStage = 'parse' | 'chunk' | 'embed' | 'store'

/** One file of an upload: on its way, or with its result. */
export type IngestFile = {
  name: string
  message: string
  stage: IngestStage | undefined
  /** 0 to 1 within the stage; undefined when the stage does not tell. */
  progress: number | undefined
  result: IngestResult | undefined
}

/** What a run of kind `ingest` has told so far. */
export type Ingest = {
  phase: 'running' | 'done' | 'stopped' | 'failed'
  files: IngestFile[]
  /** How many files there are, where it is told beforehand: of a website. */
  total: number | undefined
  error: { code: string; message: string } | undefined
}

/** Adds the events of an upload up. */
export const ingestFold: Fold<Ingest> = {
  initial: { phase: 'running', files: [], total: undefined, error: undefined },
  add: addToIngest,
}

function addToIngest(ingest: Ingest, data: Record<string, unknown>): Ingest {
  if (isError(data['error'])) return { ...ingest, phase: 'failed', error: data['error'] }
  if (data['event'] === 'stopped') return { ...ingest, phase: 'stopped' }
  if (data['done'] === true) return { ...ingest, phase: 'done' }
  const result = data['result'] as IngestResult | undefined
  if (result) {
    return withFile(ingest, result.filename, {
      message: result.message,
      stage: undefined,
      progress: undefined,
      result,
    })
  }
  const { message, stage, file, completed, total } = data as {
    message?: string
    stage?: IngestStage
    file?: string
    completed?: number
    total?: number
  }
  if (!file) return total === undefined ? ingest : { ...ingest, total }
  return withFile(ingest, file, {
    message: message ?? '',
    stage,
    progress: completed !== undefined && total ? Math.min(1, completed / total) : undefined,
    result: undefined,
  })
}

function withFile(ingest: Ingest, name: string, change: Omit<IngestFile, 'name'>): Ingest {
  const open = ingest.files.findIndex((file) => file.name === name && !file.result)
  const files =
    open === -1 ? [...ingest.files, { name, ...change }] : ingest.files.with(open, { name, ...change })
  return { ...ingest, files }
}
