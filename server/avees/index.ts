export { type Avees, avees } from './avees.ts'
export { notTheOwner } from './errors.ts'
export { aveeRoutes } from './routes.ts'
export type { Avee } from './store.ts'
