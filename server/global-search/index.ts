export { type GlobalSearch, globalSearch } from './global-search.ts'
export { globalSearchRoutes } from './routes.ts'
