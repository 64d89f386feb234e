export { checkRequest } from './check-request.ts'
export { hideQuotations } from './extractive/extractive.ts'
export { type Sentence, splitSentences } from './extractive/sentences.ts'
export { generateText } from './generate-text.ts'
export { sumUsage } from './guided-tools.ts'
export { findRuntimeProblem } from './in-process/engine.ts'
export { findChatEngine } from './in-process/llama/install.ts'
export { type Models, type ModelsConfig, models } from './models.ts'
export { isSameModel } from './names.ts'
export type {
  AnsweredBy,
  ChatImage,
  ChatMessage,
  ChatModel,
  ChatRequest,
  Embedder,
  JsonSchema,
  ModelPart,
  ResponseFormat,
  SelectedModel,
  TokenUsage,
  Tool,
  ToolCall,
  ToolChoice,
} from './port.ts'
export { modelRoutes } from './routes.ts'
