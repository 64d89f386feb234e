export { type Deletions, deletions } from './deletions.ts'
export { deletionRoutes } from './routes.ts'
