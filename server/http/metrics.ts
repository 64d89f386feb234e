import { createHash, timingSafeEqual } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import { Gauge, Histogram, Registry } from 'prom-client'
import { defineError } from '../errors.ts'
import { bearerToken } from './access.ts'
import type { OriginCheck } from './origin.ts'

/** A figure of a room, read when the metrics are asked for. Its name gets `gabee_` in front. */
export type Metric =
  | { help: string; read: () => number | Promise<number> }
  | { help: string; labels: string[]; read: () => Promise<LabelledValue[]> }

type LabelledValue = { labels: Record<string, string>; value: number }

const notForYou = defineError(
  403,
  'metrics_are_private',
  () => 'Metrics are read from the machine itself, or with METRICS_TOKEN as a bearer token.',
)

/** GET /metrics in Prometheus' text format: requests by route, the event loop's delay, memory, and the rooms' readings. */
export function serveMetrics(
  app: FastifyInstance,
  {
    readings,
    token,
    origins,
  }: { readings: Record<string, Metric>; token: string | null; origins: OriginCheck },
): void {
  const registry = new Registry()
  const registers = [registry]

  const requests = new Histogram({
    name: 'gabee_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by route. Streams last as long as their reader stays.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    // The route's template: the address itself would make a series for every id.
    const route = request.is404 ? '(none)' : (request.routeOptions.url ?? '(none)')
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })

  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  app.addHook('onClose', async () => void delay.disable())
  new Gauge({
    name: 'gabee_event_loop_delay_seconds',
    help: 'How late the event loop was since the metrics were last read.',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of [50, 99]) {
        this.set({ quantile: String(quantile / 100) }, (delay.percentile(quantile) || 0) / 1e9)
      }
      this.set({ quantile: '1' }, delay.max / 1e9)
      delay.reset()
    },
  })
  new Gauge({
    name: 'gabee_memory_bytes',
    help: 'Memory of the process: resident, and the heap in use.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { rss, heapUsed } = process.memoryUsage()
      this.set({ kind: 'resident' }, rss)
      this.set({ kind: 'heap' }, heapUsed)
    },
  })
  for (const [name, reading] of Object.entries(readings)) {
    new Gauge({
      name: `gabee_${name}`,
      help: reading.help,
      labelNames: 'labels' in reading ? reading.labels : [],
      registers,
      async collect() {
        if (!('labels' in reading)) return this.set(await reading.read())
        this.reset()
        for (const { labels, value } of await reading.read()) this.set(labels, value)
      },
    })
  }

  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = token === null ? null : digest(token)

  app.get('/metrics', { schema: { hide: true }, config: { access: 'public' } }, async (request, reply) => {
    const given = bearerToken(request.headers.authorization)
    const byToken = expected !== null && given !== undefined && timingSafeEqual(digest(given), expected)
    const fromHere =
      origins.isFromThisMachine(request) && origins.isHostExpected(request) && !request.isFromOtherOrigin
    if (!byToken && !fromHere) throw notForYou()
    return await reply.type(registry.contentType).send(await registry.metrics())
  })
}
