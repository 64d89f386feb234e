export { type Accounts, accounts } from './accounts.ts'
export { isReservedHandle } from './handles.ts'
export { accountRoutes } from './routes.ts'
