import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type ScriptedModel,
  type ScriptedOllama,
  startOllama,
  startOpenAi,
} from '../../../test/model-servers.ts'
import { ollamaProvider, openAiProvider } from '../../../test/models/providers.ts'
import { createLog, type Log } from '../../log.ts'
import { createSchedulers } from '../scheduler.ts'
import { createModelSelector } from '../select-model.ts'
import { createMemoryVectors, createVectorCache, type VectorCache } from './cache.ts'
import { createEmbedders } from './embedders.ts'
import { withPrefix } from './prefixes.ts'

const signal = AbortSignal.timeout(60_000)
const silent = createLog('silent')
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

/** Creates embedders with a scripted Ollama and, if given, an OpenAI-compatible service. */
function embeddersWith(
  ollamaUrl: string,
  more: { openaiUrl?: string; embedModel?: string; cache?: VectorCache; log?: Log } = {},
) {
  const opened = Promise.resolve([
    ollamaProvider(ollamaUrl),
    ...(more.openaiUrl === undefined ? [] : [openAiProvider(more.openaiUrl)]),
  ])
  return createEmbedders({
    providers: () => opened,
    find: createModelSelector({
      providers: () => opened,
      chatModel: undefined,
      chatModelStrong: undefined,
      findActive: async () => undefined,
    }).find,
    cache: more.cache ?? createVectorCache({ log: silent }),
    schedulers: createSchedulers(signal),
    log: more.log ?? silent,
    embedModel: more.embedModel,
    timeoutMs: 5_000,
  })
}

async function embedderOn(ollama: ScriptedOllama, cache?: VectorCache) {
  const embedder = await embeddersWith(ollama.url, cache ? { cache } : {}).current(signal)
  if (!embedder) throw new Error('No embedding model was found.')
  return embedder
}

const model = (name: string, capability = 'embedding'): ScriptedModel => ({
  name,
  capabilities: [capability],
})

describe('embedding model selection', () => {
  type Case = {
    condition: string
    installed: ScriptedModel[]
    served?: boolean
    embedModel?: string
    space: string | undefined
  }
  const cases: Case[] = [
    {
      condition: 'one is installed',
      installed: [model('llama3.2:1b', 'completion'), model('nomic-embed-text:latest')],
      space: 'ollama/nomic-embed-text',
    },
    {
      condition: 'several are installed',
      installed: [model('all-minilm:l6-v2'), model('bge-m3:latest')],
      space: 'ollama/bge-m3',
    },
    {
      condition: 'only an unknown one is installed',
      installed: [model('my-own-embedder:v1')],
      space: 'ollama/my-own-embedder:v1',
    },
    { condition: 'none is installed', installed: [model('llama3.2:1b', 'completion')], space: undefined },
    {
      condition: 'none is installed and a paid service is available but not configured',
      installed: [],
      served: true,
      space: undefined,
    },
    {
      condition: 'the service’s is configured',
      installed: [model('bge-m3:latest')],
      served: true,
      embedModel: 'text-embedding-3-small',
      space: 'openai/text-embedding-3-small',
    },
    {
      condition: 'an installed one is configured',
      installed: [model('bge-m3:latest'), model('all-minilm:latest')],
      embedModel: 'all-minilm',
      space: 'ollama/all-minilm',
    },
    {
      condition: 'the configured one is not installed',
      installed: [model('bge-m3:latest')],
      embedModel: 'all-minilm',
      space: undefined,
    },
  ]
  test.each(cases)('selects $space when $condition', async ({ installed, served, embedModel, space }) => {
    await using ollama = await startOllama({ models: installed })
    await using openai = await startOpenAi()
    const embedders = embeddersWith(ollama.url, {
      ...(served ? { openaiUrl: openai.url } : {}),
      ...(embedModel === undefined ? {} : { embedModel }),
    })
    expect((await embedders.current(signal))?.space.replace(/@[0-9a-f]{12}$/, '')).toBe(space)
    const choice = await embedders.select()
    if ('reason' in choice) expect(choice.reason).toMatch(/pull/)
  })

  test('returns the embedder of a previous space while its model is installed', async () => {
    await using ollama = await startOllama({ models: [model('bge-m3:latest'), model('all-minilm:latest')] })
    await using openai = await startOpenAi()
    const embedders = embeddersWith(ollama.url, { openaiUrl: openai.url, embedModel: 'bge-m3' })
    const space = (await embeddersWith(ollama.url, { embedModel: 'all-minilm' }).current(signal))?.space ?? ''
    const spaces = [
      space,
      `${space}0`,
      'openai/text-embedding-3-small',
      'ollama/uninstalled',
      'elsewhere/model',
    ]
    const found = await Promise.all(spaces.map(async (space) => (await embedders.forSpace(space))?.space))
    expect(found).toEqual([space, undefined, 'openai/text-embedding-3-small', undefined, undefined])
  })

  test('has another space after another version of the model was installed', async () => {
    const installed = model('bge-m3:latest')
    await using ollama = await startOllama({ models: [installed] })
    const spaceNow = async () => (await embeddersWith(ollama.url).current(signal))?.space
    const before = await spaceNow()
    expect(await spaceNow()).toBe(before)
    installed.digest = 'sha256:0123456789abcdef'
    expect(await spaceNow()).toBe('ollama/bge-m3@0123456789ab')
  })

  test('logs one warning if the configured model is not available', async () => {
    await using ollama = await startOllama({ models: [] })
    const log = createLog('silent')
    const warn = vi.spyOn(log, 'warn')
    const embedders = embeddersWith(ollama.url, { embedModel: 'bge-m3', log })
    await embedders.current(signal)
    await embedders.current(signal)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('EMBED_MODEL is bge-m3')]])
  })
})

