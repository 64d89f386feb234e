import { createInterface } from 'node:readline'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import type { Command } from './command.ts'
import { isRunning, localAddress } from './connection.ts'

/** Sends one message of the client to the MCP server. */
type Send = (line: string, headers: Headers, signal: AbortSignal) => Promise<Response>

/** The members of a JSON-RPC message that this program reads. */
type Message = {
  id?: unknown
  method?: unknown
  params?: { name?: unknown; uri?: unknown; requestId?: unknown; _meta?: Record<string, unknown> }
}

const internalError = -32603

export const mcp: Command = {
  usage: '',
  details: `MCP clients start this command; docs/mcp.md shows their configuration. It uses a running server, or opens the database
of DATA_DIR and acts as its owner. It exits when its input ends.`,
  run: ({ config, server }) => serveMcp(config(), server),
}

/** Returns the exit code. */
async function serveMcp(
  config: Config,
  { url, apiKey }: { url: string | undefined; apiKey: string | undefined },
): Promise<number> {
  const server = url ?? localAddress(config)
  if (url !== undefined || (await isRunning(server))) {
    const endpoint = new URL('/mcp', server)
    await serve((body, headers, signal) => {
      if (apiKey !== undefined) headers.set('authorization', `Bearer ${apiKey}`)
      return fetch(endpoint, { method: 'POST', headers, body, signal })
    })
    return 0
  }
  try {
    await using app = await createApp(config)
    await app.runs.open()
    await app.jobs.open()
    const origin = { caller: await app.accounts.owner(), ip: '127.0.0.1', onRun: () => {} }
    await serve((line, headers, signal) => {
      const request = new Request('http://localhost/mcp', { method: 'POST', headers, signal })
      return app.mcp.handle(request, JSON.parse(line), origin)
    })
    return 0
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'data_dir_in_use') throw thrown
    process.stderr.write(
      `A server is using the data directory ${config.dataDir}. Set GABEE_URL to its address, or PORT to its port.\n`,
    )
    return 1
  }
}

/** Forwards messages and writes the responses of the server, one message per line. */
async function serve(send: Send): Promise<void> {
  const open = new Map<unknown, AbortController>()
  const lines = createInterface({ input: process.stdin })
  process.once('SIGINT', () => lines.close()).once('SIGTERM', () => lines.close())
  for await (const line of lines) {
    if (line.trim() === '') continue
    const message = parse(line)
    if (message.method === 'notifications/cancelled') {
      open.get(message.params?.requestId)?.abort()
      continue
    }
    const controller = new AbortController()
    open.set(message.id, controller)
    void exchange(send, line, message, controller.signal).finally(() => open.delete(message.id))
  }
  for (const controller of open.values()) controller.abort()
}

async function exchange(send: Send, line: string, message: Message, signal: AbortSignal): Promise<void> {
  try {
    const response = await send(line, headersOf(message), signal)
    if (response.headers.get('content-type')?.includes('text/event-stream') && response.body) {
      const events = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())
      for await (const { data } of events) write(data)
      return
    }
    const text = await response.text()
    if (text.includes('"jsonrpc"')) write(text)
    else if (!response.ok)
      throw new Error(detailOf(text) ?? `The server answered with status ${response.status}.`)
  } catch (error) {
    if (signal.aborted || message.id === undefined) return
    const problem = { code: internalError, message: (error as Error).message }
    write(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: problem }))
  }
}

/** Protocol versions from 2026 on repeat parts of the message in headers. */
function headersOf({ method, params }: Message): Headers {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  })
  const version = params?._meta?.['io.modelcontextprotocol/protocolVersion']
  if (typeof version !== 'string') return headers
  headers.set('mcp-protocol-version', version)
  if (typeof method === 'string') headers.set('mcp-method', method)
  const name = params?.name ?? params?.uri
  if (typeof name === 'string') headers.set('mcp-name', name)
  return headers
}

function parse(line: string): Message {
  try {
    return JSON.parse(line) as Message
  } catch {
    return {}
  }
}

/** Returns the message of an error response. */
const detailOf = (text: string) => (parse(text) as { detail?: string }).detail

const write = (message: string) => void process.stdout.write(`${message.replaceAll('\n', ' ')}\n`)
