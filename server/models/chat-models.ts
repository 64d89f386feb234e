import type { Database } from '../db/index.ts'
import type { Telemetry } from '../telemetry/index.ts'
import { checkRequest, withPages } from './check-request.ts'
import { modelNotInstalled, providerRemoved } from './errors.ts'
import { createExtractiveModel } from './extractive/extractive.ts'
import { defaultFallbacks, findFallback } from './fallbacks.ts'
import { guideTools } from './guided-tools.ts'
import { isLocalOnly } from './local-only.ts'
import { measureModel } from './measure-model.ts'
import type { ChatModel, ChatRequest, ModelPart, SelectedModel, TokenUsage } from './port.ts'
import { isBroken, isUnavailable } from './providers/health.ts'
import type { Provider } from './providers/provider.ts'
import type { Providers } from './providers/registry.ts'
import type { Schedulers } from './scheduler.ts'
import {
  idOf,
  isServed,
  type ModelSelector,
  type SelectionOptions,
  type ServedModel,
} from './select-model.ts'
import { findFallbacks, saveFallbacks } from './store.ts'
import type { TokenCounter } from './tokens.ts'

/** Selects the chat models that answer, and replaces those that cannot be reached. */
export function createChatModels({
  database,
  providers,
  selector,
  schedulers,
  tokens,
  telemetry,
  background,
}: {
  database: Database
  providers: Providers
  selector: ModelSelector
  schedulers: Schedulers
  tokens: TokenCounter
  telemetry: Telemetry
  background: { isEnabled: boolean; idleMs: number | undefined }
}) {
  const extractiveModel = createExtractiveModel()

  const createChatModel = ({ provider, name, model }: ServedModel): ChatModel =>
    measureModel(provider.chat(name, model), telemetry)

  const createModelFor = (request: ChatRequest, located: ServedModel): ChatModel =>
    request.guidesTools ? guideTools(createChatModel(located)) : createChatModel(located)

  const fallbackOrder = async () =>
    (await findFallbacks(database.db)) ?? (await defaultFallbacks(await providers.list()))

  type SelectModelOptions = SelectionOptions & { userId?: string | undefined; signal: AbortSignal }

  async function selectModel({
    signal,
    userId = '',
    ...options
  }: SelectModelOptions): Promise<SelectedModel> {
    signal.throwIfAborted()
    const localOnly = options.localOnly || isLocalOnly()
    try {
      const { located, reason } = await selector.select({ ...options, localOnly })
      if (!isServed(located)) return { model: checked(extractiveModel), reason }
      return { model: withFallbacks(located, { userId, localOnly }), reason }
    } catch (thrown) {
      if (!isUnavailable(thrown)) throw thrown
      const fallback = await findFallback(await fallbackOrder(), {
        failed: new Set(),
        localOnly,
        locate: selector.locate,
        // The request is unknown here; `stream` checks it later.
        fits: async () => true,
      })
      if (!fallback) throw thrown
      const reason = `${thrown.message} ${fallback.name} answers instead.`
      return {
        model: withFallbacks(fallback, { userId, localOnly, unavailableId: options.requested }),
        reason,
      }
    }
  }

  /**
   * Returns a model that is replaced by a fallback if it cannot be reached before the first part of an answer. If
   * `selected` is itself a fallback, `unavailableId` is the model that it replaces.
   */
  const withFallbacks = (
    selected: ServedModel,
    {
      userId,
      localOnly,
      unavailableId,
    }: { userId: string; localOnly: boolean; unavailableId?: string | undefined },
  ): ChatModel => ({
    ...createChatModel(selected),
    async *stream(request, signal) {
      const selectedId = unavailableId ?? idOf(selected)
      let located = selected
      const failed = new Set<Provider>()
      for (;;) {
        let hasStarted = false
        try {
          for await (const part of answer(located, request, { userId, selectedId, signal })) {
            hasStarted ||= part.type !== 'waiting' && part.type !== 'queued'
            yield part
          }
          return
        } catch (thrown) {
          signal.throwIfAborted()
          if (hasStarted || !(isUnavailable(thrown) || isBroken(thrown))) throw thrown
          failed.add(located.provider)
          const next = await findFallback(await fallbackOrder(), {
            failed,
            localOnly: localOnly || request.localOnly === true,
            locate: selector.locate,
            fits: async (each) => fits(createModelFor(request, each), request, signal),
          })
          if (!next) throw thrown
          yield { type: 'waiting', message: `${thrown.message} ${next.name} answers instead.` }
          located = next
        }
      }
    },
  })

  /** Whether a model supports a request, within its context window. */
  async function fits(model: ChatModel, request: ChatRequest, signal: AbortSignal): Promise<boolean> {
    try {
      checkRequest(model, request)
    } catch {
      return false
    }
    const length = request.messages.reduce((sum, { content }) => sum + tokens.count(content, model.name), 0)
    return length < (await model.contextTokens(signal))
  }

  /**
   * Returns the current version of a model, whose provider may have changed while the answer waited. @throws
   * provider_removed
   */
  async function refresh(located: ServedModel): Promise<ServedModel> {
    const { provider, name } = located
    const found = (await providers.list()).find(
      (each) => each === provider || (each.id !== null && each.id === provider.id),
    )
    if (!found) throw providerRemoved(provider.name)
    return found === provider ? located : { provider: found, name, model: await found.find(name, false) }
  }

  /** Streams an answer of one model: checks the request, waits in the queue, and records the provider's health. */
  async function* answer(
    selected: ServedModel,
    request: ChatRequest,
    { userId, selectedId, signal }: { userId: string; selectedId: string; signal: AbortSignal },
  ): AsyncGenerator<ModelPart> {
    checkRequest(createModelFor(request, selected), request)
    selected.provider.health.check()
    const queue = schedulers.for(selected.provider.service).queueAnswer(userId, signal)
    let place = await queue.next()
    let { health } = selected.provider
    try {
      for (; !place.done; place = await queue.next()) yield { type: 'queued', ...place.value }
      const located = await refresh(selected)
      health = located.provider.health
      const model = createModelFor(request, located)
      if (located !== selected) checkRequest(model, request)
      let hasStarted = false
      for await (const part of model.stream(withPages(model, request), signal)) {
        if (!hasStarted && part.type !== 'waiting') {
          hasStarted = true
          health.succeeded()
        }
        yield part.type === 'finish' ? { ...part, by: answeredBy(located, part.usage, selectedId) } : part
      }
    } catch (thrown) {
      health.failed(thrown)
      throw thrown
    } finally {
      if (place.done) place.value()
      else await queue.return(() => undefined)
    }
  }

  /** @throws model_not_found, not_a_chat_model, or the error of its service */
  async function requireChatModel(name: string) {
    const located = await selector.locate(name, { refresh: true, isStrict: true })
    if ('problem' in located) throw located.problem
    const state = isServed(located) && !located.model ? await located.provider.models() : undefined
    if (state?.isUp && state.value)
      throw modelNotInstalled(
        located.name,
        state.value.map((model) => model.name),
      )
    return located
  }

  return {
    requireChatModel,

    /**
     * Selects the chat model that answers. Throws if a model is requested by name and not available. Otherwise the last
     * choice is the built-in model `extractive`, which is always available.
     */
    selectModel,

    /**
     * Runs `work` with a language model in the background. On a local server an answer preempts it: `signal` aborts and
     * `work` is called again later, so it must be restartable and store nothing before its model call has finished.
     * Returns undefined without a call if there is no language model or background calls are off.
     */
    async runInBackground<T>(
      options: { requested?: string; signal: AbortSignal },
      work: (model: ChatModel, signal: AbortSignal) => Promise<T>,
    ): Promise<T | undefined> {
      options.signal.throwIfAborted()
      if (!background.isEnabled) return undefined
      const { located } = await selector.select({
        ...options,
        localOnly: isLocalOnly(),
        isStrict: false,
      })
      if (!isServed(located)) return undefined
      const model = createChatModel(located)
      return await schedulers
        .for(located.provider.service)
        .runInBackground(options.signal, (signal) => work(model, signal), { idleMs: background.idleMs })
    },

    /** Returns the ids of the fallback models, in order. */
    fallbacks: fallbackOrder,

    /** Sets the fallback models. Throws an error for the first one that is not available. */
    async setFallbacks(ids: string[]): Promise<string[]> {
      for (const id of ids) await requireChatModel(id)
      await saveFallbacks(database.db, ids)
      return ids
    },
  }
}

/** Wraps a model so that its requests are checked. */
const checked = (model: ChatModel): ChatModel => ({
  ...model,
  stream(request, signal) {
    checkRequest(model, request)
    return model.stream(request, signal)
  },
})

const answeredBy = (located: ServedModel, usage: TokenUsage, selectedId: string) => ({
  model: located.name,
  provider: located.provider.name,
  remote: located.provider.remote,
  cost: costOf(located, usage),
  fallbackFrom: idOf(located) === selectedId ? undefined : selectedId,
})

function costOf({ provider, name }: ServedModel, usage: TokenUsage): number | undefined {
  const price = provider.prices?.[name]
  if (!price || usage.promptTokens === null || usage.completionTokens === null) return undefined
  return (usage.promptTokens * price.input + usage.completionTokens * price.output) / 1_000_000
}

export type ChatModels = ReturnType<typeof createChatModels>
