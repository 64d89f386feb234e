import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { defineError } from '../errors.ts'
import { bearerToken } from './access.ts'
import type { OriginCheck } from './origin.ts'

/** A gauge of a module, read at each scrape. Its name gets the prefix `gabee_`. */
export type Metric =
  | { help: string; read: () => number | Promise<number> }
  | { help: string; labels: string[]; read: () => Promise<LabelledValue[]> }

type LabelledValue = { labels: Record<string, string>; value: number }

const metricsForbidden = defineError(
  403,
  'metrics_are_private',
  () => 'Metrics are available from the machine itself, or with METRICS_TOKEN as a bearer token.',
)

/** Serves GET /metrics in the text format of Prometheus: the process, requests by route, and the metrics of the modules. */
export function serveMetrics(
  app: FastifyInstance,
  {
    metrics,
    token,
    origins,
  }: { metrics: Record<string, Metric>; token: string | null; origins: OriginCheck },
): void {
  const registry = new Registry()
  const registers = [registry]

  const requests = new Histogram({
    name: 'gabee_http_request_duration_seconds',
    help: 'Time from a request to the end of its response, by route. Streams last as long as their reader is connected.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    // The template of the route: the URL itself would create a series for every id.
    const route = request.is404 ? '(none)' : (request.routeOptions.url ?? '(none)')
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })

  collectDefaultMetrics({ register: registry })
  for (const [name, metric] of Object.entries(metrics)) {
    new Gauge({
      name: `gabee_${name}`,
      help: metric.help,
      labelNames: 'labels' in metric ? metric.labels : [],
      registers,
      async collect() {
        if (!('labels' in metric)) return this.set(await metric.read())
        this.reset()
        for (const { labels, value } of await metric.read()) this.set(labels, value)
      },
    })
  }

  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = token === null ? null : digest(token)

  app.get('/metrics', { schema: { hide: true }, config: { access: 'public' } }, async (request, reply) => {
    const given = bearerToken(request.headers.authorization)
    const byToken = expected !== null && given !== undefined && timingSafeEqual(digest(given), expected)
    const isLocal =
      origins.isFromThisMachine(request) && origins.isHostExpected(request) && !request.isFromOtherOrigin
    if (!byToken && !isLocal) throw metricsForbidden()
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}
