import type { Client, Transport } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { ToolFunction } from '../../db/index.ts'
import type { publicClient } from '../../knowledge/index.ts'
import { badArguments, toolReported, tooManyFunctions } from '../errors.ts'
import { maxDescriptionCharacters, maxFunctions } from './openapi.ts'

/** The maximum size of one message of a program. */
const maxMessageBytes = 4 * 1024 * 1024
const maxPages = 10

/** A server at an address, or a program. */
export type McpServer = { url: string; headers: Record<string, string> } | { command: string; args: string[] }

type HttpClient = ReturnType<typeof publicClient>

const result = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })).catch([]),
  structuredContent: z.unknown().optional(),
})

async function transportTo(server: McpServer, http: HttpClient): Promise<Transport> {
  if ('command' in server) {
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio')
    return new StdioClientTransport({ ...server, stderr: 'ignore', maxBufferSize: maxMessageBytes })
  }
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
  return new StreamableHTTPClientTransport(http.assertAllowed(server.url), {
    fetch: http.fetch,
    requestInit: { headers: server.headers },
  })
}

/** Connects for the duration of `work`; a program is started and stopped with it. */
async function connected<T>(
  server: McpServer,
  http: HttpClient,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  // Loaded on demand, because most servers have no such tools and the library takes 7 MB of memory.
  const { Client, ProtocolError } = await import('@modelcontextprotocol/client')
  const client = new Client({ name: 'gabee', version: '1' })
  try {
    await client.connect(await transportTo(server, http), { signal })
    return await work(client)
  } catch (error) {
    throw error instanceof ProtocolError ? toolReported(error.message) : error
  } finally {
    await client.close().catch(() => undefined)
  }
}

export const listMcpTools = (
  server: McpServer,
  http: HttpClient,
  signal: AbortSignal,
): Promise<ToolFunction[]> =>
  connected(server, http, signal, async (client) => {
    const functions: ToolFunction[] = []
    let cursor: string | undefined
    for (let page = 0; page < maxPages; page += 1) {
      const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor }, { signal })
      for (const { name, description = '', inputSchema, annotations } of tools) {
        if (functions.length >= maxFunctions) throw tooManyFunctions(maxFunctions)
        functions.push({
          name,
          description: description.slice(0, maxDescriptionCharacters),
          parameters: inputSchema,
          read_only: annotations?.readOnlyHint === true,
        })
      }
      cursor = nextCursor
      if (cursor === undefined) break
    }
    return functions
  })

/** Calls a tool and returns the text of its result. @throws AppError with a sentence for the model */
export const callMcpTool = (
  server: McpServer,
  http: HttpClient,
  { name, given, signal }: { name: string; given: Record<string, unknown>; signal: AbortSignal },
): Promise<string> =>
  connected(server, http, signal, async (client) => {
    const parsed = result.safeParse(await client.callTool({ name, arguments: given }, { signal }))
    if (!parsed.success) throw badArguments('the server returned no result')
    const { content, structuredContent, isError } = parsed.data
    const text = content.map((part) => part.text ?? `[${part.type}]`).join('\n')
    if (isError) throw toolReported(text)
    return text === '' && structuredContent !== undefined ? JSON.stringify(structuredContent) : text
  })
