import type { ModelInfo } from '../../contract/models.ts'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Runs } from '../runs/index.ts'
import { createActiveModel } from './active-model.ts'
import { createCatalogue } from './catalogue.ts'
import { checkRequest } from './check-request.ts'
import { createVectorCache } from './embeddings/cache.ts'
import { createEmbedders } from './embeddings/embedders.ts'
import { modelNotInstalled, notALocalModel, ollamaUnavailable } from './errors.ts'
import { createExtractiveModel } from './extractive/extractive.ts'
import {
  fromOllama,
  guessCapabilities,
  isSameModel,
  looksLikeReranker,
  parseProvider,
  shortName,
} from './names.ts'
import { deleteModel, type InstalledModel, unloadModel } from './ollama/api.ts'
import { createOllamaChat } from './ollama/chat.ts'
import { createOllamaContexts } from './ollama/context.ts'
import { createOpenAiChat } from './openai-compatible/chat.ts'
import { createServedContexts } from './openai-compatible/context.ts'
import { createSupportedParameters, type SupportedParameters } from './openai-compatible/parameters.ts'
import type { ChatModel, Embedder, SelectedModel } from './port.ts'
import { createPulls } from './pulls.ts'
import { createReranker, type Reranker } from './rerank/reranker.ts'
import { createSchedulers, type Scheduler, type SchedulerTimings } from './scheduler.ts'
import { createModelSelector, type Selection } from './select-model.ts'
import { createTokenCounter } from './tokens.ts'
import { createOllamaService, createOpenAiService, createRerankService } from './upstream/service.ts'