describe('embedding', () => {
  let ollama: ScriptedOllama
  beforeEach(async () => {
    ollama = await startOllama({ models: [model('nomic-embed-text:latest')] })
  })
  afterEach(() => ollama[Symbol.asyncDispose]())
  const inputs = () => ollama.requestsTo('/api/embed').map(({ body }) => body['input'] as string[])

  test('returns one normalized vector per text, in order', async () => {
    const embedder = await embedderOn(ollama)
    const texts = ['the cat sat on the mat', 'stock markets fell', 'the cat sat on the mat']
    const [cat, stocks, again] = await embedder.embed(texts, 'passage', signal)
    if (!cat || !stocks || !again) throw new Error('a vector is missing')
    expect(dot(cat, cat)).toBeCloseTo(1, 5)
    expect(again).toEqual(cat)
    expect(dot(cat, stocks)).toBeLessThan(0.3)
    const [query] = await embedder.embed(['where is the cat'], 'query', signal)
    if (!query) throw new Error('a vector is missing')
    expect(dot(query, cat)).toBeGreaterThan(dot(query, stocks))
  })

  test('disables truncation and adds instruction prefixes', async () => {
    const embedder = await embedderOn(ollama)
    await embedder.embed(['one'], 'query', signal)
    await embedder.embed(['one'], 'passage', signal)
    expect(inputs()).toEqual([['search_query: one'], ['search_document: one']])
    expect(ollama.requestsTo('/api/embed')[0]?.body).toMatchObject({ truncate: false })
  })

  test('sends at most 64 texts and about 8,000 tokens per request', async () => {
    const embedder = await embedderOn(ollama)
    await embedder.embed(
      Array.from({ length: 150 }, (_, i) => `short text ${i}`),
      'passage',
      signal,
    )
    expect(
      inputs()
        .map((input) => input.length)
        .toSorted((a, b) => b - a),
    ).toEqual([64, 64, 22])
    await embedder.embed(
      Array.from({ length: 20 }, (_, i) => `${i} ${'long '.repeat(1_000)}`),
      'passage',
      signal,
    )
    for (const input of inputs().slice(3)) expect(input.length).toBeLessThanOrEqual(8)
  })

  test('does not request cached texts', async () => {
    const cache = createVectorCache({ log: silent })
    const embedder = await embedderOn(ollama, cache)
    const [first] = await embedder.embed(['one'], 'passage', signal)
    const [again, two] = await embedder.embed(['one', 'two'], 'passage', signal)
    expect(again).toEqual(first)
    expect(two).toBeDefined()
    expect(inputs()).toEqual([['search_document: one'], ['search_document: two']])
    expect(cache.stats()).toEqual({ kind: 'memory', hits: 1, misses: 2, size: 2, hit_rate: 1 / 3 })
  })

  test('truncates only texts that exceed the context window', async () => {
    ollama.models.splice(0, 1, { ...model('nomic-embed-text:latest'), contextLength: 512 })
    const embedder = await embedderOn(ollama)
    const long = 'many words '.repeat(2_000)
    const vectors = await embedder.embed(['short', long], 'passage', signal)
    expect(vectors).toHaveLength(2)
    const [short, truncated] = inputs()[0] ?? []
    expect(short).toBe('search_document: short')
    expect(`search_document: ${long}`.startsWith(truncated ?? '?')).toBe(true)
    expect((truncated ?? '').length).toBeGreaterThan(500)
  })

  test('truncates further when the model rejects a text, and keeps the others', async () => {
    const tooLong = { status: 400, message: 'the input length exceeds the context length' }
    ollama.script('/api/embed', tooLong, tooLong)
    const embedder = await embedderOn(ollama)
    const vectors = await embedder.embed(['an ordinary text', 'another ordinary text'], 'passage', signal)
    expect(vectors).toHaveLength(2)
    // First both together, then each alone; the first one is rejected, truncated and sent again.
    expect(inputs().map((input) => input.length)).toEqual([2, 1, 1, 1])
    expect(inputs()[2]?.[0]?.length).toBeLessThan('search_document: an ordinary text'.length)
    expect(inputs()[3]).toEqual(['search_document: another ordinary text'])
  })

  test('retries when the service is busy or the connection is lost', async () => {
    ollama.script('/api/embed', { status: 503 }, { beforeHeaders: 'die' })
    const embedder = await embedderOn(ollama)
    expect(await embedder.embed(['one'], 'passage', signal)).toHaveLength(1)
    expect(inputs()).toHaveLength(3)
  })

  test('does not retry permanent errors', async () => {
    ollama.script('/api/embed', { status: 400, message: 'this model does not embed' })
    const embedder = await embedderOn(ollama)
    await expect(embedder.embed(['one'], 'passage', signal)).rejects.toMatchObject({ code: 'http_400' })
    expect(inputs()).toHaveLength(1)
  })

  test('throws the reason when it is aborted', async () => {
    ollama.script('/api/embed', { beforeHeaders: 'hang' })
    const embedder = await embedderOn(ollama)
    const stop = new AbortController()
    const vectors = embedder.embed(['one'], 'passage', stop.signal)
    const request = await ollama.waitForRequest('/api/embed')
    stop.abort('stopped')
    await expect(vectors).rejects.toBe('stopped')
    await request.closed
    expect(request.closedEarly).toBe(true)
  })

  test.each([
    ['no dimensions', [[]], 'of 0 dimensions'],
    ['too many dimensions', [Array<number>(16_001).fill(1)], 'of 16001 dimensions'],
    ['another number of dimensions than before', [[1, 2, 3]], 'of 3 dimensions instead of'],
  ])('refuses vectors with %s', async (_, embeddings, message) => {
    const embedder = await embedderOn(ollama)
    await embedder.embed(['one'], 'passage', signal)
    ollama.script('/api/embed', { status: 200, body: JSON.stringify({ embeddings }) })
    await expect(embedder.embed(['two'], 'passage', signal)).rejects.toMatchObject({
      code: 'unexpected_dimensions',
      message: expect.stringContaining(message),
    })
  })

  test('embeds an empty text', async () => {
    const embedder = await embedderOn(ollama)
    expect(await embedder.embed(['', '  '], 'passage', signal)).toHaveLength(2)
  })

  test('embeds with an OpenAI-compatible service', async () => {
    await using openai = await startOpenAi({ apiKey: 'sk-a' })
    const embedders = embeddersWith(ollama.url, {
      openaiUrl: openai.url,
      embedModel: 'text-embedding-3-small',
    })
    const embedder = await embedders.current(signal)
    const [a, b] = (await embedder?.embed(['the cat', 'the cat sat'], 'passage', signal)) ?? []
    if (!a || !b) throw new Error('a vector is missing')
    expect(dot(a, b)).toBeGreaterThan(0.5)
  })
})

