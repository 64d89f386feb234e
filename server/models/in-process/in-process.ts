import type { CatalogueEntry } from '../../../contract/models.ts'
import type { DiskSpace } from '../../disk-space.ts'
import type { EventBody } from '../../runs/index.ts'
import {
  catalogueModelNotFound,
  notAChatModel,
  rerankingTooSlow,
  runtimeMissing,
  unexpectedDimensions,
} from '../errors.ts'
import type { Capability } from '../port.ts'
import type { ProviderProtocol } from '../providers/protocol.ts'
import { defaultTimeouts, type ScoreTexts } from '../rerank/reranker.ts'
import { createHubService } from '../upstream/service.ts'
import { findInFolder, hubAddress, readCatalogue, sizeOf } from './catalogue.ts'
import { downloadModel } from './download.ts'
import { createEngine, findRuntimeProblem } from './engine.ts'
import { type HeaderCache, type InstalledModel, listInstalled, remove } from './installed.ts'
import { type ChatEngineConfig, findChatEngine, installChatEngine } from './llama/install.ts'
import { createLlama, maxEmbeddingTokens } from './llama/llama.ts'
import { maxContext } from './llama/memory.ts'

const maxListAgeMs = 1_000
/** Measured: node-llama-cpp 3.22.1 with the binaries of one platform. */
const chatEngineBytes = 90_000_000

const capabilitiesOf: Record<InstalledModel['kind'], Capability[]> = {
  chat: ['chat', 'json'],
  embedding: ['embed'],
  reranking: [],
}

export type InProcessConfig = {
  /** The directory of installed models. */
  directory: string
  hubUrl: string
  /** A folder with models and a `catalogue.json`, from which downloads are copied. */
  modelDir?: string | undefined
  chatEngine: ChatEngineConfig
}

