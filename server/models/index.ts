export { hideQuotations } from './extractive/extractive.ts'
export { type Sentence, splitSentences } from './extractive/sentences.ts'
export { type Models, type ModelsConfig, models } from './models.ts'
export type { ChatMessage, ChatModel, Embedder, SelectedModel, TokenUsage } from './port.ts'
