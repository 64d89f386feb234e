import { fromOllama, isSameModel, looksLikeEmbeddingModel, shortName } from '../names.ts'
import type { ProtocolDependencies, ProviderModel, ProviderProtocol } from '../providers/protocol.ts'
import { type InstalledModel, listInstalled, listLoaded, type ModelDetails, showModel } from './api.ts'
import { createOllamaChat } from './chat.ts'
import { createOllamaContexts } from './context.ts'
import { createOllamaEmbed } from './embed.ts'

const maxConcurrentRequests = 8
/** Time after which the details of a model are requested again if Ollama could not provide them. */
const guessTtlMs = 30_000
/** Passages are shorter than this, and a larger context window takes more memory. */
const embeddingContextTokens = 2_048

/** The models of an Ollama server, newest first. */
export function createOllamaProtocol(dependencies: ProtocolDependencies): ProviderProtocol {
  const { provider, service, closing, log, timeouts, tokens } = dependencies
  const known = new Map<string, Promise<ModelDetails>>()
  const contexts = createOllamaContexts(service, dependencies.contextTokens)

  /** Returns the details of an installed model, guessed from its name if Ollama does not report them. */
  function describe(model: InstalledModel): Promise<ModelDetails> {
    const key = `${model.name} ${model.digest}`
    const cached = known.get(key)
    if (cached) return cached
    const found = showModel(service, model, closing).catch((error: unknown): ModelDetails => {
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
    freshMs: { up: 5_000, down: 5_000 },

    async list(): Promise<ProviderModel[]> {
      const installed = await listInstalled(service, closing)
      const [all, loaded] = await Promise.all([
        mapConcurrently(installed, describe),
        listLoaded(service, closing).catch(() => []),
      ])
      return installed.map((model, i) => {
        const inMemory = loaded.find(({ name }) => isSameModel(name, model.name))
        return {
          name: model.name,
          capabilities: fromOllama(all[i]?.capabilities ?? []),
          contextLength: all[i]?.contextLength ?? null,
          installed: {
            size: model.size ?? null,
            modifiedAt: model.modified_at ?? null,
            digest: model.digest ?? null,
            loaded: inMemory !== undefined,
            memory: inMemory?.size ?? undefined,
            gpuMemory: inMemory?.size_vram ?? undefined,
            capabilities: all[i]?.capabilities ?? [],
          },
        }
      })
    },

    chat: (name, model) =>
      createOllamaChat({
        provider,
        service,
        name: shortName(name),
        timeouts,
        tokens,
        capabilities: model?.capabilities ?? ['chat', 'json'],
        numCtx: (signal) => contexts.get(name, model?.contextLength ?? null, signal),
        onContextLimit: (limit) => contexts.lower(name, limit),
      }),

    embed(name, model, timeoutMs) {
      const numCtx = Math.min(model?.contextLength ?? embeddingContextTokens, embeddingContextTokens)
      return { textTokens: numCtx, batch: createOllamaEmbed(service, shortName(name), { numCtx, timeoutMs }) }
    },
  }
}

/** Maps items in batches and keeps their order. */
async function mapConcurrently<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += maxConcurrentRequests)
    results.push(...(await Promise.all(items.slice(start, start + maxConcurrentRequests).map(work))))
  return results
}
