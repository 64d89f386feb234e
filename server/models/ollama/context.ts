import { isSameModel } from '../names.ts'
import type { ModelService } from '../upstream/service.ts'
import { listLoaded } from './api.ts'

/**
 * Enough for passages, history and answer; the KV cache of a 7B model of this size fits on a graphics card with 8 GB.
 */
const defaultContextTokens = 8_192

/**
 * Determines the context window that each model is loaded with. It is constant while the server runs, because another
 * value makes Ollama reload the model. A model that is already loaded with a larger window keeps it.
 */
export function createOllamaContexts(service: ModelService, configured: number | undefined) {
  const contexts = new Map<string, number>()
  return {
    /** `maximum` is the context length that the model was trained for. */
    async get(model: string, maximum: number | null, signal: AbortSignal): Promise<number> {
      const cached = contexts.get(model)
      if (cached !== undefined) return cached
      const loaded = configured === undefined ? await listLoaded(service, signal).catch(() => []) : []
      signal.throwIfAborted()
      const current = loaded.find(({ name }) => isSameModel(name, model))?.context_length ?? 0
      const context = Math.min(
        configured ?? Math.max(defaultContextTokens, current),
        maximum ?? Number.POSITIVE_INFINITY,
      )
      contexts.set(model, context)
      return context
    },
    /** Reduces the window to the limit in the error of a rejected prompt. */
    lower(name: string, limit: number): void {
      contexts.set(name, Math.min(limit, contexts.get(name) ?? limit))
    },
  }
}
