import type { Fold } from './run-store.ts'

/** What a run of kind `pull` has told so far. */
export type Pull = {
  phase: 'running' | 'done' | 'stopped' | 'failed'
  /** The model service's own words: pulling manifest, verifying … */
  status: string
  /** Bytes over all layers that were named so far. */
  completed: number
  total: number
  layers: Record<string, { completed: number; total: number }>
  error: string | undefined
}

/** Adds the events of a model download up. */
export const pullFold: Fold<Pull> = {
  initial: { phase: 'running', status: '', completed: 0, total: 0, layers: {}, error: undefined },
  add: addToPull,
}

function addToPull(pull: Pull, data: Record<string, unknown>): Pull {
  const error = data['error']
  if (error !== undefined) {
    const told = typeof error === 'string' ? error : (error as { message?: string } | null)?.message
    return { ...pull, phase: 'failed', error: told ?? 'The download failed.' }
  }
  if (data['event'] === 'stopped') return { ...pull, phase: 'stopped' }
  const { status, digest, completed, total } = data as {
    status?: string
    digest?: string
    completed?: number
    total?: number
  }
  if (status === 'success') return { ...pull, phase: 'done', status }
  if (!digest || !total) return { ...pull, status: status ?? pull.status }
  const layers = { ...pull.layers, [digest]: { completed: completed ?? 0, total } }
  const sums = Object.values(layers)
  return {
    ...pull,
    status: status ?? pull.status,
    layers,
    completed: sums.reduce((sum, layer) => sum + layer.completed, 0),
    total: sums.reduce((sum, layer) => sum + layer.total, 0),
  }
}
