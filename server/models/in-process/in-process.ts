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
import type { ProviderProtocol } from '../providers/protocol.ts'
import { defaultTimeouts, type ScoreTexts } from '../rerank/reranker.ts'
import { createHubService } from '../upstream/service.ts'
import { findInFolder, hubAddress, readCatalogue, sizeOf } from './catalogue.ts'
import { downloadModel } from './download.ts'
import { createEngine, findRuntimeProblem } from './engine.ts'
import { type InstalledModel, listInstalled, remove } from './installed.ts'

const maxListAgeMs = 1_000

export type InProcessConfig = {
  /** Where models are installed. */
  directory: string
  hubUrl: string
  /** A folder with models and a `catalogue.json`, from which downloads are copied. */
  modelDir?: string | undefined
}

/** Embedding and reranking models that run in this process, in a worker thread. */
export function createInProcess({ directory, hubUrl, modelDir }: InProcessConfig, disk: DiskSpace) {
  const engine = createEngine()
  const hub = createHubService(hubUrl)

  let listed: { at: number; models: Promise<InstalledModel[]> } | undefined

  /** Every search asks for the models, so they are read at most once a second. */
  async function list(): Promise<InstalledModel[]> {
    if (listed === undefined || performance.now() - listed.at > maxListAgeMs)
      listed = { at: performance.now(), models: listInstalled(directory) }
    return await listed.models
  }

  async function require(id: string): Promise<CatalogueEntry> {
    const entry = (await readCatalogue(modelDir)).find((each) => each.id === id)
    if (!entry) throw catalogueModelNotFound(id)
    return entry
  }

  const protocol: ProviderProtocol = {
    freshMs: { up: 1_000, down: 1_000 },

    async list() {
      const models = await list()
      if (models.length > 0 && findRuntimeProblem() !== null) throw runtimeMissing(undefined)
      return models.map((model) => ({
        name: model.id,
        capabilities: model.kind === 'embedding' ? ['embed'] : [],
        contextLength: model.maxTokens,
        installed: {
          size: model.size,
          modifiedAt: model.installedAt,
          digest: null,
          loaded: engine.isLoaded(model),
          capabilities: [model.kind],
        },
      }))
    },

    chat(name) {
      throw notAChatModel(name)
    },

    embed: (name, model) => ({
      textTokens: model?.contextLength ?? 512,
      async batch(texts, signal) {
        const installed = (await list()).find(({ id }) => id === name)
        if (!installed) throw catalogueModelNotFound(name)
        const vectors = await engine.embed(installed, texts, signal)
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

    /** Lists the models that can be downloaded, with where from. */
    async catalogue() {
      const installed = new Set((await list()).map(({ id }) => id))
      const entries = await readCatalogue(modelDir)
      return {
        models: await Promise.all(
          entries.map(async (entry) => ({
            ...entry,
            size: sizeOf(entry),
            source: (await findInFolder(modelDir, entry)) ?? hubAddress(hub.address, entry),
            installed: installed.has(entry.id),
          })),
        ),
        message: findRuntimeProblem(),
      }
    },

    /** Returns the installed cross-encoder, if there is one. */
    async reranker(): Promise<{ model: string; score: ScoreTexts } | undefined> {
      const model = (await list()).find(({ kind }) => kind === 'reranking')
      if (!model || findRuntimeProblem() !== null) return undefined
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
    unload: () => engine.stop(),

    /** Deletes an installed model, or what an unfinished download has left. @throws model_not_found */
    async delete(id: string): Promise<void> {
      await engine.stop()
      const isRemoved = await remove(directory, id)
      listed = undefined
      if (!isRemoved) throw catalogueModelNotFound(id)
    },

    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await hub.agent.destroy()
    },
  }
}
export type InProcess = ReturnType<typeof createInProcess>
