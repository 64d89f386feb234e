export { type Accounts, accounts } from './accounts.ts'
export { handleReserved, handleTaken, userNotFound } from './errors.ts'
export { isReservedHandle } from './handles.ts'
export { accountRoutes } from './routes.ts'
