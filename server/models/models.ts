import type { AvailableModel, ModelInfo } from '../../contract/models.ts'
import type { Database } from '../db/index.ts'
import type { DiskSpace } from '../disk-space.ts'
import type { Encryption } from '../encryption.ts'
import type { Log } from '../log.ts'
import type { Runs } from '../runs/index.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { createActiveModel } from './active-model.ts'
import { checkRequest } from './check-request.ts'
import { diagnoseProvider } from './doctor.ts'
import { createVectorCache } from './embeddings/cache.ts'
import { createEmbedders } from './embeddings/embedders.ts'
import { embeddingModelNotFound, modelNotInstalled, notALocalModel, ollamaUnavailable } from './errors.ts'
import { createExtractiveModel } from './extractive/extractive.ts'
import { defaultFallbacks, findFallback } from './fallbacks.ts'
import { guideTools } from './guided-tools.ts'
import { createInProcess, type InProcessConfig } from './in-process/in-process.ts'
import { isLocalOnly, runLocalOnly } from './local-only.ts'
import { measureModel } from './measure-model.ts'
import { isSameModel, looksLikeReranker, shortName, splitId } from './names.ts'
import { deleteModel, unloadModel } from './ollama/api.ts'
import type { ChatModel, ChatRequest, Embedder, SelectedModel, TokenUsage } from './port.ts'
import { isAway } from './providers/health.ts'
import { manageProviders } from './providers/manage.ts'
import type { ProviderSettings } from './providers/protocol.ts'
import { createProvider, createProviderWith, type Provider } from './providers/provider.ts'
import { createProviders } from './providers/registry.ts'
import { createPulls } from './pulls.ts'
import { createReranker, type Reranker, type ScoreTexts, scoreOverHttp } from './rerank/reranker.ts'
import { createSchedulers, type Scheduler, type SchedulerTimings } from './scheduler.ts'
import {
  createModelSelector,
  idOf,
  isServed,
  type Selection,
  type SelectionOptions,
  type ServedModel,
} from './select-model.ts'
import { findFallbacks, saveFallbacks } from './store.ts'
import { createTokenCounter } from './tokens.ts'
import {
  createInProcessService,
  createOllamaService,
  createOpenAiService,
  createRerankService,
  type ModelService,
  type ServiceKind,
} from './upstream/service.ts'

export type ModelsConfig = {
  ollamaBaseUrl: string
  /** `baseUrl` up to and including `/v1`. */
  openai?: { baseUrl: string; apiKey?: string | undefined } | undefined
  chatModel?: string | undefined
  chatModelStrong?: string | undefined
  embedModel?: string | undefined
  /** A cross-encoder at `${baseUrl}/rerank`. */
  rerank?: { baseUrl: string; model: string; apiKey?: string | undefined } | undefined
  inProcess: InProcessConfig
  /** Timeouts of an answer: before its first part, and between two parts. */
  firstTokenMs: number
  stallMs: number
  /** Answers at a time of each of these two servers. Default unlimited. */
  maxParallel?: number | undefined
  /** Context window in tokens that Ollama loads models with. */
  contextTokens?: number | undefined
  redisUrl?: string | undefined
  /** Whether chat models may be used for background work. Default true. */
  backgroundCalls?: boolean | undefined
  /** Idle time of a local model server before background calls. */
  backgroundIdleMs?: number | undefined
  /** For tests and benchmarks. */
  schedulerTimings?: SchedulerTimings | undefined
}

