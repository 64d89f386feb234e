import type { ConfiguredModel, Prices } from '../../../contract/models.ts'
import type { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import type { Capability, ChatModel } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import type { ModelService } from '../upstream/service.ts'
import type { Timeouts } from '../upstream/timeouts.ts'

/** A model in the list of its provider. */
export type ProviderModel = {
  name: string
  capabilities: Capability[]
  contextLength: number | null
  /** Why the model cannot be used; it then has no capabilities. */
  problem?: AppError | undefined
  /** For models of Ollama: the files on its disk, and the capabilities with Ollama's names. */
  installed?: {
    size: number | null
    modifiedAt: string | null
    digest: string | null
    loaded: boolean
    /** Bytes in memory, and those of them on graphics cards. */
    memory?: number | undefined
    gpuMemory?: number | undefined
    capabilities: string[]
  }
}

export type ProviderSettings = {
  /** Null for the providers of the settings. */
  id: string | null
  name: string
  /** The models to offer instead of those that the provider lists. */
  models?: ConfiguredModel[]
  maxParallel?: number | undefined
  prices?: Prices
}

/** Lists and calls the models of a kind of provider. */
export type ProviderProtocol = {
  freshMs: { up: number; down: number }
  /** Returns undefined if the provider has no list. */
  list(): Promise<ProviderModel[] | undefined>
  chat(name: string, model: ProviderModel | undefined): ChatModel
  embed?(
    name: string,
    model: ProviderModel | undefined,
    timeoutMs: number,
  ): { textTokens: number; batch: EmbedBatch }
}

export type ProtocolDependencies = {
  provider: string
  service: ModelService
  closing: AbortSignal
  log: Log
  tokens: TokenCounter
  timeouts: Timeouts
  /** The context window of the settings. */
  contextTokens: number | undefined
}
