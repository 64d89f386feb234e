export { type Accounts, type AccountsParts, accounts, type Mode, type Person } from './accounts.ts'
export { isReservedHandle } from './handles.ts'
export { type AveeQuestions, accountRoutes } from './routes.ts'
