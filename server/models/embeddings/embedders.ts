import type { Log } from '../../log.ts'
import type { Catalogue } from '../catalogue.ts'
import { parseProvider, shortName } from '../names.ts'
import { createOllamaEmbed } from '../ollama/embed.ts'
import { createOpenAiEmbed } from '../openai-compatible/embed.ts'
import type { Embedder } from '../port.ts'
import type { Schedulers } from '../scheduler.ts'
import type { ModelService } from '../upstream/service.ts'
import type { VectorCache } from './cache.ts'
import { createEmbedder } from './embedder.ts'
import { type EmbeddingSelection, selectEmbeddingModel } from './select-model.ts'

type EmbedderDependencies = {
  ollama: ModelService
  openai: ModelService | undefined
  catalogue: Catalogue
  cache: VectorCache
  schedulers: Schedulers
  log: Log
  embedModel: string | undefined
  /** Timeout of one batch, including loading the model. */
  timeoutMs: number
}

type SelectedEmbedding = Exclude<EmbeddingSelection, { provider: 'none' }>

/** Passages are shorter than this; a larger context window only takes memory. */
const ollamaContextTokens = 2_048
/** Below the 8,191 input tokens of OpenAI's embedding models (API reference, "Create embeddings"). */
const openAiContextTokens = 8_000

/** Creates and caches embedders, and selects the current one. */
export function createEmbedders({
  ollama,
  openai,
  catalogue,
  cache,
  schedulers,
  log,
  embedModel,
  timeoutMs,
}: EmbedderDependencies) {
  const embedders = new Map<string, Embedder>()
  let loggedReason = ''

  const select = (): Promise<EmbeddingSelection> =>
    selectEmbeddingModel(catalogue, {
      embedModel,
      hasOpenAi: openai !== undefined,
    })

  async function create(selection: SelectedEmbedding): Promise<Embedder | undefined> {
    const model = selection.name
    if (selection.provider === 'openai') {
      if (!openai) return undefined
      const batch = createOpenAiEmbed(openai, model, { timeoutMs })
      return createEmbedder({
        service: openai,
        model,
        textTokens: openAiContextTokens,
        batch,
        cache,
        schedulers,
      })
    }
    const { contextLength } = await catalogue.abilities(selection.installed)
    const numCtx = Math.min(contextLength ?? ollamaContextTokens, ollamaContextTokens)
    const batch = createOllamaEmbed(ollama, model, { numCtx, timeoutMs })
    return createEmbedder({ service: ollama, model, textTokens: numCtx, batch, cache, schedulers })
  }

  async function getOrCreate(selection: SelectedEmbedding): Promise<Embedder | undefined> {
    const key = `${selection.provider}/${selection.name}`
    const embedder = embedders.get(key) ?? (await create(selection))
    if (embedder) embedders.set(key, embedder)
    return embedder
  }

  return {
    select,

    /** Returns the current embedder. Logs one warning if the model that EMBED_MODEL names is not available. */
    async current(signal: AbortSignal): Promise<Embedder | undefined> {
      const selection = await select()
      signal.throwIfAborted()
      if (selection.provider !== 'none') return getOrCreate(selection)
      if (embedModel !== undefined && loggedReason !== selection.reason) log.warn(selection.reason)
      loggedReason = selection.reason
      return undefined
    },

    /** Returns the embedder of a vector space if its model is available, for vectors of a previous embedding model. */
    async forSpace(space: string): Promise<Embedder | undefined> {
      const { provider, name } = parseProvider(space)
      if (provider === 'openai') return await getOrCreate({ provider, name })
      const installed = provider && (await catalogue.find(name, false))
      return installed ? await getOrCreate({ provider, name, installed }) : undefined
    },

    /** Returns the dimensions of an installed embedding model; undefined for other models. */
    async dimensions(name: string, signal: AbortSignal): Promise<number | undefined> {
      const installed = await catalogue.find(parseProvider(name).name, true)
      if (!installed) return undefined
      const { capabilities } = await catalogue.abilities(installed)
      if (capabilities.includes('completion')) return undefined
      const found = await getOrCreate({ provider: 'ollama', name: shortName(installed.name), installed })
      const vectors = await found?.embed([`uncached text ${crypto.randomUUID()}`], 'query', signal)
      return vectors?.[0]?.length
    },
  }
}
