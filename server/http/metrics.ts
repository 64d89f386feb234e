import { createHash, timingSafeEqual } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import { defineError } from '../errors.ts'
import { bearerToken } from './access.ts'
import type { OriginCheck } from './origin.ts'

/** A metric of a module, read at each scrape; a gauge unless it is a counter. Its name gets the prefix `gabee_`. */
export type Metric =
  | { help: string; isCounter: true; read: () => number }
  | { help: string; read: () => number | Promise<number> }
  | { help: string; labels: string[]; read: () => Promise<LabelledValue[]> }

type LabelledValue = { labels: Record<string, string>; value: number }

/** The timeout of a metric, which is then omitted, so that the others are available without the database. */
const readTimeoutMs = 2_000

const metricsForbidden = defineError(
  403,
  'metrics_are_private',
  () => 'Metrics are available from the machine itself, or with METRICS_TOKEN as a bearer token.',
)

/**
 * Serves GET /metrics in the text format of Prometheus: metrics of the process, of requests by route, of the registry
 * and of the modules.
 */
export function serveMetrics(
  app: FastifyInstance,
  {
    registry,
    metrics,
    token,
    origins,
  }: { registry: Registry; metrics: Record<string, Metric>; token: string | null; origins: OriginCheck },
): void {
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
  for (const [name, metric] of Object.entries(metrics)) addMetric(registry, `gabee_${name}`, metric)

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

function addMetric(registry: Registry, name: string, metric: Metric): void {
  const { help } = metric
  const registers = [registry]
  if ('isCounter' in metric)
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(metric.read())
      },
    })
  else
    new Gauge({
      name,
      help,
      labelNames: 'labels' in metric ? metric.labels : [],
      registers,
      async collect() {
        const value = await readInTime<number | LabelledValue[]>(metric.read)
        if (typeof value === 'number') return this.set(value)
        this.reset()
        if (value === undefined) this.remove()
        else for (const { labels, value: each } of value) this.set(labels, each)
      },
    })
}

async function readInTime<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  const value = (async () => read())().catch(() => undefined)
  const timeout = new AbortController()
  try {
    return await Promise.race([value, pause(readTimeoutMs, undefined, { signal: timeout.signal })])
  } finally {
    timeout.abort()
  }
}
