import type { ToolKind } from '../../contract/tools.ts'
import { type Message, message } from '../languages/index.ts'

export const toolKindLabels: Record<ToolKind, Message> = {
  openapi: message('HTTP service'),
  mcp: message('MCP server'),
  mcp_stdio: message('Program on the server'),
}
