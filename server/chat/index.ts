export { type AskOptions, type Chat, chat, type StartedTurn as Asked } from './chat.ts'
export type { Beginning, Dialect, Ending } from './dialect.ts'
export { chatRoutes } from './routes.ts'
