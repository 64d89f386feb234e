import { pullEvents } from '../contract/models.ts'
import { createFold, type Fold } from './events.ts'

/** The state of a model download, from its events so far. */
export type Pull = {
  phase: 'running' | 'done' | 'stopped' | 'failed'
  /** The status in Ollama's words: pulling manifest, verifying … */
  status: string
  /** Bytes of all parts named so far. */
  completed: number
  total: number
  parts: Record<string, { completed: number; total: number }>
  error: string | undefined
}

const initial: Pull = { phase: 'running', status: '', completed: 0, total: 0, parts: {}, error: undefined }

export const pullFold: Fold<Pull> = createFold(pullEvents, initial, (pull, { kind, data }) => {
  switch (kind) {
    case 'status': {
      const { status, digest, completed = 0, total } = data
      if (status === 'success') return { ...pull, phase: 'done', status }
      if (!digest || !total) return { ...pull, status }
      const parts = { ...pull.parts, [digest]: { completed, total } }
      const sum = (member: 'completed' | 'total') =>
        Object.values(parts).reduce((bytes, part) => bytes + part[member], 0)
      return { ...pull, status, parts, completed: sum('completed'), total: sum('total') }
    }
    case 'stopped':
      return { ...pull, phase: 'stopped' }
    case 'error': {
      const { error } = data
      return { ...pull, phase: 'failed', error: typeof error === 'string' ? error : error.message }
    }
    case 'resumed':
      return pull
  }
})
