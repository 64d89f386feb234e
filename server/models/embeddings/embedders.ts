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

type Parts = {
  ollama: ModelService
  openai: ModelService | undefined
  catalogue: Catalogue
  cache: VectorCache
  lanes: Schedulers
  log: Log
  embedModel: string | undefined
  /** For one batch; the model may have to be loaded first. */
  timeoutMs: number
}

type Chosen = Exclude<EmbeddingSelection, { provider: 'none' }>

/** Context that texts are given at most: passages are short, and memory is not free. */
const ollamaContext = 2_048
const openAiContext = 8_000

/** The embedding models that can be used, and which of them is. */
export function createEmbedders({
  ollama,
  openai,
  catalogue,
  cache,
  lanes,
  log,
  embedModel,
  timeoutMs,
}: Parts) {
  const made = new Map<string, Embedder>()
  let warned = ''

  const choose = (): Promise<EmbeddingSelection> =>
    selectEmbeddingModel(catalogue, {
      embedModel,
      ollamaAddress: ollama.address,
      hasOpenAi: openai !== undefined,
    })

  async function make(choice: Chosen): Promise<Embedder | undefined> {
    const model = choice.name
    if (choice.provider === 'ollama') {
      const { contextLength } = await catalogue.abilities(choice.installed)
      const numCtx = Math.min(contextLength ?? ollamaContext, ollamaContext)
      const batch = createOllamaEmbed(ollama, model, { numCtx, timeoutMs })
      return createEmbedder({
        provider: 'ollama',
        model,
        remote: ollama.remote,
        textTokens: numCtx,
        batch,
        cache,
        lane: lanes.to(ollama),
      })
    }
    if (!openai) return undefined
    const batch = createOpenAiEmbed(openai, model, { timeoutMs })
    return createEmbedder({
      provider: 'openai',
      model,
      remote: openai.remote,
      textTokens: openAiContext,
      batch,
      cache,
      lane: lanes.to(openai),
    })
  }

  async function embedder(choice: Chosen): Promise<Embedder | undefined> {
    const key = `${choice.provider}/${choice.name}`
    const embedder = made.get(key) ?? (await make(choice))
    if (embedder) made.set(key, embedder)
    return embedder
  }

  return {
    choose,

    /** The embedder in use. One that EMBED_MODEL names and that is not there is warned of, once. */
    async current(signal: AbortSignal): Promise<Embedder | undefined> {
      const choice = await choose()
      signal.throwIfAborted()
      if (choice.provider !== 'none') return embedder(choice)
      if (embedModel !== undefined && warned !== choice.reason) log.warn(choice.reason)
      warned = choice.reason
      return undefined
    },

    /** The embedder of a vector space, while its model is still there: for vectors that were made before another took its place. */
    async forSpace(space: string): Promise<Embedder | undefined> {
      const { provider, name } = parseProvider(space)
      if (provider === 'openai') return await embedder({ provider, name })
      const installed = provider && (await catalogue.find(name, false))
      return installed ? await embedder({ provider, name, installed }) : undefined
    },

    /** How many numbers the vectors of an installed model have; undefined when it does not embed but chats. */
    async dimensions(name: string, signal: AbortSignal): Promise<number | undefined> {
      const installed = await catalogue.find(parseProvider(name).name, true)
      if (!installed) return undefined
      const { capabilities } = await catalogue.abilities(installed)
      if (capabilities.includes('completion')) return undefined
      const its = await embedder({ provider: 'ollama', name: shortName(installed.name), installed })
      const vectors = await its?.embed(
        [`a text that no cache knows: ${crypto.randomUUID()}`],
        'query',
        signal,
      )
      return vectors?.[0]?.length
    },
  }
}
