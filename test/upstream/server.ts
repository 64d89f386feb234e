import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Script, type SeenRequest, seen } from './script.ts'

export type Options = {
  /** 0, a free one, when left out. */
  port?: number
  /** A request for an answer, a vector or a download that nobody scripted is refused, and disposing then throws. */
  strict?: boolean
}

type Handler = (request: SeenRequest, response: ServerResponse, script: Script | undefined) => Promise<void>

/** A scripted model service: a real HTTP server on 127.0.0.1. */
export type Upstream = {
  readonly url: string
  readonly requests: SeenRequest[]
  /** The next requests to this path are answered so, one after the other. */
  script(path: string, ...scripts: Script[]): void
  /** Every request to this path that has no script of its own is answered so. */
  always(path: string, script: Script | undefined): void
  /** The requests to a path so far. */
  to(path: string): SeenRequest[]
  /** Resolves with the nth (from 1) request to a path, once it has come. */
  arrival(path: string, nth?: number): Promise<SeenRequest>
  [Symbol.asyncDispose](): Promise<void>
}

/** `routes` are keyed "POST /api/chat"; those in `scripted` need a script in strict mode. */
export async function startServer(
  routes: Record<string, Handler>,
  scripted: string[],
  options: Options,
): Promise<Upstream> {
  const requests: SeenRequest[] = []
  const queues = new Map<string, Script[]>()
  const standing = new Map<string, Script>()
  const unexpected: string[] = []
  const waiting = new Set<() => void>()

  const server = createServer((incoming, response) => {
    const failed = (error: unknown) => {
      unexpected.push(String(error))
      response.destroy()
    }
    void (async () => {
      incoming.socket.setNoDelay(true)
      const request = await seen(incoming, response)
      const name = `${request.method} ${request.path}`
      const handler = routes[name]
      const script = queues.get(request.path)?.shift() ?? standing.get(request.path)
      requests.push(request)
      for (const look of waiting) look()
      const isMissing = options.strict && scripted.includes(name) && script === undefined
      if (handler && !isMissing) return handler(request, response, script)
      unexpected.push(`${name} ${JSON.stringify(request.body).slice(0, 300)}`)
      json(response, handler ? 500 : 404, { error: handler ? 'nobody scripted this request' : 'not found' })
    })().catch(failed)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const to = (path: string) => requests.filter((request) => request.path === path)

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    script: (path, ...scripts) => void queues.set(path, [...(queues.get(path) ?? []), ...scripts]),
    always: (path, script) => void (script ? standing.set(path, script) : standing.delete(path)),
    to,
    arrival: (path, nth = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const request = to(path)[nth - 1]
          if (!request) return
          waiting.delete(look)
          resolve(request)
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      if (options.strict && unexpected.length > 0)
        throw new Error(`requests that nobody expected:\n${unexpected.join('\n')}`)
    },
  }
}

export function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
