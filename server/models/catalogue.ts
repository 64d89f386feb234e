import type { ModelInfo } from '../../contract/models.ts'
import type { Log } from '../log.ts'
import { isSameModel, looksLikeChatModel, looksLikeEmbeddingModel } from './names.ts'
import { type InstalledModel, listInstalled, listLoaded, type ModelDetails, showModel } from './ollama/api.ts'
import { listServed, type ServedModel } from './openai-compatible/api.ts'
import type { ModelService } from './upstream/service.ts'
import { cacheServiceState } from './upstream/service-state.ts'

const asksAtOnce = 8
/** How long a guess stands in for what Ollama did not say. */
const guessMs = 30_000

type Parts = { ollama: ModelService; openai: ModelService | undefined; closing: AbortSignal; log: Log }

/** What is there to answer and embed with. Looks are shared, short, kept for seconds, and never end in an exception. */
export function createCatalogue({ ollama, openai, closing, log }: Parts) {
  const known = new Map<string, Promise<ModelDetails>>()
  const installed = cacheServiceState(() => listInstalled(ollama, closing), { up: 5_000, away: 5_000 })
  const served = openai && cacheServiceState(() => listServed(openai, closing), { up: 300_000, away: 10_000 })

  /** What an installed model can do; by its name where Ollama does not say. */
  function abilities(model: InstalledModel): Promise<ModelDetails> {
    const key = `${model.name} ${model.digest}`
    const before = known.get(key)
    if (before) return before
    const found = showModel(ollama, model, closing).catch((error: unknown): ModelDetails => {
      log.warn({ err: error, model: model.name }, 'Ollama does not say what this model can do')
      setTimeout(() => known.delete(key), guessMs).unref()
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

    /** Ollama's models, or why there are none. */
    installed: () => installed.get(),
    /** The same, looked at anew. */
    look: () => installed.now(),
    /** The models that the OpenAI-compatible service lists; `undefined` in it when it has no list. */
    served: () => served?.get(),

    /** The installed model of that name. With `insist`, Ollama is asked anew before the answer is no. */
    async find(name: string, insist: boolean): Promise<InstalledModel | undefined> {
      const among = (models: InstalledModel[]) => models.find((model) => isSameModel(model.name, name))
      const seen = await installed.get()
      const found = seen.up ? among(seen.told) : undefined
      if (found || !insist) return found
      const again = await installed.now()
      return again.up ? among(again.told) : undefined
    },

    /** Installed models that can do something, in Ollama's order: newest first. */
    async listByCapability(capability: 'completion' | 'embedding'): Promise<InstalledModel[]> {
      const seen = await installed.get()
      if (!seen.up) return []
      const all = await mapSome(seen.told, abilities)
      return seen.told.filter((_, i) => all[i]?.capabilities.includes(capability))
    },

    /** Everything, for the list. `active` is left to the caller. */
    async list(): Promise<Omit<ModelInfo, 'active'>[]> {
      const [local, remote] = await Promise.all([installed.now(), served?.get()])
      return [
        ...(local.up ? await describeInstalled(local.told) : []),
        ...(remote?.up ? (remote.told ?? []).filter(isOfUse).map(describeServed) : []),
        extractiveInfo,
      ]
    },

    /** Something was pulled or deleted. */
    invalidate(): void {
      installed.forget()
    },
  }

  async function describeInstalled(models: InstalledModel[]) {
    const [all, loaded] = await Promise.all([
      mapSome(models, abilities),
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

const isOfUse = ({ name }: ServedModel) => looksLikeChatModel(name) || looksLikeEmbeddingModel(name)

const describeServed = ({ name, contextLength }: ServedModel) => ({
  name,
  provider: 'openai' as const,
  size: null,
  modified_at: null,
  digest: null,
  capabilities: [looksLikeEmbeddingModel(name) ? 'embedding' : 'completion'],
  context_length: contextLength,
  loaded: true,
})

const extractiveInfo = {
  name: 'extractive',
  provider: 'extractive' as const,
  size: null,
  modified_at: null,
  digest: null,
  capabilities: ['completion'],
  context_length: null,
  loaded: true,
}

/** A few at a time, in order. */
async function mapSome<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += asksAtOnce)
    results.push(...(await Promise.all(items.slice(start, start + asksAtOnce).map(work))))
  return results
}
