import type { AvailableModel, ModelInfo } from '../../contract/models.ts'
import type { ActiveModel } from './active-model.ts'
import type { ChatModels } from './chat-models.ts'
import { diagnoseProvider } from './doctor.ts'
import type { Embedders } from './embeddings/embedders.ts'
import { modelNotInstalled, notALocalModel, ollamaUnavailable } from './errors.ts'
import type { InProcess } from './in-process/in-process.ts'
import { isSameModel, shortName, splitId } from './names.ts'
import { deleteModel, unloadModel } from './ollama/api.ts'
import type { ManagedProviders } from './providers/manage.ts'
import type { ProviderModel } from './providers/protocol.ts'
import type { Provider } from './providers/provider.ts'
import type { Providers } from './providers/registry.ts'
import type { Reranker } from './rerank/reranker.ts'
import { isServed, type ModelSelector, type Selection } from './select-model.ts'

/** Lists, tests, activates and deletes the models of all providers. */
export function manageModels({
  active,
  ollama,
  inProcess,
  runtime,
  providers,
  managed,
  selector,
  chatModels,
  embedding,
  findReranker,
  closing,
}: {
  active: ActiveModel
  ollama: Provider
  inProcess: Provider
  runtime: InProcess
  providers: Providers
  managed: ManagedProviders
  selector: ModelSelector
  chatModels: ChatModels
  embedding: Embedders
  findReranker(): Promise<Reranker | undefined>
  closing: AbortSignal
}) {
  const { requireChatModel, selectModel } = chatModels

  /** Finds a model on the disk of this server or of an Ollama server. */
  async function requireInstalled(id: string) {
    const found = await selector.find(id, { refresh: true, isStrict: true })
    if ('problem' in found) throw id === 'extractive' ? notALocalModel(id) : found.problem
    const { provider, model } = found
    if (provider.isOnDisk && model) return { provider, model }
    const state = await ollama.models()
    if (!state.isUp) throw ollamaUnavailable()
    const isListed = !provider.isOnDisk && (await provider.find(found.name, false)) !== undefined
    throw isListed
      ? notALocalModel(id)
      : modelNotInstalled(
          id,
          (state.value ?? []).map((each) => shortName(each.name)),
        )
  }

  /** Deactivates a deleted model. Returns the model that answers instead, if it was active. */
  async function deactivate(isDeleted: (id: string) => boolean): Promise<string | undefined> {
    const id = await active.find()
    if (id === undefined || !isDeleted(id)) return undefined
    await active.clear(id)
    return (await selector.select({})).located.name
  }

  /** Deletes a model that runs in this process, and deactivates it. @throws model_not_found */
  async function deleteInProcess(id: string): Promise<string | undefined> {
    await runtime.delete(id)
    inProcess.invalidate()
    return await deactivate((each) => each === `${inProcess.name}/${id}`)
  }

  return {
    /** Returns the current models for status and readiness. Does not throw when a service is unavailable. */
    async status(signal: AbortSignal) {
      signal.throwIfAborted()
      const [installed, selection, strong, embeds, reranks] = await Promise.all([
        ollama.models(),
        selector.select({}),
        selector.strongModel(),
        embedding.select(),
        findReranker(),
      ])
      return {
        ollama: installed.isUp,
        chat: {
          model: selection.located.name,
          provider: providerOf(selection),
          reason: selection.reason,
        },
        strong,
        embedding:
          'reason' in embeds ? { model: null, reason: embeds.reason } : { model: embeds.name, reason: null },
        rerank: reranks?.status() ?? null,
      }
    },

    /** Removes a provider, and deactivates its model. Returns the model that answers instead, if one was active. */
    async deleteProvider(id: string): Promise<string | undefined> {
      const provider = (await providers.list()).find((each) => each.id === id)
      await managed.delete(id)
      return await deactivate((each) => provider !== undefined && each.startsWith(`${provider.name}/`))
    },

    /** Tests one provider, with `ask` also by a short answer. `id` may be its name. */
    async testProvider(id: string, ask: boolean, signal: AbortSignal) {
      const provider = await managed.require(id)
      const { located } = ask ? await selector.select({}) : { located: undefined }
      const preferred = located?.provider === provider ? located.name : undefined
      const { models, latencyMs, problem, answer } = await diagnoseProvider(
        provider,
        { ask, preferred },
        signal,
      )
      return {
        ok: problem === null,
        models,
        latency_ms: latencyMs,
        ...(problem !== null && { error: problem }),
        ...(answer && {
          answer: {
            model: answer.model,
            first_token_ms: answer.firstTokenMs,
            tokens_per_second: answer.tokensPerSecond,
          },
        }),
      }
    },

    /** Lists the models of all providers by their ids. */
    async available(): Promise<AvailableModel[]> {
      const all = await Promise.all(
        (await providers.list()).map(async (provider) => {
          const state = await provider.models()
          const usable = (state.isUp ? (state.value ?? []) : []).filter(
            (model) => model.capabilities.length > 0,
          )
          return usable.map((model) => ({
            id: `${provider.name}/${nameIn(provider, model.name)}`,
            name: nameIn(provider, model.name),
            provider: provider.name,
            capabilities: model.capabilities,
            context_length: model.contextLength,
            remote: provider.remote,
            ...(model.installed && { loaded: model.installed.loaded, ...memoryOf(model.installed) }),
            ...(model.installed?.size && { size: model.installed.size }),
            ...(provider.prices?.[model.name] && { price: provider.prices[model.name] }),
          }))
        }),
      )
      return all.flat()
    },

    /** Lists all usable models, with a message if something is missing. */
    async list(): Promise<{ models: ModelInfo[]; message: string | null }> {
      await ollama.refresh()
      const selection = await selector.select({})
      const all = await Promise.all(
        (await providers.list()).map(async (provider) => ({ provider, state: await provider.models() })),
      )
      const isActive = (provider: string, name: string) =>
        provider === providerOf(selection) && isSameModel(name, selection.located.name)
      const messages = all.flatMap(({ provider, state }) => {
        if (!state.isUp && provider === ollama) return [ollamaUnavailable().message]
        if (!state.isUp) return state.error instanceof Error ? [state.error.message] : []
        return provider === ollama && state.value?.length === 0
          ? ['Ollama has no model installed; pull one, for example llama3.2:1b.']
          : []
      })
      const described = all.flatMap(({ provider, state }) =>
        (state.isUp ? (state.value ?? []) : [])
          .filter(({ capabilities, installed }) => installed || capabilities.length > 0)
          .map(({ name, installed, capabilities, contextLength }) => ({
            // The name of an added provider may also be that of a model.
            name: provider.id === null ? name : `${provider.name}/${name}`,
            provider: provider.name,
            size: installed?.size ?? null,
            modified_at: installed?.modifiedAt ?? null,
            digest: installed?.digest ?? null,
            capabilities: installed?.capabilities ?? [
              capabilities.includes('embed') ? 'embedding' : 'completion',
            ],
            context_length: contextLength,
            loaded: installed?.loaded ?? true,
            ...(installed && memoryOf(installed)),
            active: isActive(provider.name, name),
          })),
      )
      const builtIn = {
        name: 'extractive',
        provider: 'extractive',
        size: null,
        modified_at: null,
        digest: null,
        capabilities: ['completion'],
        context_length: null,
        loaded: true,
        active: isActive('extractive', 'extractive'),
      }
      return {
        models: [...described, builtIn],
        message: messages.length === 0 ? null : messages.join(' '),
      }
    },

    /** Returns the model that answers by default. */
    async active(): Promise<{ model: string; provider: string; reason: string }> {
      const selection = await selector.select({})
      return { model: selection.located.name, provider: providerOf(selection), reason: selection.reason }
    },

    /** Activates a model. Throws an error that lists the available models if it is not available. */
    async setActive(name: string) {
      const located = await requireChatModel(name)
      const isOfOllama = isServed(located) && located.provider === ollama
      await active.save(
        isServed(located) && !isOfOllama ? `${located.provider.name}/${located.name}` : bareName(name),
      )
      return this.active()
    },

    /** Deletes an installed model, and deactivates it. Returns the model that answers instead, if it was active. */
    async delete(name: string): Promise<string | undefined> {
      const { provider, model } = await requireInstalled(name)
      if (provider === inProcess) return await deleteInProcess(model.name)
      await deleteModel(provider.service, model.name, closing)
      provider.invalidate()
      const id = provider === ollama ? model.name : `${provider.name}/${model.name}`
      return await deactivate((each) => isSameModel(each, id))
    },

    /** Unloads a model from memory. */
    async unload(name: string): Promise<void> {
      const { provider, model } = await requireInstalled(name)
      if (provider === inProcess) return await runtime.unload()
      const isEmbedding = !model.capabilities.includes('chat')
      await unloadModel(provider.service, model.name, isEmbedding, closing)
    },

    /** Requests a short output to check that a model works. */
    async test(name: string, signal: AbortSignal): Promise<string> {
      const dimensions = await embedding.dimensions(name, signal)
      if (dimensions !== undefined) return `Embedding model with ${dimensions} dimensions.`
      await requireChatModel(name)
      const { model } = await selectModel({ requested: name, signal })
      const question = 'Say hello in one short sentence.'
      let output = ''
      const request = {
        messages: [{ role: 'user' as const, content: question }],
        maxTokens: 200,
        grounding: { question: 'Hello', passages: [], answerable: null },
      }
      for await (const part of model.stream(request, signal)) if (part.type === 'text') output += part.text
      return output.trim()
    },

    deleteInProcess,
  }
}

const providerOf = ({ located }: Selection): string => located.provider?.name ?? located.name

const memoryOf = ({ memory, gpuMemory }: NonNullable<ProviderModel['installed']>) => ({
  ...(memory !== undefined && { memory }),
  ...(gpuMemory !== undefined && { gpu_memory: gpuMemory }),
})

const nameIn = ({ kind }: Provider, name: string) => (kind === 'ollama' ? shortName(name) : name)

const bareName = (id: string) => (splitId(id).provider === 'ollama' ? splitId(id).name : id)
