export type { CacheStats } from './embeddings/cache.ts'
export { type Models, type ModelsConfig, models } from './models.ts'
export type {
  ChatMessage,
  ChatModel,
  ChatRequest,
  ChosenModel,
  Continuation,
  Embedder,
  GroundingPassage,
  ModelPart,
  TokenUsage,
} from './port.ts'
export { estimateTokens } from './tokens.ts'
