import type { Database } from '../db/index.ts'
import type { DiskSpace } from '../disk-space.ts'
import type { Encryption } from '../encryption.ts'
import type { Log } from '../log.ts'
import type { Runs } from '../runs/index.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { createActiveModel } from './active-model.ts'
import { createChatModels } from './chat-models.ts'
import { createVectorCache } from './embeddings/cache.ts'
import { createEmbedders } from './embeddings/embedders.ts'
import { embeddingModelNotFound } from './errors.ts'
import { createInProcess, type InProcessConfig } from './in-process/in-process.ts'
import { isLocalOnly, runLocalOnly } from './local-only.ts'
import { manageModels } from './manage-models.ts'
import { looksLikeReranker } from './names.ts'
import type { ChatModel, Embedder } from './port.ts'
import { manageProviders } from './providers/manage.ts'
import type { ProviderSettings } from './providers/protocol.ts'
import { createProvider, createProviderWith, type Provider } from './providers/provider.ts'
import { createProviders } from './providers/registry.ts'
import { createPulls } from './pulls.ts'
import { createReranker, type Reranker, type ScoreTexts, scoreOverHttp } from './rerank/reranker.ts'
import { createSchedulers, type Scheduler, type SchedulerTimings } from './scheduler.ts'
import { createModelSelector } from './select-model.ts'
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
  /** Concurrent answers of each of these two servers. Default unlimited. */
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
  const inProcessService = createInProcessService()
  // One answer uses all CPU cores.
  schedulers.limit(inProcessService, 1)
  const runtime = createInProcess(config.inProcess, {
    disk,
    service: inProcessService,
    tokens,
    timeouts: { firstTokenMs: config.firstTokenMs, stallMs: config.stallMs },
    contextTokens: config.contextTokens,
  })
  const inProcess = createProviderWith(
    { id: null, name: 'in_process' },
    'in_process',
    inProcessService,
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
   * Returns the configured cross-encoder, otherwise one in this process, otherwise the first that the OpenAI-compatible
   * service lists. A service outside the private network would receive the passages of every search, so it must be
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

  const chatModels = createChatModels({
    database,
    providers,
    selector,
    schedulers,
    tokens,
    telemetry,
    background: { isEnabled: config.backgroundCalls !== false, idleMs: config.backgroundIdleMs },
  })
  const management = manageModels({
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
    closing: closing.signal,
  })

  return {
    ...chatModels,
    ...management,

    /** Adds, changes and tests providers. */
    providers: managed,

    /** Whether reranking sends passages out of the private network. */
    hasRemoteReranker: rerank?.remote ?? false,

    /** Runs work of which nothing may be sent to a model outside the private network. @see runLocalOnly */
    localOnly: runLocalOnly,

    /** Returns the embedding model; without one, search is lexical only. */
    async embedder(signal: AbortSignal): Promise<Embedder | undefined> {
      const embedder = await embedding.current(signal)
      return embedder?.remote && isLocalOnly() ? undefined : embedder
    },

    /** Returns an embedding model by its name. @throws model_not_found, model_ambiguous, or the error of its service */
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

    /** Returns the numbers of waiting, running and preempted background calls. */
    backgroundStats: () => schedulers.stats(),

    /** Starts to measure an answer. Call the returned function with the model at the first token. */
    timeFirstToken(): (model: ChatModel) => void {
      const end = telemetry.firstToken.startTimer()
      return ({ provider, name }) => void end({ provider, model: name })
    },

    /** Returns how many answers run and wait at each model server, under the name of its first provider. */
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

    /** Starts the download of a model as a run, or joins the one in progress. */
    pull: (request: Parameters<typeof pulls.start>[0]) => pulls.start(request),

    /** Lists the models that can run in this process, with a message if something is missing. */
    catalogue: () => runtime.catalogue(),

    /** Starts the download of a model of the catalogue as a run, or joins the one in progress. */
    download: (request: Parameters<typeof pulls.startDownload>[0]) => pulls.startDownload(request),

    /** Starts the installation of the engine of GGUF models as a run, or joins the one in progress. */
    installChatEngine: pulls.installChatEngine,

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

export type Models = ReturnType<typeof models>
