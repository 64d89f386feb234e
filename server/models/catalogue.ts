import type { ModelInfo } from '../../contract/models.ts'
import type { Log } from '../log.ts'
import { isSameModel, looksLikeChatModel, looksLikeEmbeddingModel } from './names.ts'
import { type InstalledModel, listInstalled, listLoaded, type ModelDetails, showModel } from './ollama/api.ts'
import { listServed, type ServedModel } from './openai-compatible/api.ts'
import type { ModelService } from './upstream/service.ts'
import { cacheServiceState } from './upstream/service-state.ts'

const maxConcurrentRequests = 8
/** Time after which a model that Ollama could not describe is requested again. */
const guessTtlMs = 30_000

type CatalogueDependencies = {
  ollama: ModelService
  openai: ModelService | undefined
  closing: AbortSignal
  log: Log
}

/** Lists the available models. Requests to services are shared, cached for seconds and never throw. */
export function createCatalogue({ ollama, openai, closing, log }: CatalogueDependencies) {
  const known = new Map<string, Promise<ModelDetails>>()
  const installed = cacheServiceState(() => listInstalled(ollama, closing), { up: 5_000, down: 5_000 })
  const served = openai && cacheServiceState(() => listServed(openai, closing), { up: 300_000, down: 10_000 })

  /** Returns the details of an installed model, guessed from its name if Ollama does not report them. */
  function abilities(model: InstalledModel): Promise<ModelDetails> {
    const key = `${model.name} ${model.digest}`
    const cached = known.get(key)
    if (cached) return cached
    const found = showModel(ollama, model, closing).catch((error: unknown): ModelDetails => {
      log.warn({ err: error, model: model.name }, 'Ollama did not report the capabilities of this model')
      setTimeout(() => known.delete(key), guessTtlMs).unref()
      return {
        capabilities: [looksLikeEmbeddingModel(model.name) ? 'embedding' : 'completion'],
        contextLength: null,
      }
    })
    known.set(key, found)
    return found
  }

  return {
    abilities,

    /** Returns Ollama's models, or the error. */
    installed: () => installed.get(),
    /** Returns the same without the cache. */
    refreshInstalled: () => installed.refresh(),
    /** Returns the models of the OpenAI-compatible service; the value is undefined if it has no list. */
    served: () => served?.get(),

    /** Finds an installed model by name. `refresh` requests a new list before it reports a model as missing. */
    async find(name: string, refresh: boolean): Promise<InstalledModel | undefined> {
      const among = (models: InstalledModel[]) => models.find((model) => isSameModel(model.name, name))
      const seen = await installed.get()
      const found = seen.isUp ? among(seen.value) : undefined
      if (found || !refresh) return found
      const again = await installed.refresh()
      return again.isUp ? among(again.value) : undefined
    },

    /** Lists the installed models with a capability, in Ollama's order: newest first. */
    async listByCapability(capability: 'completion' | 'embedding'): Promise<InstalledModel[]> {
      const seen = await installed.get()
      if (!seen.isUp) return []
      const all = await mapConcurrently(seen.value, abilities)
      return seen.value.filter((_, i) => all[i]?.capabilities.includes(capability))
    },

    /** Lists all models. The caller adds `active`. */
    async list(): Promise<Omit<ModelInfo, 'active'>[]> {
      const [local, remote] = await Promise.all([installed.refresh(), served?.get()])
      return [
        ...(local.isUp ? await describeInstalled(local.value) : []),
        ...(remote?.isUp ? (remote.value ?? []).filter(isUsable).map(describeServed) : []),
        extractiveInfo,
      ]
    },

    /** Discards the cached list after a pull or a deletion. */
    invalidate(): void {
      installed.clear()
    },
  }

  async function describeInstalled(models: InstalledModel[]) {
    const [all, loaded] = await Promise.all([
      mapConcurrently(models, abilities),
      listLoaded(ollama, closing).catch(() => []),
    ])
    return models.map((model, i) => ({
      name: model.name,
      provider: 'ollama' as const,
      size: model.size ?? null,
      modified_at: model.modified_at ?? null,
      digest: model.digest ?? null,
      capabilities: all[i]?.capabilities ?? [],
      context_length: all[i]?.contextLength ?? null,
      loaded: loaded.some(({ name }) => isSameModel(name, model.name)),
    }))
  }
}
export type Catalogue = ReturnType<typeof createCatalogue>

const isUsable = ({ name }: ServedModel) => looksLikeChatModel(name) || looksLikeEmbeddingModel(name)

const notOnDisk = { size: null, modified_at: null, digest: null, loaded: true }

const describeServed = ({ name, contextLength }: ServedModel) => ({
  ...notOnDisk,
  name,
  provider: 'openai' as const,
  capabilities: [looksLikeEmbeddingModel(name) ? 'embedding' : 'completion'],
  context_length: contextLength,
})

const extractiveInfo = {
  ...notOnDisk,
  name: 'extractive',
  provider: 'extractive' as const,
  capabilities: ['completion'],
  context_length: null,
}

/** Maps items in batches and keeps their order. */
async function mapConcurrently<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += maxConcurrentRequests)
    results.push(...(await Promise.all(items.slice(start, start + maxConcurrentRequests).map(work))))
  return results
}