export type ModelsConfig = {
  ollamaBaseUrl: string
  /** `baseUrl` up to and including `/v1`. */
  openai?: { baseUrl: string; apiKey?: string | undefined } | undefined
  chatModel?: string | undefined
  chatModelStrong?: string | undefined
  embedModel?: string | undefined
  /** A cross-encoder at `${baseUrl}/rerank`. */
  rerank?: { baseUrl: string; model: string; apiKey?: string | undefined } | undefined
  /** Timeouts of an answer: before its first part, and between two parts. */
  firstTokenMs: number
  stallMs: number
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

/** Selects and provides chat, embedding and reranking models; manages installed models and downloads. */
export function models({
  database,
  runs,
  log,
  config,
}: {
  database: Database
  runs: Runs
  log: Log
  config: ModelsConfig
}) {
  const active = createActiveModel(database)
  const ollama = createOllamaService(config.ollamaBaseUrl)
  const openai = config.openai && createOpenAiService(config.openai)
  const closing = new AbortController()
  const catalogue = createCatalogue({ ollama, openai, closing: closing.signal, log })
  const schedulers = createSchedulers(closing.signal, config.schedulerTimings)
  const tokens = createTokenCounter()
  const cache = createVectorCache({ redisUrl: config.redisUrl, log })
  const timeouts = { firstTokenMs: config.firstTokenMs, stallMs: config.stallMs }
  const contexts = createOllamaContexts(ollama, config.contextTokens, catalogue.abilities)
  const servedContext = createServedContexts(config.contextTokens, catalogue)
  const parametersByModel = new Map<string, SupportedParameters>()
  const selector = createModelSelector(catalogue, {
    openaiName: openai?.name,
    chatModel: config.chatModel,
    chatModelStrong: config.chatModelStrong,
    findActive: active.find,
  })
  const rerank = config.rerank && createRerankService(config.rerank)
  let reranker: Reranker | undefined
  /**
   * Returns the configured cross-encoder, else the first that the OpenAI-compatible service lists. A service outside the
   * private network would get the passages of every search, so it is used only if it is configured.
   */
  async function findReranker(): Promise<Reranker | undefined> {
    const service = rerank ?? openai
    if (!service || (service === openai && openai.remote)) return undefined
    const served = rerank ? undefined : await catalogue.served()
    const listed = served?.isUp ? served.value?.find(({ name }) => looksLikeReranker(name)) : undefined
    const model = config.rerank?.model ?? listed?.name
    if (model === undefined) return undefined
    if (reranker?.status().model !== model) reranker = createReranker({ service, model, log })
    return reranker
  }
  const pulls = createPulls({ ollama, runs, catalogue })
  const extractive = createExtractiveModel()

  async function createChatModel({ located, name }: Selection): Promise<ChatModel> {
    if (located.provider === 'ollama')
      return createOllamaChat({
        service: ollama,
        name,
        timeouts,
        tokens,
        capabilities: fromOllama((await catalogue.abilities(located.installed)).capabilities),
        numCtx: (signal) => contexts.get(located.installed, signal),
        onContextLimit: (limit) => contexts.lower(located.installed.name, limit),
      })
    if (located.provider === 'extractive' || !openai) return extractive
    const parameters = parametersByModel.get(name) ?? createSupportedParameters()
    parametersByModel.set(name, parameters)
    return createOpenAiChat({
      service: openai,
      name,
      timeouts,
      tokens,
      parameters,
      capabilities: guessCapabilities(name),
      contextTokens: () => servedContext.get(name),
      onContextLimit: (limit) => servedContext.lower(name, limit),
    })
  }

  async function selectModel(options: {
    requested?: string | undefined
    strong?: boolean
    signal: AbortSignal
  }): Promise<SelectedModel> {
    options.signal.throwIfAborted()
    const selection = await selector.select(options)
    return {
      model: prioritize(await createChatModel(selection), schedulerFor(selection)),
      reason: selection.reason,
    }
  }

  /** Returns the scheduler of the model's server; undefined for the built-in model. */
  function schedulerFor({ located }: Selection): Scheduler | undefined {
    if (located.provider === 'ollama') return schedulers.for(ollama)
    return located.provider === 'openai' && openai ? schedulers.for(openai) : undefined
  }

  const embedding = createEmbedders({
    ollama,
    openai,
    catalogue,
    cache,
    schedulers,
    log,
    embedModel: config.embedModel,
    timeoutMs: config.firstTokenMs,
  })

  /** @throws why the model cannot answer: model_not_found, not_a_chat_model, or its service is not available */
  async function requireChatModel(name: string) {
    const located = await selector.locate(name, true)
    if (located.provider === 'none') throw located.problem
    const served = located.provider === 'openai' ? await catalogue.served() : undefined
    const listed = served?.isUp ? served.value : undefined
    if (located.provider === 'openai' && listed && !listed.some((model) => model.name === located.name))
      throw modelNotInstalled(
        parseProvider(name).name,
        listed.map((model) => model.name),
      )
    return located
  }

  async function requireInstalled(name: string): Promise<InstalledModel> {
    const requested = parseProvider(name).name
    const installed = await catalogue.find(requested, true)
    if (installed) return installed
    const state = await catalogue.installed()
    if (!state.isUp) throw ollamaUnavailable()
    const isOtherProvider = name === 'extractive' || (openai !== undefined && (await isServed(requested)))
    throw isOtherProvider
      ? notALocalModel(name)
      : modelNotInstalled(
          name,
          state.value.map((model) => shortName(model.name)),
        )
  }

  async function isServed(name: string): Promise<boolean> {
    const served = await catalogue.served()
    return served?.isUp === true && (served.value?.some((model) => model.name === name) ?? false)
  }

  return {
    /**
     * Selects the chat model that answers. Throws if a model is requested by name and not available. Otherwise there
     * always is one: the built-in model `extractive` is the last choice.
     */
    selectModel,

    requireChatModel,

    /** Returns the embedding model; without one, search is lexical only. */
    embedder: (signal: AbortSignal): Promise<Embedder | undefined> => embedding.current(signal),

    /** Returns the embedding model of a vector space, if it is still available. */
    embedderForSpace: (space: string): Promise<Embedder | undefined> => embedding.forSpace(space),

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
      const selection = await selector.select(options)
      const scheduler = schedulerFor(selection)
      if (!scheduler) return undefined
      const call = async (signal: AbortSignal) => work(await createChatModel(selection), signal)
      return await scheduler.runInBackground(options.signal, call, { idleMs: config.backgroundIdleMs })
    },

    /** Returns the numbers of waiting, running and preempted background calls. */
    backgroundStats: () => schedulers.stats(),

    /** Returns the hits and misses of the embedding cache. */
    cacheStats: () => cache.stats(),

    /** Estimates the tokens of a text; calibrated with the counts that the model reports. */
    countTokens: (text: string, model: string): number => tokens.count(text, model),

    /** Returns the current models for status and readiness. Does not throw when a service is unavailable. */
    async status(signal: AbortSignal) {
      signal.throwIfAborted()
      const [installed, selection, strong, embeds, reranks] = await Promise.all([
        catalogue.installed(),
        selector.select({}),
        selector.strongModel(),
        embedding.select(),
        findReranker(),
      ])
      return {
        ollama: installed.isUp,
        chat: { model: selection.name, provider: selection.located.provider, reason: selection.reason },
        strong,
        embedding:
          embeds.provider === 'none'
            ? { model: null, reason: embeds.reason }
            : { model: embeds.name, reason: null },
        rerank: reranks?.status() ?? null,
      }
    },

    /** Lists all usable models, with a message if something is missing. */
    async list(): Promise<{ models: ModelInfo[]; message: string | null }> {
      const entries = await catalogue.list()
      const [selection, local, served] = await Promise.all([
        selector.select({}),
        catalogue.installed(),
        catalogue.served(),
      ])
      const messages = [
        ...(local.isUp ? [] : [ollamaUnavailable().message]),
        ...(served && !served.isUp && served.error instanceof Error ? [served.error.message] : []),
        ...(local.isUp && local.value.length === 0
          ? ['Ollama has no model installed; pull one, for example llama3.2:1b.']
          : []),
      ]
      return {
        models: entries.map((model) => ({
          ...model,
          active: model.provider === selection.located.provider && isSameModel(model.name, selection.name),
        })),
        message: messages.length === 0 ? null : messages.join(' '),
      }
    },

    /** Returns the model that answers if no other is requested. */
    async active(): Promise<{ model: string; provider: ChatModel['provider']; reason: string }> {
      const { name, located, reason } = await selector.select({})
      return { model: name, provider: located.provider, reason }
    },

    /** Activates a model. Throws an error that lists the available models if it is not available. */
    async setActive(name: string) {
      const located = await requireChatModel(name)
      const stored = located.provider === 'openai' ? `openai/${located.name}` : parseProvider(name).name
      await active.save(stored)
      return this.active()
    },

    /** Deletes an installed model, and deactivates it. */
    async delete(name: string): Promise<void> {
      const installed = await requireInstalled(name)
      await deleteModel(ollama, installed.name, closing.signal)
      catalogue.invalidate()
      const model = await active.find()
      if (model !== undefined && isSameModel(model, installed.name)) await active.clear(model)
    },

    /** Unloads a model from memory. */
    async unload(name: string): Promise<void> {
      const installed = await requireInstalled(name)
      const { capabilities } = await catalogue.abilities(installed)
      await unloadModel(ollama, installed.name, !capabilities.includes('completion'), closing.signal)
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

    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort()
      await Promise.all([
        active[Symbol.asyncDispose](),
        cache[Symbol.asyncDispose](),
        ...[ollama, openai, rerank].map((service) => service?.agent.destroy()),
      ])
    },
  }
}

/** Wraps a model so that its answers preempt background calls to the same server, and checks its requests. */
function prioritize(model: ChatModel, scheduler: Scheduler | undefined): ChatModel {
  return {
    ...model,
    async *stream(request, signal) {
      checkRequest(model, request)
      if (!scheduler) return yield* model.stream(request, signal)
      const endAnswer = scheduler.beginAnswer()
      try {
        yield* model.stream(request, signal)
      } finally {
        endAnswer()
      }
    },
  }
}

export type Models = ReturnType<typeof models>