/** Models that run on this machine: ONNX files in a worker thread, GGUF files in separate processes. */
export function createInProcess(
  { directory, hubUrl, modelDir, chatEngine }: InProcessConfig,
  { disk, ...answers }: { disk: DiskSpace } & Omit<Parameters<typeof createLlama>[0], 'engine'>,
) {
  const engine = createEngine()
  const llama = createLlama({ engine: chatEngine, ...answers })
  const hub = createHubService(hubUrl)
  const headers: HeaderCache = new Map()

  let listed: { at: number; found: ReturnType<typeof listInstalled> } | undefined

  /** Every search needs the list of models, so it is read at most once a second. */
  async function scan(): ReturnType<typeof listInstalled> {
    if (listed === undefined || performance.now() - listed.at > maxListAgeMs)
      listed = { at: performance.now(), found: listInstalled(directory, headers) }
    return await listed.found
  }
  const list = async (): Promise<InstalledModel[]> => (await scan()).models

  async function require(id: string): Promise<CatalogueEntry> {
    const entry = (await readCatalogue(modelDir)).find((each) => each.id === id)
    if (!entry) throw catalogueModelNotFound(id)
    return entry
  }

  const protocol: ProviderProtocol = {
    freshMs: { up: 1_000, down: 1_000 },

    async list() {
      const models = await list()
      if (models.some(({ format }) => format === 'onnx') && findRuntimeProblem() !== null)
        throw runtimeMissing(undefined)
      const hasGguf = models.some(({ format }) => format === 'gguf')
      const problem = hasGguf ? (await findChatEngine(chatEngine)).problem : undefined
      return models.map((model) => ({
        name: model.id,
        ...(model.format === 'onnx'
          ? { capabilities: capabilitiesOf[model.kind], contextLength: model.maxTokens }
          : {
              capabilities: problem ? [] : capabilitiesOf[model.kind],
              contextLength: maxContext(model.header, answers.contextTokens),
              problem,
            }),
        installed: {
          size: model.size,
          modifiedAt: model.installedAt,
          digest: model.digest,
          loaded: model.format === 'onnx' ? engine.isLoaded(model) : llama.isLoaded(model),
          capabilities: [model.kind === 'chat' ? 'completion' : model.kind],
        },
      }))
    },

    chat(name) {
      const find = async () => {
        const found = (await list()).find(({ id }) => id === name)
        if (!found) throw catalogueModelNotFound(name)
        if (found.format === 'onnx' || found.kind !== 'chat') throw notAChatModel(name)
        return found
      }
      return llama.chat(name, find)
    },

    embed: (name, model) => ({
      textTokens: Math.min(maxEmbeddingTokens, model?.contextLength ?? 512),
      async batch(texts, signal) {
        const installed = (await list()).find(({ id }) => id === name)
        if (!installed) throw catalogueModelNotFound(name)
        const vectors =
          installed.format === 'onnx'
            ? await engine.embed(installed, texts, signal)
            : await llama.embed(installed, texts, signal)
        const { dimensions } = installed
        const found = vectors[0]?.length ?? 0
        if (dimensions !== null && found !== dimensions) throw unexpectedDimensions(name, dimensions, found)
        return vectors
      },
    }),
  }

  return {
    protocol,
    require,

    /** Downloads a model and yields its progress. */
    async *download(entry: CatalogueEntry, signal: AbortSignal): AsyncGenerator<EventBody> {
      for await (const event of downloadModel(entry, { directory, hub, modelDir, disk }, signal)) {
        listed = undefined
        yield event
      }
      listed = undefined
    },

    /** Installs the engine of GGUF models and yields its progress. */
    async *installChatEngine(signal: AbortSignal): AsyncGenerator<EventBody> {
      await disk.assertFree(chatEngineBytes)
      yield* installChatEngine(chatEngine, signal)
    },

    /** Lists the models that can be downloaded, with their source, and the engine of GGUF models. */
    async catalogue() {
      const [{ models, problems }, found, entries] = await Promise.all([
        scan(),
        findChatEngine(chatEngine),
        readCatalogue(modelDir),
      ])
      const installed = new Set(models.map(({ id }) => id))
      const messages = [findRuntimeProblem(), ...problems].filter((each) => each !== null)
      return {
        models: await Promise.all(
          entries.map(async (entry) => ({
            ...entry,
            size: sizeOf(entry),
            source: (await findInFolder(modelDir, entry)) ?? hubAddress(hub.address, entry),
            installed: installed.has(entry.id),
          })),
        ),
        message: messages.length === 0 ? null : messages.join(' '),
        chat_engine: {
          version: found.version,
          installed: found.isInstalled,
          message: found.isSupported ? null : (found.problem?.message ?? null),
        },
      }
    },

    /** Returns the installed cross-encoder, if there is one. */
    async reranker(): Promise<{ model: string; score: ScoreTexts } | undefined> {
      const model = (await list()).find(({ kind }) => kind === 'reranking')
      if (model?.format !== 'onnx' || findRuntimeProblem() !== null) return undefined
      const { requestMs } = defaultTimeouts
      return {
        model: model.id,
        async score(query, texts, signal) {
          const timeout = AbortSignal.timeout(requestMs)
          return await engine
            .score(model, query, texts, AbortSignal.any([signal, timeout]))
            .catch((error: unknown) => {
              throw error === timeout.reason ? rerankingTooSlow(model.id, requestMs) : error
            })
        },
      }
    },

    /** Frees the memory of the models. */
    async unload(): Promise<void> {
      await Promise.all([engine.stop(), llama.stop()])
    },

    /** Deletes an installed model or an unfinished download. @throws model_not_found */
    async delete(id: string): Promise<void> {
      await Promise.all([engine.stop(), llama.stop()])
      const isRemoved = await remove(
        directory,
        id,
        (await list()).find((model) => model.id === id),
      )
      listed = undefined
      if (!isRemoved) throw catalogueModelNotFound(id)
    },

    async [Symbol.asyncDispose]() {
      await Promise.all([engine[Symbol.asyncDispose](), llama[Symbol.asyncDispose]()])
      await hub.agent.destroy()
    },
  }
}
export type InProcess = ReturnType<typeof createInProcess>
