export { toolRoutes } from './routes.ts'
export type { OfferedToolRow } from './store.ts'
export { type AveeTool, prepareCall, type ToolContext, type ToolResult } from './tool.ts'
export { type Tools, tools } from './tools.ts'
