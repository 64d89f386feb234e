import type { FastifyInstance } from 'fastify'
import type { Span, Tracer } from '../telemetry/index.ts'

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined
  }
}

/** Health probes and metrics would make up most of the traces. */
const untraced = /^\/(?:health|metrics)(?:\/|$)/

/** Traces requests with method, route and status, but without the URL, which may contain user input. */
export function traceRequests(app: FastifyInstance, tracer: Tracer): void {
  app.decorateRequest('span')
  app.addHook('onRequest', (request, _reply, done) => {
    const { url: route } = request.routeOptions
    if (untraced.test(route ?? '')) return done()
    const traceparent = request.headers['traceparent']
    const name = route === undefined ? request.method : `${request.method} ${route}`
    request.span = tracer.start(name, 'server', typeof traceparent === 'string' ? traceparent : undefined)
    request.span.run(done)
  })
  // The body was read outside of the span.
  app.addHook('preValidation', ({ span }, _reply, done) => (span ? span.run(done) : done()))
  app.addHook('onResponse', (request, reply, done) => {
    const { span } = request
    if (span === undefined) return done()
    const { statusCode } = reply
    span.end(
      {
        'http.request.method': request.method,
        'http.route': request.routeOptions.url,
        'http.response.status_code': statusCode,
        'gabee.request_id': request.id,
      },
      statusCode >= 500 ? `${statusCode}` : undefined,
    )
    span.run(done)
  })
}
