import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startApp } from './app.ts'
import { ask, createConversation, registerUser, uploadFiles } from './builders.ts'
import { startOllama } from './model-servers.ts'
import { parseMetrics, sumOf } from './prometheus.ts'

type OtlpSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, string> }[]
  status: { code?: number }
}

/** A receiver of traces over OTLP/HTTP in JSON. */
async function startCollector() {
  const spans: OtlpSpan[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const { resourceSpans } = (await json(request)) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[]
    }
    const isExpected = request.url === '/v1/traces' && request.headers.authorization === 'Bearer abc'
    if (isExpected)
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
    response.writeHead(isExpected ? 200 : 400, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => void receive(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Checks the metrics of a server that has answered questions about one document. */
async function checkMetrics(body: string, answers: number): Promise<void> {
  const metrics = parseMetrics(body)
  const count = (name: string, labels = {}) => sumOf(metrics, `gabee_${name}`, labels)
  const seconds = (name: string, labels = {}) => count(`${name}_seconds_count`, labels)
  expect(seconds('first_token', { provider: 'ollama' })).toBe(answers)
  expect(seconds('run_duration', { kind: 'chat', outcome: 'ok' })).toBe(answers)
  expect(seconds('run_duration', { kind: 'chat', outcome: 'error' })).toBe(1)
  expect(seconds('model_request_duration', { operation: 'chat', outcome: 'ok' })).toBe(answers)
  expect(seconds('retrieval_duration', { mode: 'hybrid', outcome: 'ok' })).toBeGreaterThan(answers)
  expect(seconds('database_statement_duration')).toBeGreaterThan(answers)
  expect(count('model_tokens_total', { type: 'completion' })).toBeGreaterThan(answers)
  expect(count('model_queue', { provider: 'ollama', state: 'waiting' })).toBe(0)
  expect(count('ingested_documents_total', { outcome: 'added' })).toBe(1)
  expect(count('ingested_documents_total', { outcome: 'failed' })).toBe(1)
  expect(count('ingested_passages_total')).toBe(1)
  expect(count('runs', { kind: 'chat', status: 'complete' })).toBe(answers)
  expect(count('database', { figure: 'connections' })).toBe(1)
  expect(count('jobs')).toBeGreaterThan(0)

  const dashboard = await readFile(new URL('../deploy/grafana.json', import.meta.url), 'utf8')
  const shown = dashboard.match(/\b(?:gabee|nodejs|process)_\w+(?=\{)/g) ?? []
  const names = new Set([...metrics.values()].flatMap(({ samples }) => samples.map(({ name }) => name)))
  expect(
    shown.filter((name) => !names.has(name)),
    'the dashboard shows what exists',
  ).toEqual([])
}

/** Checks the traces of the same server. `traceId` is that of a question; `texts` must not be in any span. */
function checkTraces(spans: OtlpSpan[], traceId: string, texts: string[]): void {
  const trace = spans.filter((span) => span.traceId === traceId)
  const find = (name: string) => {
    const found = trace.find((span) => span.name === name)
    if (!found) throw new Error(`No span ${name} in ${trace.map((span) => span.name).join(', ')}.`)
    const attributes = found.attributes.map(({ key, value }) => [key, Object.values(value)[0]])
    return { ...found, attributes: Object.fromEntries(attributes) as Record<string, unknown> }
  }
  const request = find('POST /chat/stream')
  expect(request).toMatchObject({ kind: 2, parentSpanId: '00f067aa0ba902b7', status: {} })
  expect(request.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/chat/stream',
    'http.response.status_code': '200',
  })
  const run = find('run chat')
  expect(run).toMatchObject({ kind: 1, parentSpanId: request.spanId })
  expect(run.attributes).toMatchObject({ 'gabee.kind': 'chat', 'gabee.outcome': 'ok' })
  expect(Number(run.attributes['gabee.db.statements'])).toBeGreaterThan(0)
  expect(find('retrieval')).toMatchObject({ parentSpanId: run.spanId })
  const model = find('chat llama3.2:1b')
  expect(model).toMatchObject({ kind: 3, parentSpanId: run.spanId })
  expect(model.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'ollama',
    'gen_ai.usage.output_tokens': expect.stringMatching(/^\d+$/) as string,
  })
  expect(BigInt(model.endTimeUnixNano)).toBeGreaterThan(BigInt(run.startTimeUnixNano))
  expect(
    spans.every((span) => /^[0-9a-f]{32}$/.test(span.traceId) && /^[0-9a-f]{16}$/.test(span.spanId)),
  ).toBe(true)
  for (const text of texts) expect(JSON.stringify(spans)).not.toContain(text)
}

test('metrics and traces cover the work of a server, without user content', async () => {
  await using collector = await startCollector()
  await using ollama = await startOllama()
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  let logged: Record<string, unknown>[] = []
  {
    await using app = await startApp(
      {
        OLLAMA_BASE_URL: ollama.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc',
        LOG_LEVEL: 'warn',
      },
      'embedded',
    )
    const { client, session } = await registerUser(app)
    await uploadFiles(client, [
      { name: 'keeper.md', content: '# Lighthouse\n\nThe keeper writes notes every evening.\n' },
      { name: 'unreadable.bin', content: '\u0000\u0001' },
    ])
    const { id } = await createConversation(client, 'local')
    await ask(client, id, 'What does the keeper write?', {
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    })
    await ask(client, id, 'Is this asked without a trace?', {
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' },
    })
    ollama.script('/api/chat', { status: 400, message: 'The secret of the model' })
    await ask(client, id, 'What fails?', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })
    await checkMetrics((await app.get<string>('/metrics')).body, 2)
    const logs = await app.as(session.token).get<{ lines: Record<string, unknown>[] }>('/admin/logs')
    logged = logs.body.lines
  }
  checkTraces(collector.spans, traceId, ['keeper', 'secret', 'lighthouse', 'unreadable'])
  expect(collector.spans.some((span) => span.traceId.startsWith('0af7'))).toBe(false)
  expect(collector.spans.find(({ name, status }) => name === 'run chat' && status.code === 2)).toBeDefined()
  expect(logged.find(({ msg }) => msg === 'a run failed')).toMatchObject({ trace_id: traceId })
})
