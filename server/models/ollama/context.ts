import { isSameModel } from '../names.ts'
import type { ModelService } from '../upstream/service.ts'
import { type InstalledModel, listLoaded, type ModelDetails } from './api.ts'

/** Enough for passages, history and answer, and small enough for a graphics card of 8 GB with a 7B model. */
const defaultContextTokens = 8_192

/**
 * The context that each model is loaded with: one value per model for as long as the server runs, because another one
 * would make Ollama load the model anew. A model that somebody has loaded with more is taken as it is.
 */
export function createOllamaContexts(
  service: ModelService,
  configured: number | undefined,
  abilities: (model: InstalledModel) => Promise<ModelDetails>,
) {
  const settled = new Map<string, number>()
  return {
    async of(model: InstalledModel, signal: AbortSignal): Promise<number> {
      const before = settled.get(model.name)
      if (before !== undefined) return before
      const [{ contextLength }, loaded] = await Promise.all([
        abilities(model),
        configured === undefined ? listLoaded(service, signal).catch(() => []) : [],
      ])
      signal.throwIfAborted()
      const now = loaded.find(({ name }) => isSameModel(name, model.name))?.contextLength ?? 0
      const context = Math.min(
        configured ?? Math.max(defaultContextTokens, now),
        contextLength ?? Number.POSITIVE_INFINITY,
      )
      settled.set(model.name, context)
      return context
    },
    /** A refusal named this as the most that the model reads. */
    lower(name: string, limit: number): void {
      settled.set(name, Math.min(limit, settled.get(name) ?? limit))
    },
  }
}