/** Selects and provides chat, embedding and reranking models; manages providers, installed models and downloads. */
export function models({
  database,
  runs,
  log,
  encryption,
  disk,
  config,
  telemetry = createTelemetry(),
}: {
  database: Database
  runs: Runs
  log: Log
  encryption: Encryption
  disk: DiskSpace
  config: ModelsConfig
  telemetry?: Telemetry
}) {
  const active = createActiveModel(database)
  const closing = new AbortController()
  const schedulers = createSchedulers(closing.signal, config.schedulerTimings)
  const tokens = createTokenCounter()
  const cache = createVectorCache({ redisUrl: config.redisUrl, log })
  const extractiveModel = createExtractiveModel()

  function open(settings: ProviderSettings, kind: ServiceKind, service: ModelService): Provider {
    schedulers.limit(service, settings.maxParallel)
    return createProvider(settings, kind, {
      service,
      closing: closing.signal,
      log,
      tokens,
      timeouts: { firstTokenMs: config.firstTokenMs, stallMs: config.stallMs },
      contextTokens: config.contextTokens,
    })
  }

  const fixed = (name: string) => ({ id: null, name, maxParallel: config.maxParallel })
  const ollama = open(fixed('ollama'), 'ollama', createOllamaService(config.ollamaBaseUrl))
  const openai = config.openai && open(fixed('openai'), 'openai', createOpenAiService(config.openai))
  const runtime = createInProcess(config.inProcess, disk)
  const inProcess = createProviderWith(
    { id: null, name: 'in_process' },
    'in_process',
    createInProcessService(),
    runtime.protocol,
  )
  const providers = createProviders({
    database,
    encryption,
    log,
    fixed: [ollama, ...(openai ? [openai] : []), inProcess],
    create: ({ id, name, kind, models, max_parallel, prices }, service) =>
      open({ id, name, models, maxParallel: max_parallel ?? undefined, prices }, kind, service),
  })
  const selector = createModelSelector({
    providers: providers.list,
    chatModel: config.chatModel,
    chatModelStrong: config.chatModelStrong,
    findActive: active.find,
  })
  const rerank = config.rerank && createRerankService(config.rerank)
  let reranker: Reranker | undefined
  const rerankerOf = (model: string, score: ScoreTexts): Reranker => {
    if (reranker?.status().model !== model) reranker = createReranker({ model, score, log })
    return reranker
  }
  /**
   * Returns the configured cross-encoder, else one in this process, else the first that the OpenAI-compatible service
   * lists. A service outside the private network would get the passages of every search, so it is used only if it is
   * configured.
   */
  async function findReranker(): Promise<Reranker | undefined> {
    const own = rerank ? undefined : await runtime.reranker()
    if (own)
      return rerankerOf(own.model, async (...asked) => {
        const endAnswer = schedulers.for(inProcess.service).beginAnswer()
        return await own.score(...asked).finally(endAnswer)
      })
    const service = rerank ?? openai?.service
    if (!service || (!rerank && service.remote) || (service.remote && isLocalOnly())) return undefined
    const served = rerank ? undefined : await openai?.models()
    const listed = served?.isUp ? served.value?.find(({ name }) => looksLikeReranker(name)) : undefined
    const model = config.rerank?.model ?? listed?.name
    return model === undefined ? undefined : rerankerOf(model, scoreOverHttp(service, model))
  }
  const managed = manageProviders({
    database,
    encryption,
    providers,
    reserved: ['ollama', 'openai', 'in_process', 'extractive', 'avee', 'rerank'],
  })
  const pulls = createPulls({ ollama, catalogue: runtime, inProcess, runs })

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
      if (!isAway(thrown)) throw thrown
      const fallback = await findFallback(await fallbackOrder(), {
        failed: new Set(),
        localOnly,
        locate: selector.locate,
        // What is asked of it is not known yet; its own check of the request follows.
        fits: async () => true,
      })
      if (!fallback) throw thrown
      const reason = `${thrown.message} ${fallback.name} answers instead.`
      return {
        model: withFallbacks(fallback, { userId, localOnly, awayId: options.requested }),
        reason,
      }
    }
  }

  /**
   * Returns a model that is replaced by a fallback if it cannot be reached before the first part of an answer. It may be
   * one itself, of the model `awayId`.
   */
  const withFallbacks = (
    selected: ServedModel,
    { userId, localOnly, awayId }: { userId: string; localOnly: boolean; awayId?: string | undefined },
  ): ChatModel => ({
    ...createChatModel(selected),
    async *stream(request, signal) {
      let located = selected
      const failed = new Set<Provider>()
      for (;;) {
        try {
          const model = guard(createModelFor(request, located), located, userId)
          for await (const part of model.stream(request, signal))
            yield part.type === 'finish'
              ? { ...part, by: answeredBy(located, part.usage, awayId ?? idOf(selected)) }
              : part
          return
        } catch (thrown) {
          signal.throwIfAborted()
          // These errors come before the first part.
          if (!isAway(thrown)) throw thrown
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

  /** Whether a model can do what is asked, within its context window. */
  async function fits(model: ChatModel, request: ChatRequest, signal: AbortSignal): Promise<boolean> {
    try {
      checkRequest(model, request)
    } catch {
      return false
    }
    const length = request.messages.reduce((sum, { content }) => sum + tokens.count(content, model.name), 0)
    return length < (await model.contextTokens(signal))
  }

  /** Adds what every request of a user needs: the check of the request, the queue and the health of the provider. */
  const guard = (model: ChatModel, { provider }: ServedModel, userId: string): ChatModel => ({
    ...model,
    async *stream(request, signal) {
      checkRequest(model, request)
      provider.health.check()
      const queue = schedulers.for(provider.service).queueAnswer(userId, signal)
      let place = await queue.next()
      try {
        for (; !place.done; place = await queue.next()) yield { type: 'queued', ...place.value }
        let hasStarted = false
        for await (const part of model.stream(request, signal)) {
          if (!hasStarted && part.type !== 'waiting') {
            hasStarted = true
            provider.health.succeeded()
          }
          yield part
        }
      } catch (thrown) {
        if (isAway(thrown)) provider.health.failed(thrown)
        throw thrown
      } finally {
        if (place.done) place.value()
        else await queue.return(() => undefined)
      }
    },
  })

  const embedding = createEmbedders({
    providers: providers.list,
    find: selector.find,
    cache,
    schedulers,
    log,
    embedModel: config.embedModel,
    timeoutMs: config.firstTokenMs,
    telemetry,
  })

  /** @throws why the model cannot answer: model_not_found, not_a_chat_model, or its service is not available */
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

  /** Deletes a model that runs in this process. @throws model_not_found */
  async function deleteInProcess(id: string): Promise<void> {
    await runtime.delete(id)
    inProcess.invalidate()
  }

  return {
    /** Adds, changes and tests providers. */
    providers: managed,

    /**
     * Selects the chat model that answers. Throws if a model is requested by name and not available. Otherwise there
     * always is one: the built-in model `extractive` is the last choice.
     */
    selectModel,

    requireChatModel,

    /** Whether reranking sends passages out of the private network. */
    hasRemoteReranker: rerank?.remote ?? false,

    /** Runs work from which nothing is sent to a model outside the private network, if `isLocalOnly`. */
    localOnly: runLocalOnly,

    /** Returns the embedding model; without one, search is lexical only. */
    async embedder(signal: AbortSignal): Promise<Embedder | undefined> {
      const embedder = await embedding.current(signal)
      return embedder?.remote && isLocalOnly() ? undefined : embedder
    },

    /** Returns an embedding model by its name. @throws embedding_model_not_found */
    async requireEmbedder(name: string): Promise<Embedder> {
      const found = await embedding.named(name)
      if (!found) throw embeddingModelNotFound(name)
      return found
    },

    /** Returns the embedding model of a vector space, if it is still available. */
    async embedderForSpace(space: string): Promise<Embedder | undefined> {
      const embedder = await embedding.forSpace(space)
      return embedder?.remote && isLocalOnly() ? undefined : embedder
    },

    /**
     * Scores how well each text answers a query; higher is better, on the model's own scale. Returns undefined if no
     * cross-encoder is available or it fails.
     */
    scoreRelevance: async (
      query: string,
      texts: string[],
      signal: AbortSignal,
    ): Promise<number[] | undefined> => (await findReranker())?.scoreRelevance(query, texts, signal),

    /**
     * Runs `work` with a language model in the background. On a local server an answer preempts it: `signal` aborts and
     * `work` is called again later, so it must be restartable and store nothing before its model call has finished.
     * Returns undefined, without a call, if there is no language model or background calls are off.
     */
    async runInBackground<T>(
      options: { requested?: string; signal: AbortSignal },
      work: (model: ChatModel, signal: AbortSignal) => Promise<T>,
    ): Promise<T | undefined> {
      options.signal.throwIfAborted()
      if (config.backgroundCalls === false) return undefined
      const { located } = await selector.select({
        ...options,
        localOnly: isLocalOnly(),
        isStrict: false,
      })
      if (!isServed(located)) return undefined
      const model = createChatModel(located)
      return await schedulers
        .for(located.provider.service)
        .runInBackground(options.signal, (signal) => work(model, signal), { idleMs: config.backgroundIdleMs })
    },

    /** Returns the numbers of waiting, running and preempted background calls. */
    backgroundStats: () => schedulers.stats(),

    /** Starts to measure an answer. The function that it returns is called with the model at the first token. */
    timeFirstToken(): (model: ChatModel) => void {
      const end = telemetry.firstToken.startTimer()
      return ({ provider, name }) => void end({ provider, model: name })
    },

    /** Returns how many answers run and wait at each server of models, under the name of its first provider. */
    async queueStats(): Promise<{ provider: string; running: number; waiting: number }[]> {
      const seen = new Map<Scheduler, string>()
      for (const { name, service } of await providers.list()) {
        const scheduler = schedulers.for(service)
        if (!seen.has(scheduler)) seen.set(scheduler, name)
      }
      return [...seen].map(([scheduler, provider]) => ({ provider, ...scheduler.queueStats() }))
    },

    /** Returns the hits and misses of the embedding cache. */
    cacheStats: () => cache.stats(),

    /** Estimates the tokens of a text; calibrated with the counts that the model reports. */
    countTokens: (text: string, model: string): number => tokens.count(text, model),

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

    /** Checks one provider, with `ask` by a short answer. `id` may be its name. */
    async testProvider(id: string, ask: boolean, signal: AbortSignal) {
      const { models, latencyMs, problem, answer } = await diagnoseProvider(
        await managed.require(id),
        { ask },
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

    /**
     * Checks every provider with one short answer each, and says which models answer and embed by default. The answers of
     * a remote provider may cost money.
     */
    async diagnose(signal: AbortSignal) {
      const [selection, embeds, all] = await Promise.all([
        selector.select({}),
        embedding.select(),
        providers.list(),
      ])
      const { located } = selection
      return {
        providers: await Promise.all(
          all.map((provider) => {
            const preferred = located.provider === provider ? located.name : undefined
            return diagnoseProvider(provider, { ask: true, preferred }, signal)
          }),
        ),
        chat: { model: located.name, reason: selection.reason },
        embedding:
          'reason' in embeds ? { model: null, reason: embeds.reason } : { model: embeds.name, reason: null },
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
            ...(model.installed && { loaded: model.installed.loaded }),
            ...(model.installed?.size && { size: model.installed.size }),
            ...(provider.prices?.[model.name] && { price: provider.prices[model.name] }),
          }))
        }),
      )
      return all.flat()
    },

    /** Returns the ids of the models that are asked when another is away, in order. */
    fallbacks: fallbackOrder,

    /** Sets them. Throws an error about the first that is not available. */
    async setFallbacks(ids: string[]): Promise<string[]> {
      for (const id of ids) await requireChatModel(id)
      await saveFallbacks(database.db, ids)
      return ids
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
            // Names of added providers may be those of other models.
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

    /** Returns the model that answers if no other is requested. */
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

    /** Deletes an installed model, and deactivates it. */
    async delete(name: string): Promise<void> {
      const { provider, model } = await requireInstalled(name)
      if (provider === inProcess) return await deleteInProcess(model.name)
      await deleteModel(provider.service, model.name, closing.signal)
      provider.invalidate()
      const activeName = await active.find()
      const id = provider === ollama ? model.name : `${provider.name}/${model.name}`
      if (activeName !== undefined && isSameModel(activeName, id)) await active.clear(activeName)
    },

    /** Unloads a model from memory. */
    async unload(name: string): Promise<void> {
      const { provider, model } = await requireInstalled(name)
      if (provider === inProcess) return await runtime.unload()
      const isEmbedding = !model.capabilities.includes('chat')
      await unloadModel(provider.service, model.name, isEmbedding, closing.signal)
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

    /** Starts the download of a model as a run, or joins the one in progress. */
    pull: (request: Parameters<typeof pulls.start>[0]) => pulls.start(request),

    /** Lists the models that can run in this process, with a message if something is missing. */
    catalogue: () => runtime.catalogue(),

    /** Starts the download of a model of the catalogue as a run, or joins the one in progress. */
    download: (request: Parameters<typeof pulls.startDownload>[0]) => pulls.startDownload(request),

    deleteInProcess,

    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort()
      await Promise.all([
        active[Symbol.asyncDispose](),
        cache[Symbol.asyncDispose](),
        providers[Symbol.asyncDispose](),
        runtime[Symbol.asyncDispose](),
        rerank?.agent.destroy(),
      ])
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

const providerOf = ({ located }: Selection): string => located.provider?.name ?? located.name

const nameIn = ({ kind }: Provider, name: string) => (kind === 'ollama' ? shortName(name) : name)

const bareName = (id: string) => (splitId(id).provider === 'ollama' ? splitId(id).name : id)

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

export type Models = ReturnType<typeof models>