describe('instruction prefixes', () => {
  test.each([
    ['nomic-embed-text', 'search_query: x', 'search_document: x'],
    ['jeffh/intfloat-multilingual-e5-large:f16', 'query: x', 'passage: x'],
    ['mxbai-embed-large', 'Represent this sentence for searching relevant passages: x', 'x'],
    ['snowflake-arctic-embed2', 'query: x', 'x'],
    ['snowflake-arctic-embed:335m', 'Represent this sentence for searching relevant passages: x', 'x'],
    ['qwen3-embedding:0.6b', expect.stringMatching(/^Instruct: .*\nQuery: x$/), 'x'],
    ['embeddinggemma', 'task: search result | query: x', 'title: none | text: x'],
    ['bge-m3', 'x', 'x'],
    ['text-embedding-3-small', 'x', 'x'],
  ])('%s', (name, query, passage) => {
    expect(withPrefix(name, 'x', 'query')).toEqual(query)
    expect(withPrefix(name, 'x', 'passage')).toEqual(passage)
  })
})

describe('the cache in memory', () => {
  test('evicts the least recently used entry', () => {
    const vectors = createMemoryVectors(3 * (4 * 100 + 200))
    const vector = () => new Float32Array(100)
    for (const key of ['a', 'b', 'c']) vectors.set(key, vector())
    vectors.get('a')
    vectors.set('d', vector())
    expect(['a', 'b', 'c', 'd'].map((key) => vectors.get(key) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(vectors.size).toBe(3)
  })

  test('counts a replaced entry once', () => {
    const vectors = createMemoryVectors(1_000)
    for (let i = 0; i < 10; i++) vectors.set('a', new Float32Array(100))
    vectors.set('b', new Float32Array(10))
    expect(vectors.size).toBe(2)
  })
})

const redisUrl = process.env['TEST_REDIS_URL'] ?? ''

/** Starts a TCP proxy to Redis that a test can stop and restart. With `isRefusing` it closes every connection at once. */
async function startRedisProxy(url: string, { isRefusing = false } = {}) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let connections = 0
  let server: Server
  const listen = async (port: number) => {
    server = createServer((socket) => {
      connections += 1
      if (isRefusing) return void socket.destroy()
      const upstream = connect(Number(target.port || 6379), target.hostname)
      for (const end of [socket, upstream]) {
        sockets.add(end)
        end.on('error', () => end.destroy()).on('close', () => sockets.delete(end))
      }
      socket.pipe(upstream).pipe(socket)
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const stop = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    address: `127.0.0.1:${port}`,
    connections: () => connections,
    stop,
    restart: () => listen(port),
    [Symbol.asyncDispose]: stop,
  }
}

describe.runIf(redisUrl !== '' || process.env['CI'] === 'true')('the cache in Redis', () => {
  const vector = Float32Array.from([0.25, -1.5, 3e-8, 1])
  const text = () => `a text ${randomUUID()}`
  const kind = (cache: VectorCache) => cache.stats().kind
  const waitForKind = (cache: VectorCache, expected: string) => expect.poll(() => kind(cache)).toBe(expected)

  test('is shared by servers, lossless, and expires after thirty days', async () => {
    await using one = createVectorCache({ redisUrl, log: silent })
    await using other = createVectorCache({ redisUrl, log: silent })
    await Promise.all([waitForKind(one, 'redis'), waitForKind(other, 'redis')])
    const known = text()
    one.put('space', [{ text: known, vector }])
    await expect.poll(() => other.get('space', [known])).toEqual([vector])
    expect(await other.get('another space', [known])).toEqual([undefined])

    const redis = new Redis(redisUrl)
    const key = `gabee:vector:space:${createHash('sha256').update(known).digest('base64url')}`
    expect(await redis.getBuffer(key)).toEqual(Buffer.from(vector.buffer))
    const seconds = await redis.ttl(key)
    expect(seconds).toBeGreaterThan(29 * 24 * 3600)
    expect(seconds).toBeLessThanOrEqual(30 * 24 * 3600)
    redis.disconnect()
  })

  test.each([
    ['closes every connection', true, ''],
    ['rejects the password', false, 'gabee:s3cret@'],
  ])('logs one warning and uses memory when Redis %s', async (_, isRefusing, login) => {
    await using proxy = await startRedisProxy(redisUrl, { isRefusing })
    const log = createLog('silent')
    const warn = vi.spyOn(log, 'warn')
    await using cache = createVectorCache({ redisUrl: `redis://${login}${proxy.address}`, log })
    const known = text()
    cache.put('space', [{ text: known, vector }])
    expect(await cache.get('space', [known])).toEqual([vector])
    await expect.poll(proxy.connections).toBeGreaterThan(2)
    expect(kind(cache)).toBe('memory')
    expect(warn.mock.calls).toHaveLength(1)
    expect(JSON.stringify(warn.mock.calls)).not.toContain('s3cret')
  })

  test('is used again after an outage', async () => {
    await using proxy = await startRedisProxy(redisUrl)
    const log = createLog('silent')
    const warn = vi.spyOn(log, 'warn')
    await using cache = createVectorCache({ redisUrl: `redis://${proxy.address}`, log })
    await waitForKind(cache, 'redis')
    await proxy.stop()
    await waitForKind(cache, 'memory')
    const known = text()
    cache.put('space', [{ text: known, vector }])
    expect(await cache.get('space', [known])).toEqual([vector])
    await proxy.restart()
    await waitForKind(cache, 'redis')
    expect(warn).toHaveBeenCalledTimes(1)
  })
})
