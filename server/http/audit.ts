import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Values for the audit log that replace the caller, the declared action and the path's parameters. */
    audited: { actorId?: string; action?: string; target?: string } | undefined
  }
}

export type RecordAudit = (event: {
  actorId: string | null
  action: string
  target: string | null
  address: string
}) => Promise<void>

/** Records operations that declare an audit action before their response is sent, and failed sign-ins. */
export function recordAudit(app: FastifyInstance, record: RecordAudit): void {
  app.decorateRequest('audited')
  app.addHook('onSend', async (request, reply, payload) => {
    const declared = request.routeOptions.config.operation?.audit
    const { actorId, action = declared, target } = request.audited ?? {}
    const isFailure = reply.statusCode >= 400
    if (action === undefined || (isFailure && declared !== 'session.create')) return
    const parameters = Object.values(request.params as Record<string, string>).join('/')
    try {
      await record({
        actorId: actorId ?? request.caller?.userId ?? null,
        action: isFailure ? `${declared}_failed` : action,
        target:
          target ?? ([parameters, createdId(reply.statusCode, payload)].filter(Boolean).join('/') || null),
        address: request.ip,
      })
    } catch (error) {
      // The operation has taken effect, so its response must not become an error.
      request.log.error({ err: error, action: declared }, 'could not write the audit log')
    }
  })
}

/** Returns the id of the object that a response describes, if the request has created it. */
function createdId(status: number, payload: unknown): string | undefined {
  if (status !== 201 || typeof payload !== 'string') return undefined
  const { id } = JSON.parse(payload) as { id?: string }
  return id
}
