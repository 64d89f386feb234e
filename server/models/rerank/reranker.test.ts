import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Script, type ScriptedServer, startOpenAi } from '../../../test/model-servers.ts'
import { createRerankService } from '../upstream/service.ts'
import { createReranker, scoreOverHttp } from './reranker.ts'

const path = '/v1/rerank'
const { signal } = new AbortController()
const texts = ['The mill stands by the river.', 'Boats berth at the northern quay.', 'Honey was sold.']

let upstream: ScriptedServer
beforeEach(async () => {
  upstream = await startOpenAi()
})
afterEach(() => upstream[Symbol.asyncDispose]())

function open({
  retryAfterMs = 0,
  requestMs = 5_000,
  apiKey,
}: {
  retryAfterMs?: number
  requestMs?: number
  apiKey?: string
} = {}) {
  const lines: string[] = []
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(String(line))
      done()
    },
  })
  const service = createRerankService({ baseUrl: upstream.url, apiKey })
  const log = pino({ level: 'info' }, stream)
  return {
    reranker: createReranker({
      model: 'cross',
      score: scoreOverHttp(service, 'cross', requestMs),
      log,
      retryAfterMs,
    }),
    lines,
  }
}

const answer = (...results: object[]): Script => ({ status: 200, body: JSON.stringify({ results }) })

test('sends a rerank request and returns scores in the order of the texts', async () => {
  const { reranker } = open({ apiKey: 'rr-1' })
  upstream.script(
    path,
    answer(
      { index: 2, relevance_score: 7.5 },
      { index: 0, relevance_score: -3 },
      { index: 1, relevance_score: 0.2 },
    ),
  )
  expect(await reranker.scoreRelevance('Where was honey sold?', texts, signal)).toEqual([-3, 0.2, 7.5])
  const [request] = upstream.requestsTo(path)
  expect(request?.headers.authorization).toBe('Bearer rr-1')
  expect(request?.body).toEqual({
    model: 'cross',
    query: 'Where was honey sold?',
    documents: texts,
    top_n: 3,
  })
  expect(reranker.status()).toEqual({ model: 'cross', problem: null })
})

test('truncates a long question without splitting a character', async () => {
  const { reranker } = open()
  await reranker.scoreRelevance(`x${'😀'.repeat(2_000)}`, texts, signal)
  const query = String(upstream.requestsTo(path)[0]?.body['query'])
  expect(query.length).toBeLessThanOrEqual(1_000)
  expect(query.isWellFormed()).toBe(true)
})

describe('a failure', () => {
  const faults: [string, Script][] = [
    ['a connection that dies', { beforeHeaders: 'die' }],
    ['an answer that does not come', { beforeHeaders: 'hang' }],
    ['an error', { status: 500, message: 'input is too large' }],
    ['an error object with status 200', { status: 200 }],
    ['a login page', { html: true }],
    ['a text without a score', answer({ index: 0, relevance_score: 1 })],
    ['scores that are no numbers', answer({ index: 0, relevance_score: 'high' })],
    ['scores of other texts', answer(...[7, 8, 9].map((index) => ({ index, relevance_score: 1 })))],
  ]
  test.each(faults)('%s: no scores, and status reports why', async (_name, script) => {
    const { reranker } = open({ requestMs: 200 })
    upstream.script(path, script)
    expect(await reranker.scoreRelevance('mill', texts, signal)).toBeUndefined()
    expect(reranker.status().problem).toMatch(/^The (?:reranking service|connection) /)
  })

  test('is logged once, and its recovery once', async () => {
    const { reranker, lines } = open()
    upstream.script(path, { status: 500 }, { status: 500 }, { beforeHeaders: 'die' })
    for (let question = 0; question < 4; question++) await reranker.scoreRelevance('mill', texts, signal)
    expect(lines.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([40, 30])
    expect(reranker.status().problem).toBeNull()
  })

  test('pauses requests to the service', async () => {
    const { reranker } = open({ retryAfterMs: 600_000 })
    upstream.script(path, { status: 503 })
    for (let question = 0; question < 3; question++)
      expect(await reranker.scoreRelevance('mill', texts, signal)).toBeUndefined()
    expect(upstream.requestsTo(path)).toHaveLength(1)
  })

  test('of the key names the setting but not the key', async () => {
    const { reranker, lines } = open({ apiKey: 'sk-very-secret' })
    upstream.script(path, { status: 401, message: 'Invalid key sk-very-secret' })
    await reranker.scoreRelevance('mill', texts, signal)
    expect(reranker.status().problem).toContain('RERANK_API_KEY')
    expect(lines.join() + reranker.status().problem).not.toContain('very-secret')
  })
})

test('an abort is not a failure', async () => {
  const { reranker, lines } = open()
  upstream.script(path, { beforeHeaders: 'hang' })
  const stop = new AbortController()
  const asked = reranker.scoreRelevance('mill', texts, stop.signal)
  await upstream.waitForRequest(path)
  stop.abort('stopped')
  await expect(asked).rejects.toBe('stopped')
  expect(lines).toEqual([])
  expect(await reranker.scoreRelevance('mill', texts, signal)).toHaveLength(3)
})
