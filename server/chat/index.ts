export { type Asked, type AskOptions, type Chat, chat } from './chat.ts'
export type { Beginning, Dialect, Ending } from './dialect.ts'
export { chatRoutes } from './routes.ts'
