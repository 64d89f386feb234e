import type { FastifyReply } from 'fastify'

/** A signal that fires when the client leaves before it has its answer. */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort()
  })
  return left.signal
}
