import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import type { FastifyInstance } from 'fastify'

/** The maximum number of bytes that are read after a request has failed. */
const maxBytes = 64 * 1024 * 1024
/** A slower client sees a broken connection instead of the response. */
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

async function discardBody(request: IncomingMessage): Promise<void> {
  const tooLarge = new AbortController()
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBytes) tooLarge.abort()
  })
  // A form parser that has failed leaves the request paused.
  request.resume()
  const signal = AbortSignal.any([tooLarge.signal, AbortSignal.timeout(timeoutMs)])
  await finished(request, { writable: false, signal }).catch(() => {})
}
