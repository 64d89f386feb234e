import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { mcp as operation } from '../../../contract/mcp.ts'
import { callerOf } from '../../http/caller.ts'
import { disconnectSignal } from '../../http/disconnect-signal.ts'
import { route } from '../../http/route.ts'
import type { Mcp } from './mcp.ts'

/** POST /mcp: the MCP server over Streamable HTTP. */
export const mcpRoutes =
  ({ mcp }: { mcp: Mcp }): FastifyPluginAsync =>
  async (app) => {
    app.addHook('preClose', mcp.close)

    route(app, operation, async (request, typedReply) => {
      // The status and the media type are those of the protocol.
      const reply = typedReply as FastifyReply
      const headers = new Headers()
      for (const [name, value] of Object.entries(request.headers))
        if (/^(?:accept|content-type|mcp-[\w-]+)$/.test(name)) headers.set(name, String(value))
      const signal = disconnectSignal(reply)
      const started = Promise.withResolvers<void>()
      const response = await mcp.handle(
        new Request(`http://${request.host}/mcp`, { method: 'POST', headers, signal }),
        request.body,
        {
          caller: callerOf(request),
          ip: request.ip,
          onRun: (runId) => {
            if (!reply.raw.headersSent) void reply.header('x-run-id', runId)
            started.resolve()
          },
        },
      )
      void reply.code(response.status).headers(Object.fromEntries(response.headers))
      if (!response.body) return reply.send()
      const body = Readable.fromWeb(response.body as ReadableStream)
      // The headers are sent after the start of the run, because they contain its id.
      await Promise.race([started.promise, once(body, 'readable', { signal })]).catch(() => undefined)
      return reply.header('x-accel-buffering', 'no').send(body)
    })
  }
