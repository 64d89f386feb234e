import type { ModelInfo } from '../../contract/models.ts'
import type { Db } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Runs } from '../runs/index.ts'
import { createCatalogue } from './catalogue.ts'
import { createVectorCache } from './embeddings/cache.ts'
import { createEmbedders } from './embeddings/embedders.ts'
import { modelNotInstalled, notALocalModel, ollamaUnavailable } from './errors.ts'
import { createExtractiveModel } from './extractive/extractive.ts'
import { isSameModel, parseProvider, shortName } from './names.ts'
import { deleteModel, type InstalledModel, unloadModel } from './ollama/api.ts'
import { createOllamaChat } from './ollama/chat.ts'
import { createOllamaContexts } from './ollama/context.ts'
import { createOpenAiChat } from './openai-compatible/chat.ts'
import { createServedContexts } from './openai-compatible/context.ts'
import {
  type ContinuationSetting,
  createSupportedParameters,
  type SupportedParameters,
} from './openai-compatible/parameters.ts'
import type { ChatModel, Embedder, SelectedModel } from './port.ts'
import { createPulls } from './pulls.ts'
import { createReranker } from './rerank/reranker.ts'
import { createSchedulers, type Scheduler, type SchedulerTimings } from './scheduler.ts'
import { createModelSelector, type Selection } from './select-model.ts'
import { clearActiveModel, findActiveModel, saveActiveModel } from './store.ts'
import { createTokenCounter } from './tokens.ts'
import { createOllamaService, createOpenAiService, createRerankService } from './upstream/service.ts'

export type ModelsConfig = {
  ollamaBaseUrl: string
  /** `baseUrl` up to and including `/v1`. */
  openai?: { baseUrl: string; apiKey?: string | undefined; continuation?: ContinuationSetting } | undefined
  chatModel?: string | undefined
  chatModelStrong?: string | undefined
  embedModel?: string | undefined
  /** A cross-encoder; `baseUrl` is what comes before `/rerank`. */
  rerank?: { baseUrl: string; model: string; apiKey?: string | undefined } | undefined
  /** Milliseconds without a first part, and between two parts, after which an answer has failed. */
  firstTokenMs: number
  stallMs: number
  /** Milliseconds without a first part after which the person who waits is told; 4,000 when left out. */
  waitingNoticeMs?: number | undefined
  /** Tokens of context to load Ollama's models with. */
  numCtx?: number | undefined
  redisUrl?: string | undefined
  /** False uses the chat models only for what somebody waits for; true when left out. */
  backgroundCalls?: boolean | undefined
  /** How long a local server must have answered nobody before its language model is asked in the background. */
  backgroundRestMs?: number | undefined
  /** How background calls wait; for tests and benches. */
  schedulerTimings?: SchedulerTimings | undefined
}

