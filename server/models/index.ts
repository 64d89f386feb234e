export { type Sentence, sentencesOf } from './extractive/sentences.ts'
export { type Models, type ModelsConfig, models } from './models.ts'
export type { ChatMessage, ChatModel, ChosenModel, Embedder, TokenUsage } from './port.ts'
