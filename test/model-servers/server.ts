import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ReceivedRequest, receiveRequest, type Script } from './script.ts'

export type Options = {
  /** Defaults to any free port. */
  port?: number
  /** Refuses an unscripted request for an answer, an embedding or a download; disposing then throws. */
  strict?: boolean
}

type Handler = (
  request: ReceivedRequest,
  response: ServerResponse,
  script: Script | undefined,
) => Promise<void>

/** A scripted model server: a real HTTP server on 127.0.0.1. */
export type ScriptedServer = {
  readonly url: string
  readonly requests: ReceivedRequest[]
  /** Queues scripts for the next requests to this path. */
  script(path: string, ...scripts: Script[]): void
  /** Sets the script of every request to this path that has none queued. */
  always(path: string, script: Script | undefined): void
  /** Returns the requests to a path so far. */
  requestsTo(path: string): ReceivedRequest[]
  /** Resolves with the nth request to a path (from 1) once it has arrived. */
  waitForRequest(path: string, nth?: number): Promise<ReceivedRequest>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a server. `routes` have keys like "POST /api/chat"; those in `scripted` require a script in strict mode. */
export async function startScriptedServer(
  routes: Record<string, Handler>,
  scripted: string[],
  options: Options,
): Promise<ScriptedServer> {
  const requests: ReceivedRequest[] = []
  const queues = new Map<string, Script[]>()
  const defaults = new Map<string, Script>()
  const unexpected: string[] = []
  const waiting = new Set<() => void>()

  const server = createServer((incoming, response) => {
    const failed = (error: unknown) => {
      unexpected.push(String(error))
      response.destroy()
    }
    void (async () => {
      incoming.socket.setNoDelay(true)
      const request = await receiveRequest(incoming, response)
      const name = `${request.method} ${request.path}`
      const handler = routes[name]
      const script = queues.get(request.path)?.shift() ?? defaults.get(request.path)
      requests.push(request)
      for (const check of waiting) check()
      const isMissing = options.strict && scripted.includes(name) && script === undefined
      if (handler && !isMissing) return handler(request, response, script)
      unexpected.push(`${name} ${JSON.stringify(request.body).slice(0, 300)}`)
      json(response, handler ? 500 : 404, { error: handler ? 'this request has no script' : 'not found' })
    })().catch(failed)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const requestsTo = (path: string) => requests.filter((request) => request.path === path)

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    script: (path, ...scripts) => void queues.set(path, [...(queues.get(path) ?? []), ...scripts]),
    always: (path, script) => void (script ? defaults.set(path, script) : defaults.delete(path)),
    requestsTo,
    waitForRequest: (path, nth = 1) =>
      new Promise((resolve) => {
        const check = () => {
          const request = requestsTo(path)[nth - 1]
          if (!request) return
          waiting.delete(check)
          resolve(request)
        }
        waiting.add(check)
        check()
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      if (options.strict && unexpected.length > 0)
        throw new Error(`unexpected requests:\n${unexpected.join('\n')}`)
    },
  }
}

export function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
