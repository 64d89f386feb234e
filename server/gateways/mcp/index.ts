export { type Mcp, mcp } from './mcp.ts'
export { mcpRoutes } from './routes.ts'
