export { type AskOptions, type Chat, chat, type StartedTurn } from './chat.ts'
export type { ChatEvents, Protocol, RenderedAnswer } from './events.ts'
export { chatRoutes } from './routes.ts'
export type { FoundConversation } from './search.ts'
