import {
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type Tool,
} from '@modelcontextprotocol/server'
import * as z from 'zod/mini'
import { type McpTool, mcpTools } from '../../../contract/mcp.ts'
import { type AppError, toAppError } from '../../errors.ts'
import { describeIssue, invalidRequest } from '../../http/invalid-request.ts'
import type { Log } from '../../log.ts'
import { toolScopeMissing } from './errors.ts'
import { documentResources } from './resources.ts'
import { type ToolCall, type ToolDependencies, tools } from './tools.ts'

/** The parts of a call that are the same for one HTTP request or connection. */
export type Origin = Pick<ToolCall, 'caller' | 'ip' | 'onRun'>

const instructions =
  'Gabee keeps documents and memories of the user in avees, AI personas. Search or read documents, ask an avee for an answer with citations, and remember or recall what the user said.'

const uriPrefix = 'gabee://documents/'

const listedTools = Object.entries(mcpTools).map(([name, tool]: [string, McpTool]): Tool => {
  const schema = (one: z.ZodMiniObject, io: 'input' | 'output') =>
    z.toJSONSchema(one, { io, unrepresentable: 'any' }) as Tool['inputSchema']
  return {
    name,
    title: tool.title,
    description: tool.description,
    inputSchema: schema(tool.input, 'input'),
    outputSchema: schema(tool.output, 'output'),
    annotations: { readOnlyHint: tool.scope === 'read', destructiveHint: false, openWorldHint: false },
  }
})

/** The MCP server: tools and document resources, within the current access of each caller. */
export function mcp({ log, version, ...dependencies }: ToolDependencies & { log: Log; version: string }) {
  const implementations = tools(dependencies)
  const resources = documentResources(dependencies)

  async function callTool(name: string, given: unknown, call: ToolCall): Promise<CallToolResult> {
    if (!Object.hasOwn(mcpTools, name))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool "${name}".`)
    const tool: McpTool = mcpTools[name as keyof typeof mcpTools]
    const run = implementations[name as keyof typeof mcpTools] as (
      input: unknown,
      call: ToolCall,
    ) => Promise<object>
    try {
      if (call.caller.scopes?.includes(tool.scope) === false) throw toolScopeMissing(tool.scope)
      const input = tool.input.safeParse(given ?? {}, { error: describeIssue })
      if (!input.success) throw invalidRequest('arguments', input.error.issues)
      const result = tool.output.parse(await run(input.data, call)) as Record<string, unknown>
      return { structuredContent: result, content: [{ type: 'text', text: JSON.stringify(result) }] }
    } catch (thrown) {
      return { isError: true, content: [{ type: 'text', text: explain(thrown).message }] }
    }
  }

  /** Returns the error for the client and logs its cause. */
  function explain(thrown: unknown): AppError {
    const error = toAppError(thrown)
    if (error.status >= 500) log.error({ err: error.cause ?? error, code: error.code }, error.message)
    return error
  }

  function createServer(origin: Origin): Server {
    const server = new Server(
      { name: 'gabee', title: 'Gabee', version },
      { capabilities: { tools: {}, resources: {} }, instructions },
    )
    server.setRequestHandler('tools/list', () => ({ tools: listedTools }))
    server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken
      return await callTool(params.name, params.arguments, {
        ...origin,
        signal: mcpReq.signal,
        onProgress:
          progressToken === undefined
            ? undefined
            : (progress) =>
                mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } }),
      })
    })
    server.setRequestHandler('resources/list', async ({ params }) => {
      const { documents, next } = await resources.list(origin.caller, params?.cursor).catch((thrown) => {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, explain(thrown).message)
      })
      return {
        resources: documents.map(({ id, title, filename, updated_at }) => ({
          uri: `${uriPrefix}${id}`,
          name: filename ?? title,
          title,
          mimeType: 'text/plain',
          annotations: { lastModified: updated_at.toISOString() },
        })),
        ...(next === null ? {} : { nextCursor: next }),
      }
    })
    server.setRequestHandler('resources/templates/list', () => ({
      resourceTemplates: [
        {
          uriTemplate: `${uriPrefix}{document_id}`,
          name: 'document',
          title: 'The text of a document',
          mimeType: 'text/plain',
        },
      ],
    }))
    server.setRequestHandler('resources/read', async ({ params: { uri } }) => {
      if (!uri.startsWith(uriPrefix)) throw new ResourceNotFoundError(uri)
      try {
        const text = await resources.read(origin.caller, uri.slice(uriPrefix.length))
        return { contents: [{ uri, mimeType: 'text/plain', text }] }
      } catch (thrown) {
        throw new ResourceNotFoundError(uri, explain(thrown).message)
      }
    })
    return server
  }

  const handler = createMcpHandler(({ authInfo }) => createServer(authInfo?.extra?.['origin'] as Origin), {
    onerror: (error) => log.debug({ err: error }, 'MCP request refused'),
  })

  return {
    /** Serves one HTTP request of the protocol; `body` is its parsed JSON. */
    handle: (request: Request, body: unknown, origin: Origin): Promise<Response> =>
      handler.fetch(request, {
        parsedBody: body,
        authInfo: { token: '', clientId: origin.caller.userId, scopes: [], extra: { origin } },
      }),

    /** Ends open subscriptions. */
    close: handler.close,
  }
}

export type Mcp = ReturnType<typeof mcp>
