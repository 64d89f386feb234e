import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { Log } from '../log.ts'

/** The destination of traces: `endpoint` is the base address, to which /v1/traces is added. */
export type TracingSettings = {
  endpoint: string
  headers: Record<string, string>
  serviceName: string
  version: string
}

export type Attributes = Record<string, string | number | boolean | undefined>

/** The kinds of spans of OTLP: inside this server, a request to it, a request to another server. */
const kinds = { internal: 1, server: 2, client: 3 }
const statusError = 2

/** The maximum delay of spans, and the maximum number per request. */
const flushMs = 2_000
const maxBatch = 512
/** Spans beyond these are dropped while the receiver does not respond. */
const maxQueued = 4_096
const exportTimeoutMs = 3_000

export type Span = {
  readonly traceId: string
  readonly spanId: string
  /** Whether the span is exported; a caller that sends a traceparent decides. */
  readonly isSampled: boolean
  /** Calls `work`; spans that begin in it are children of this one. */
  run<T>(work: () => T): T
  /** Counts a database statement. */
  countStatement(): void
  /** Ends the span. A failure is exported as its code only, because messages may quote user content. */
  end(attributes?: Attributes, errorType?: string): void
}

export type Tracer = ReturnType<typeof createTracer>

/**
 * Records spans and sends them in OTLP as JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The official exporter
 * with its SDK takes 20 MB.
 */
export function createTracer({ endpoint, headers, serviceName, version }: TracingSettings, log: Log) {
  const storage = new AsyncLocalStorage<Span>()
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const resource = { attributes: toOtlp({ 'service.name': serviceName, 'service.version': version }) }
  const queue: object[] = []
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined
  let hasFailed = false

  async function send(spans: object[]): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'gabee' }, spans }] }],
      }),
      signal: AbortSignal.timeout(exportTimeoutMs),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`The receiver of traces answered ${response.status}.`)
  }

  async function drain(): Promise<void> {
    try {
      while (queue.length > 0) await send(queue.splice(0, maxBatch))
      hasFailed = false
    } catch (error) {
      if (!hasFailed) log.warn({ err: error }, 'traces could not be sent')
      hasFailed = true
    }
    sending = undefined
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    await (sending ??= drain())
  }

  function enqueue(span: object): void {
    if (queue.length >= maxQueued) return
    queue.push(span)
    if (queue.length >= maxBatch) void flush()
    else timer ??= setTimeout(() => void flush(), flushMs).unref()
  }

  return {
    current: () => storage.getStore(),

    /** Returns the log fields that identify the current span. */
    logFields(): Record<string, string> {
      const { traceId, spanId } = storage.getStore() ?? {}
      return traceId === undefined || spanId === undefined ? {} : { trace_id: traceId, span_id: spanId }
    },

    /** Begins a span: a child of the current one, else of `traceparent` (W3C Trace Context), else of none. */
    start(name: string, kind: keyof typeof kinds, traceparent?: string): Span {
      const remote = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '')
      const parent = storage.getStore()
      const traceId = parent?.traceId ?? remote?.[1] ?? randomBytes(16).toString('hex')
      const parentSpanId = parent?.spanId ?? remote?.[2]
      const spanId = randomBytes(8).toString('hex')
      const isSampled = parent?.isSampled ?? (Number.parseInt(remote?.[3] ?? '01', 16) & 1) === 1
      const startTimeUnixNano = now()
      let statements = 0
      const span: Span = {
        traceId,
        spanId,
        isSampled,
        run: (work) => storage.run(span, work),
        countStatement() {
          statements += 1
        },
        end(attributes = {}, errorType) {
          if (!isSampled) return
          enqueue({
            traceId,
            spanId,
            parentSpanId,
            name,
            kind: kinds[kind],
            startTimeUnixNano,
            endTimeUnixNano: now(),
            attributes: toOtlp({
              ...attributes,
              'gabee.db.statements': statements || undefined,
              'error.type': errorType,
            }),
            status: errorType === undefined ? {} : { code: statusError },
          })
        },
      }
      return span
    },

    /** Sends the remaining spans. */
    [Symbol.asyncDispose]: flush,
  }
}

/** Nanoseconds since 1970, to the microsecond. */
const now = (): string => `${Math.round((performance.timeOrigin + performance.now()) * 1_000)}000`

const toOtlp = (attributes: Attributes) =>
  Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      key,
      value:
        typeof value === 'number'
          ? Number.isInteger(value)
            ? { intValue: `${value}` }
            : { doubleValue: value }
          : typeof value === 'boolean'
            ? { boolValue: value }
            : { stringValue: value },
    }))
