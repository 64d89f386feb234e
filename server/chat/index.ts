export { type AnswerInput, detailsOf, type Sampling, type TurnStorage } from './answer.ts'
export { attachmentRoutes } from './attachment-routes.ts'
export { type Chat, chat } from './chat.ts'
export { answerStopped, answerUnfinished } from './errors.ts'
export {
  type ChatEvents,
  mergeTokens,
  type Protocol,
  protocolRenderer,
  type RenderedAnswer,
  type Rendering,
  type StoredComplete,
  textOf,
} from './events.ts'
export { exportMarkdown } from './export.ts'
export { generate } from './generate.ts'
export { importRoutes } from './import-routes.ts'
export { chatRoutes } from './routes.ts'
export type { FoundConversation } from './search.ts'
export type { AskOptions, StartedTurn } from './start-turn.ts'
export { useRoutes } from './use-routes.ts'