/** The models: which one answers and which one embeds, what is installed, and downloads. */
export function models({ db, runs, log, config }: { db: Db; runs: Runs; log: Log; config: ModelsConfig }) {
  const ollama = createOllamaService(config.ollamaBaseUrl)
  const openai = config.openai && createOpenAiService(config.openai)
  const closing = new AbortController()
  const catalogue = createCatalogue({ ollama, openai, closing: closing.signal, log })
  const lanes = createSchedulers(closing.signal, config.schedulerTimings)
  const tokens = createTokenCounter()
  const cache = createVectorCache({ redisUrl: config.redisUrl, log })
  const patience = {
    firstTokenMs: config.firstTokenMs,
    stallMs: config.stallMs,
    ...(config.waitingNoticeMs === undefined ? {} : { quietMs: config.waitingNoticeMs }),
  }
  const contexts = createOllamaContexts(ollama, config.numCtx, catalogue.abilities)
  const servedContext = createServedContexts(config.numCtx, catalogue)
  const dialects = new Map<string, SupportedParameters>()
  const choosing = createModelSelector(catalogue, {
    ollamaAddress: ollama.address,
    openaiHost: openai && new URL(openai.address).host,
    chatModel: config.chatModel,
    chatModelStrong: config.chatModelStrong,
    active: () => findActiveModel(db),
  })
  const rerank = config.rerank && createRerankService(config.rerank)
  const reranker =
    rerank && config.rerank && createReranker({ service: rerank, model: config.rerank.model, log })
  const pulls = createPulls({ ollama, runs, catalogue })
  const extractive = createExtractiveModel()

  function chatModel({ located, name }: Selection): ChatModel {
    if (located.provider === 'ollama')
      return createOllamaChat({
        service: ollama,
        name,
        patience,
        tokens,
        numCtx: (signal) => contexts.of(located.installed, signal),
        onContextLimit: (limit) => contexts.lower(located.installed.name, limit),
      })
    if (located.provider === 'extractive' || !openai) return extractive
    const dialect = dialects.get(name) ?? createSupportedParameters()
    dialects.set(name, dialect)
    return createOpenAiChat({
      service: openai,
      name,
      patience,
      tokens,
      parameters: dialect,
      continuation: config.openai?.continuation ?? 'none',
      contextTokens: () => servedContext.of(name),
      onContextLimit: (limit) => servedContext.lower(name, limit),
    })
  }

  async function selectModel(wish: {
    requested?: string
    strong?: boolean
    signal: AbortSignal
  }): Promise<SelectedModel> {
    wish.signal.throwIfAborted()
    const choice = await choosing.choose(wish)
    return { model: answering(chatModel(choice), laneOf(choice)), reason: choice.reason }
  }

  /** The way to the server that a choice leads to; undefined for the model that is in this process. */
  function laneOf({ located }: Selection): Scheduler | undefined {
    if (located.provider === 'ollama') return lanes.to(ollama)
    return located.provider === 'openai' && openai ? lanes.to(openai) : undefined
  }

  const embedding = createEmbedders({
    ollama,
    openai,
    catalogue,
    cache,
    lanes,
    log,
    embedModel: config.embedModel,
    timeoutMs: config.firstTokenMs,
  })

  async function installedOrThrow(name: string): Promise<InstalledModel> {
    const wished = parseProvider(name).name
    const installed = await catalogue.find(wished, true)
    if (installed) return installed
    const seen = await catalogue.installed()
    if (!seen.up) throw ollamaUnavailable(ollama.address)
    const isElsewhere = name === 'extractive' || (openai !== undefined && (await isServed(wished)))
    throw isElsewhere
      ? notALocalModel(name)
      : modelNotInstalled(
          name,
          seen.told.map((model) => shortName(model.name)),
        )
  }

  async function isServed(name: string): Promise<boolean> {
    const served = await catalogue.served()
    return served?.up === true && (served.told?.some((model) => model.name === name) ?? false)
  }

  return {
    /**
     * The chat model that answers, and why in words. A model asked for by name that is not there is an error that says
     * how to get it; otherwise there is always one, `extractive` in the end.
     */
    selectModel,

    /** The model that embeds, or undefined when there is none: retrieval then goes by words alone. */
    embedder: (signal: AbortSignal): Promise<Embedder | undefined> => embedding.current(signal),

    /** The model whose vectors are of this space, if it is still there. */
    embedderForSpace: (space: string): Promise<Embedder | undefined> => embedding.forSpace(space),

    /**
     * How well each text answers a query, in the order of the texts: more is better, on no common scale. Undefined when
     * no cross-encoder is set up, or it is at fault.
     */
    scoreRelevance: async (
      query: string,
      texts: string[],
      signal: AbortSignal,
    ): Promise<number[] | undefined> => reranker?.scoreRelevance(query, texts, signal),

    /**
     * A language model for something that nobody waits for. `work` gets it when its turn has come; on a local server
     * that is while nobody is answered, and when somebody asks, its signal fires, its request is closed and it is called
     * anew later. So it must be able to start over, and store nothing before its model call is done.
     * Resolves to what `work` returns, or to undefined, without a call, when there is no language model or
     * none is to be used in the background.
     */
    async runInBackground<T>(
      wish: { requested?: string; signal: AbortSignal },
      work: (model: ChatModel, signal: AbortSignal) => Promise<T>,
    ): Promise<T | undefined> {
      wish.signal.throwIfAborted()
      if (config.backgroundCalls === false) return undefined
      const choice = await choosing.choose(wish)
      const lane = laneOf(choice)
      if (!lane) return undefined
      return await lane.runInBackground(wish.signal, (signal) => work(chatModel(choice), signal), {
        restMs: config.backgroundRestMs,
      })
    },

    /** How many background calls wait, run, and have given way to an answer so far. */
    backgroundStats: () => lanes.stats(),

    /** Hits and misses of the embedding cache. */
    cacheStats: () => cache.stats(),

    /** Tokens of a text as this model counts them: an estimate that gets better with each answer. */
    countTokens: (text: string, model: string): number => tokens.count(text, model),

    /** What is there at this moment, for status and readiness. Quick, and never throws because a service is away. */
    async status(signal: AbortSignal) {
      signal.throwIfAborted()
      const [seen, choice, embeds] = await Promise.all([
        catalogue.installed(),
        choosing.choose({}),
        embedding.choose(),
      ])
      return {
        ollama: seen.up,
        chat: { model: choice.name, provider: choice.located.provider, reason: choice.reason },
        embedding:
          embeds.provider === 'none'
            ? { model: null, reason: embeds.reason }
            : { model: embeds.name, reason: null },
        rerank: reranker?.status() ?? null,
      }
    },

    /** Every model that can be used, and what is missing, in words, when something is. */
    async list(): Promise<{ models: ModelInfo[]; message: string | null }> {
      const entries = await catalogue.list()
      const [choice, local, served] = await Promise.all([
        choosing.choose({}),
        catalogue.installed(),
        catalogue.served(),
      ])
      const messages = [
        ...(local.up ? [] : [ollamaUnavailable(ollama.address).message]),
        ...(served && !served.up && served.error instanceof Error ? [served.error.message] : []),
        ...(local.up && local.told.length === 0
          ? ['Ollama has no model installed; pull one, for example llama3.2:1b.']
          : []),
      ]
      return {
        models: entries.map((model) => ({
          ...model,
          active: model.provider === choice.located.provider && isSameModel(model.name, choice.name),
        })),
        message: messages.length === 0 ? null : messages.join(' '),
      }
    },

    /** The model that answers unless another is asked for. */
    async active(): Promise<{ model: string; provider: ChatModel['provider']; reason: string }> {
      const { name, located, reason } = await choosing.choose({})
      return { model: name, provider: located.provider, reason }
    },

    /** Makes a model the active one. Throws when it is not there, with what is. */
    async setActive(name: string) {
      const located = await choosing.locate(name, true)
      if (located.provider === 'none') throw located.problem
      const wish = parseProvider(name)
      const served = located.provider === 'openai' ? await catalogue.served() : undefined
      const listed = served?.up ? served.told : undefined
      if (located.provider === 'openai' && listed && !listed.some((model) => model.name === located.name))
        throw modelNotInstalled(
          wish.name,
          listed.map((model) => model.name),
        )
      await saveActiveModel(db, located.provider === 'openai' ? `openai/${located.name}` : wish.name)
      return this.active()
    },

    /** Deletes an installed model from the disk; if it was the active one, none is any more. */
    async delete(name: string): Promise<void> {
      const installed = await installedOrThrow(name)
      await deleteModel(ollama, installed.name, closing.signal)
      catalogue.invalidate()
      const active = await findActiveModel(db)
      if (active !== undefined && isSameModel(active, installed.name)) await clearActiveModel(db, active)
    },

    /** Frees the memory that a loaded model takes. */
    async unload(name: string): Promise<void> {
      const installed = await installedOrThrow(name)
      const { capabilities } = await catalogue.abilities(installed)
      await unloadModel(ollama, installed.name, !capabilities.includes('completion'), closing.signal)
    },

    /** A few words from a model, to see that it works. */
    async test(name: string, signal: AbortSignal): Promise<string> {
      const dimensions = await embedding.dimensions(name, signal)
      if (dimensions !== undefined) return `It makes embeddings of ${dimensions} numbers.`
      const { model } = await selectModel({ requested: name, signal })
      const question = 'Say hello in one short sentence.'
      let words = ''
      const request = {
        messages: [{ role: 'user' as const, content: question }],
        maxTokens: 200,
        grounding: { question: 'Hello', passages: [], answerable: null },
      }
      for await (const part of model.stream(request, signal)) if (part.type === 'text') words += part.text
      return words.trim()
    },

    /** Begins to download a model as a run, or joins the run that does already. */
    pull: (wish: { userId: string; model: string; idempotencyKey?: string }) => pulls.start(wish),

    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort()
      await Promise.all([
        cache[Symbol.asyncDispose](),
        ...[ollama, openai, rerank].map((service) => service?.agent.destroy()),
      ])
    },
  }
}

/** The model of an answer that somebody waits for: background calls to the same server give way to it. */
function answering(model: ChatModel, lane: Scheduler | undefined): ChatModel {
  if (!lane) return model
  return {
    ...model,
    async *stream(request, signal) {
      const ended = lane.beginAnswer()
      try {
        yield* model.stream(request, signal)
      } finally {
        ended()
      }
    },
  }
}

/** The door of this room. */
export type Models = ReturnType<typeof models>
