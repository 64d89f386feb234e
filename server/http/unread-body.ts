import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** The largest remainder of a body that is read after the request has failed. */
const maxBytes = 64 * 1024 * 1024
const timeoutMs = 10_000

/**
 * Reads and discards the rest of a body before a failed request is answered. Otherwise the connection closes while the
 * client still sends, and a client that sends before it reads sees a broken connection instead of the response.
 */
export function discardUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode >= 400 && !request.raw.complete) await discardBody(request.raw)
    return payload
  })
}

function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const finish = () => {
      clearTimeout(timer)
      request.off('data', count).off('end', finish).off('close', finish).off('error', finish)
      resolve()
    }
    const count = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) finish()
    }
    const timer = setTimeout(finish, timeoutMs)
    request.on('data', count).on('end', finish).on('close', finish).on('error', finish)
    if (request.readableEnded || request.destroyed) finish()
    else request.resume()
  })
}
