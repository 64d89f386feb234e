import { toAppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { createTelemetry, type Telemetry } from '../../telemetry/index.ts'
import { shortName, splitId } from '../names.ts'
import type { Embedder } from '../port.ts'
import type { ProviderModel } from '../providers/protocol.ts'
import type { Provider } from '../providers/provider.ts'
import type { Schedulers } from '../scheduler.ts'
import type { createModelSelector, ServedModel } from '../select-model.ts'
import type { VectorCache } from './cache.ts'
import { createEmbedder, type EmbedBatch } from './embedder.ts'
import { type EmbeddingSelection, selectEmbeddingModel } from './select-model.ts'

/** The length that Ollama shortens digests to. */
const digestCharacters = 12

type EmbedderDependencies = {
  providers(): Promise<Provider[]>
  find: ReturnType<typeof createModelSelector>['find']
  cache: VectorCache
  schedulers: Schedulers
  log: Log
  embedModel: string | undefined
  /** Timeout of one batch, including loading the model. */
  timeoutMs: number
  telemetry?: Telemetry
}

/** Creates and caches embedders, and selects the current one. */
export function createEmbedders({
  providers,
  find,
  cache,
  schedulers,
  log,
  embedModel,
  timeoutMs,
  telemetry = createTelemetry(),
}: EmbedderDependencies) {
  const embedders = new WeakMap<Provider, Map<string, Embedder>>()
  let loggedReason = ''

  const select = async (): Promise<EmbeddingSelection> =>
    selectEmbeddingModel(await providers(), find, embedModel)

  function getOrCreate({ provider, name, model }: ServedModel): Embedder | undefined {
    const known = embedders.get(provider) ?? new Map<string, Embedder>()
    embedders.set(provider, known)
    const space = spaceOf(provider, name, model)
    const found = known.get(space)
    const connection = found ? undefined : provider.embed?.(name, model, timeoutMs)
    if (!connection) return found
    const { service } = provider
    const names = { operation: 'embeddings', provider: provider.name, model: name }
    const batch: EmbedBatch = (texts, signal) =>
      telemetry.measure('model_request', names, () => connection.batch(texts, signal))
    const embedder = createEmbedder({ space, service, model: name, ...connection, batch, cache, schedulers })
    known.set(space, embedder)
    return embedder
  }

  return {
    select,

    /** Returns the current embedder. Logs one warning if the model in EMBED_MODEL is not available. */
    async current(signal: AbortSignal): Promise<Embedder | undefined> {
      const selection = await select()
      signal.throwIfAborted()
      if (!('reason' in selection)) return getOrCreate(selection)
      if (embedModel !== undefined && loggedReason !== selection.reason) log.warn(selection.reason)
      loggedReason = selection.reason
      return undefined
    },

    /** Returns the embedder of a vector space if its model is available, for vectors of a previous embedding model. */
    async forSpace(space: string): Promise<Embedder | undefined> {
      const { provider: providerName, name } = splitId(space)
      const provider = (await providers()).find((each) => each.name === providerName)
      if (!provider?.isOnDisk)
        return provider && getOrCreate({ provider, name, model: await provider.find(name, false) })
      const listed = await provider.withCapability('embed')
      const model = listed.find((each) => spaceOf(provider, shortName(each.name), each) === space)
      return model && getOrCreate({ provider, name: shortName(model.name), model })
    },

    /**
     * Returns the embedder of a model by its id or name; undefined for a missing model or one that does not embed.
     * @throws model_ambiguous, or the error of an unavailable service
     */
    async named(id: string): Promise<Embedder | undefined> {
      const found = await find(id, { refresh: true, isStrict: true })
      if ('problem' in found) {
        if (found.problem.status === 404) return undefined
        throw found.problem
      }
      const state = found.model ? undefined : await found.provider.models()
      if (state?.isUp === false) throw toAppError(state.error)
      return found.model?.capabilities.includes('embed') ? getOrCreate(found) : undefined
    },

    /** Returns the dimensions of an embedding model on disk; undefined for other models. */
    async dimensions(id: string, signal: AbortSignal): Promise<number | undefined> {
      const found = await find(id, { refresh: true, isStrict: true })
      if ('problem' in found || !found.provider.isOnDisk) return undefined
      const { provider, model } = found
      if (!model || model.capabilities.includes('chat')) return undefined
      const embedder = getOrCreate({ provider, name: shortName(model.name), model })
      const vectors = await embedder?.embed([`uncached text ${crypto.randomUUID()}`], 'query', signal)
      return vectors?.[0]?.length
    },
  }
}
/**
 * Replacing a model by another version with the same name changes the space, except for services, which do not report
 * versions.
 */
function spaceOf(provider: Provider, name: string, model: ProviderModel | undefined): string {
  const digest = model?.installed?.digest?.replace(/^sha256:/, '').slice(0, digestCharacters)
  return `${provider.name}/${name}${digest ? `@${digest}` : ''}`
}

export type Embedders = ReturnType<typeof createEmbedders>
