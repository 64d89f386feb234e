export { adminRoutes } from './routes.ts'
export { type AdminDependencies, admin } from './store.ts'
