import type { ConfiguredModel, Prices } from '../../../contract/models.ts'
import type { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import type { Capability, ChatModel } from '../port.ts'
import type { TokenCounter } from '../tokens.ts'
import type { ModelService } from '../upstream/service.ts'
import type { Timeouts } from '../upstream/timeouts.ts'

/** A model as its provider lists it. */
export type ProviderModel = {
  name: string
  capabilities: Capability[]
  contextLength: number | null
  /** Why it cannot be used; it then has no capabilities. */
  problem?: AppError | undefined
  /** For those of Ollama: what is on its disk, and the capabilities in its words. */
  installed?: {
    size: number | null
    modifiedAt: string | null
    digest: string | null
    loaded: boolean
    capabilities: string[]
  }
}

export type ProviderSettings = {
  /** Null for the providers of the settings. */
  id: string | null
  name: string
  /** The models that are offered instead of those that the provider lists. */
  models?: ConfiguredModel[]
  maxParallel?: number | undefined
  prices?: Prices
}

/** How the models of a kind of provider are listed and called. */
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
  /** The context window that the settings name. */
  contextTokens: number | undefined
}
