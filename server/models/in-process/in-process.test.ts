import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chatEngine, hasChatEngine } from '../../../scripts/services/chat-engine.ts'
import { tinyGguf } from '../../../test/tiny-gguf.ts'
import { catalogueEntryOf, startHub, tinyModelFiles, writeModel } from '../../../test/tiny-models.ts'
import { diskSpace } from '../../disk-space.ts'
import type { EventBody } from '../../runs/index.ts'
import type { ChatModel, ChatRequest, ModelPart } from '../port.ts'
import { createTokenCounter } from '../tokens.ts'
import { createInProcessService } from '../upstream/service.ts'
import { curatedModels } from './curated-models.ts'
import { createEngine } from './engine.ts'
import { createInProcess, type InProcessConfig } from './in-process.ts'
import { describeFolder } from './installed.ts'
import { readGgufHeader } from './llama/gguf.ts'
import { planContext } from './llama/memory.ts'

const { signal } = new AbortController()
const dot = (a: Float32Array = new Float32Array(), b: Float32Array = new Float32Array()) =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

let root: string
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'gabee-in-process-'))
})
afterAll(() => rm(root, { recursive: true }))

const createModels = (
  config: Omit<InProcessConfig, 'chatEngine'>,
  minFreeBytes = 0,
  engine: InProcessConfig['chatEngine'] = chatEngine,
) =>
  createInProcess(
    { ...config, chatEngine: engine },
    {
      disk: diskSpace(config.directory, minFreeBytes),
      service: createInProcessService(),
      tokens: createTokenCounter(),
      timeouts: { firstTokenMs: 100_000, stallMs: 100_000, retryMs: 10 },
      contextTokens: undefined,
    },
  )

describe('the engine', () => {
  const engine = createEngine()
  afterAll(() => engine.stop())
  const folderOf = async (kind: 'embedding' | 'reranking') => {
    const folder = path.join(root, 'engine', kind)
    await writeModel(folder, tinyModelFiles(kind))
    return await describeFolder(folder)
  }

  test('embeds texts of different lengths in the same way as alone', async () => {
    const model = await folderOf('embedding')
    const texts = ['harbour', 'the harbour opens at six', '', 'x '.repeat(500), 'honey was sold']
    const together = await engine.embed(model, texts, signal)
    expect(together.map((vector) => dot(vector, vector))).toEqual(
      [1, 1, 0, 1, 1].map((n) => expect.closeTo(n, 5)),
    )
    for (const [i, text] of texts.entries()) {
      const [alone] = await engine.embed(model, [text], signal)
      for (const [k, x] of alone?.entries() ?? []) expect(together[i]?.[k]).toBeCloseTo(x, 5)
    }
    expect(dot(together[0], together[1])).toBeGreaterThan(dot(together[0], together[4]) + 0.2)
    expect(engine.isLoaded(model)).toBe(true)
  })

  test('pools by the first token where the model says so', async () => {
    const model = await folderOf('embedding')
    const [mean] = await engine.embed(model, ['harbour'], signal)
    // The vector of [CLS] is zero in a tiny model.
    const [first] = await engine.embed({ ...model, pooling: 'cls' }, ['harbour'], signal)
    expect(dot(mean, mean)).toBeCloseTo(1, 5)
    expect(dot(first, first)).toBe(0)
  })

  test('scores passages for a question, also for one that is longer than the context window', async () => {
    const model = await folderOf('reranking')
    const texts = ['Boats berth at the quay.', 'Honey was sold at the market.', 'Where was honey sold?']
    const scores = await engine.score(model, 'Where was honey sold?', texts, signal)
    expect(scores.map((_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))).toEqual([2, 1, 0])
    expect(await engine.score(model, 'honey '.repeat(400), texts, signal)).toHaveLength(3)
  })

  test('stops a task at once when it is aborted, and continues with the next', async () => {
    const model = await folderOf('embedding')
    const stop = new AbortController()
    const many = Array.from({ length: 2_000 }, (_, i) => `a long text ${i} `.repeat(20))
    const embedded = engine.embed(model, many, stop.signal)
    stop.abort('stopped')
    await expect(embedded).rejects.toBe('stopped')
    expect(await engine.embed(model, ['next'], signal)).toHaveLength(1)
  })

  test('starts again after a crash', async () => {
    const model = await folderOf('embedding')
    const crashing = createEngine()
    const worker = new Promise<Worker>((resolve) => process.once('worker', resolve))
    const embedded = crashing.embed(model, ['one'], signal)
    void (await worker).terminate()
    await expect(embedded).rejects.toMatchObject({ code: 'cut' })
    expect(await crashing.embed(model, ['one'], signal)).toHaveLength(1)
    await crashing.stop()
  })

  test('explains how to install a missing runtime, and why a model cannot be loaded', async () => {
    const model = await folderOf('embedding')
    const without = createEngine({ runtime: 'onnxruntime-node-missing' })
    await expect(without.embed(model, ['one'], signal)).rejects.toMatchObject({
      code: 'runtime_missing',
      message: expect.stringContaining('npm install --global --ignore-scripts onnxruntime-node'),
    })
    await without.stop()
    const broken = path.join(root, 'broken')
    await writeModel(broken, { ...tinyModelFiles('embedding'), 'onnx/model.onnx': Buffer.from('no model') })
    await expect(engine.embed(await describeFolder(broken), ['one'], signal)).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringMatching(/^The model broken cannot be run: /),
    })
  })
})

describe('downloads', () => {
  const files = tinyModelFiles('embedding')
  const onnx = files['onnx/model.onnx'] ?? Buffer.alloc(0)
  const changed = Buffer.from(onnx)
  changed[100] = (changed[100] ?? 0) ^ 1
  const entry = catalogueEntryOf('tiny', 'embedding', files)

  async function open({ modelDir = '', minFreeBytes = 0 } = {}) {
    const hub = await startHub({ 'tiny/tiny': files })
    const directory = await mkdtemp(path.join(root, 'models-'))
    const models = createModels({ directory, hubUrl: hub.url, ...(modelDir && { modelDir }) }, minFreeBytes)
    return {
      hub,
      directory,
      models,
      async download() {
        const events: EventBody[] = []
        for await (const event of models.download(entry, signal)) events.push(event)
        return events
      },
      async [Symbol.asyncDispose]() {
        await models[Symbol.asyncDispose]()
        await hub[Symbol.asyncDispose]()
      },
    }
  }
  const ranges = (hub: { requests: { path: string; range: string | undefined }[] }) =>
    hub.requests.filter((request) => request.path === 'onnx/model.onnx').map(({ range }) => range)

  test('report progress like Ollama and install the model', async () => {
    await using opened = await open()
    expect(await opened.models.protocol.list()).toEqual([])
    const events = await opened.download()
    expect(events[0]).toEqual({ status: 'pulling manifest' })
    expect(events).toContainEqual({
      status: 'pulling onnx/model.onnx',
      digest: `sha256:${entry.files.at(-1)?.sha256}`,
      total: onnx.length,
      completed: onnx.length,
    })
    expect(events.at(-1)).toEqual({ status: 'success' })
    expect(await opened.models.protocol.list()).toMatchObject([
      { name: 'tiny', capabilities: ['embed'], contextLength: 128 },
    ])
    expect(await readdir(opened.directory)).toEqual(['tiny'])
    await opened.models.delete('tiny')
    expect(await readdir(opened.directory)).toEqual([])
    await expect(opened.models.delete('tiny')).rejects.toMatchObject({ code: 'model_not_found' })
  })

  test.each([
    ['continue where an interrupted one has ended', false],
    ['start a file again if the hub ignores the range', true],
  ])('%s', async (_, ignoresRange) => {
    await using opened = await open()
    opened.hub.script('onnx/model.onnx', { hangAfter: 50_000 }, { ignoresRange })
    const stop = new AbortController()
    const interrupted = (async () => {
      for await (const { completed } of opened.models.download(entry, stop.signal))
        if (completed === 50_000) stop.abort('stopped')
    })()
    await expect(interrupted).rejects.toBe('stopped')
    expect(await opened.models.protocol.list()).toEqual([])
    expect((await opened.download()).at(-1)).toEqual({ status: 'success' })
    expect(ranges(opened.hub)).toEqual([undefined, 'bytes=50000-'])
    expect(opened.hub.requests).toHaveLength(5)
  })

  test('report a connection that is lost, and succeed later', async () => {
    await using opened = await open()
    opened.hub.script('onnx/model.onnx', { cutAfter: 50_000 })
    await expect(opened.download()).rejects.toMatchObject({ code: 'cut' })
    expect((await opened.download()).at(-1)).toEqual({ status: 'success' })
  })

  test.each([
    ['differs from the catalogue', changed],
    ['is larger', Buffer.concat([onnx, Buffer.from('more')])],
  ])('refuse a file that %s, and fetch it again', async (_, body) => {
    await using opened = await open()
    opened.hub.script('onnx/model.onnx', { body })
    await expect(opened.download()).rejects.toMatchObject({ code: 'file_differs' })
    expect(await opened.models.protocol.list()).toEqual([])
    await opened.download()
    expect(ranges(opened.hub)).toEqual([undefined, undefined])
  })

  test('refuse a file that ends early', async () => {
    await using opened = await open()
    opened.hub.script('onnx/model.onnx', { body: onnx.subarray(0, 1_000) })
    await expect(opened.download()).rejects.toMatchObject({ code: 'truncated' })
  })

  test('name the hub and the settings when the hub does not respond', async () => {
    await using opened = await open()
    await opened.hub[Symbol.asyncDispose]()
    await expect(opened.download()).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('MODEL_HUB_URL'),
    })
  })

  test('copy from a folder that has the files, without the hub, and check them', async () => {
    const modelDir = path.join(root, 'folder')
    await writeModel(path.join(modelDir, 'tiny/tiny'), files)
    await writeFile(path.join(modelDir, 'catalogue.json'), JSON.stringify([entry]))
    await using opened = await open({ modelDir })
    const { models } = await opened.models.catalogue()
    expect(models.at(-1)).toMatchObject({
      id: 'tiny',
      source: path.join(modelDir, 'tiny/tiny'),
      installed: false,
    })
    expect((await opened.download()).at(-1)).toEqual({ status: 'success' })
    expect(opened.hub.requests).toEqual([])
    await opened.models.delete('tiny')
    await writeModel(path.join(modelDir, 'tiny/tiny'), { 'onnx/model.onnx': changed })
    await expect(opened.download()).rejects.toMatchObject({ code: 'file_differs' })
  })

  test('do not start on a disk that they would fill', async () => {
    await using opened = await open({ minFreeBytes: Number.MAX_SAFE_INTEGER })
    await expect(opened.download()).rejects.toMatchObject({ code: 'insufficient_storage' })
    expect(opened.hub.requests).toEqual([])
  })
})

describe('the catalogue', () => {
  test('names where each model comes from, and pins every file', async () => {
    const opened = createModels({ directory: root, hubUrl: 'https://hub.example/mirror' })
    const { models, message } = await opened.catalogue()
    expect(message).toBeNull()
    expect(models[0]).toMatchObject({
      id: 'multilingual-e5-small',
      license: 'MIT',
      size: 135_392_016,
      source: `https://hub.example/mirror/Xenova/multilingual-e5-small/resolve/${curatedModels[0]?.revision}`,
    })
    for (const { revision, license } of models) {
      expect(revision).toMatch(/^[0-9a-f]{40}$/)
      expect(['MIT', 'Apache-2.0']).toContain(license)
    }
    await opened[Symbol.asyncDispose]()
  })

  test.each([
    ['is not JSON', 'no', 'It is not valid JSON.'],
    [
      'has a path outside the folder',
      JSON.stringify([{ id: 'a', files: [{ path: '../a.onnx' }] }]),
      'files[0].path',
    ],
  ])('of an operator that %s is refused with the reason', async (_, text, reason) => {
    const modelDir = await mkdtemp(path.join(root, 'catalogue-'))
    await writeFile(path.join(modelDir, 'catalogue.json'), text)
    const opened = createModels({ directory: root, hubUrl: 'http://127.0.0.1:9', modelDir })
    await expect(opened.catalogue()).rejects.toMatchObject({
      code: 'invalid_catalogue',
      message: expect.stringContaining(reason),
    })
    await opened[Symbol.asyncDispose]()
  })
})

type Finish = ModelPart & { type: 'finish' }

test('on a system without binaries, the chat engine names Ollama instead', async () => {
  const { platform } = process
  try {
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    vi.resetModules()
    const { findChatEngine, installChatEngine } = await import('./llama/install.ts')
    const config = { directory: path.join(root, 'no-engine'), npmEnv: {} }
    const unsupported = { code: 'chat_engine_unsupported', message: expect.stringContaining('Use Ollama') }
    expect(await findChatEngine(config)).toMatchObject({ isSupported: false, problem: unsupported })
    await expect(installChatEngine(config, signal).next()).rejects.toMatchObject(unsupported)
  } finally {
    Object.defineProperty(process, 'platform', { value: platform })
  }
})

// A start of llama.cpp takes a second of CPU time.
describe.skipIf(!hasChatEngine)('GGUF models, where llama.cpp has binaries', { timeout: 120_000 }, () => {
  const words = 'Boats berth at the northern quay .'.split(' ')
  let models: ReturnType<typeof createModels>
  let model: ChatModel
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(path.join(root, 'gguf-'))
    const tiny = tinyGguf({ words, isEndless: true, contextLength: 1_024 })
    await writeFile(path.join(directory, 'Tiny Chat.gguf'), tiny)
    await writeFile(path.join(directory, 'tiny-embed.gguf'), tinyGguf({ words, isEmbedding: true }))
    await writeFile(path.join(directory, 'broken.gguf'), tiny.subarray(0, 2_000))
    models = createModels({ directory, hubUrl: 'http://127.0.0.1:9' })
    model = models.protocol.chat('tiny-chat', undefined)
  })
  afterAll(() => models[Symbol.asyncDispose]())

  const request = (content: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
    messages: [
      { role: 'system', content: 'You are a harbour master.' },
      { role: 'user', content },
    ],
    grounding: { question: '', passages: [], answerable: null },
    ...more,
  })
  async function collect(asked: ChatRequest, asking = model) {
    const parts: ModelPart[] = []
    for await (const part of asking.stream(asked, signal)) parts.push(part)
    const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
    return { text, parts, finish: parts.at(-1) }
  }
  /** Ends the processes that run a model with a signal, and returns their number. */
  async function crash(by: NodeJS.Signals): Promise<number> {
    let count = 0
    for (const id of await readdir('/proc')) {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
      if (line.includes(directory) && process.kill(Number(id), by)) count += 1
    }
    return count
  }

  test('in the folder of models are listed without a catalogue, and a broken one is named', async () => {
    expect(await models.protocol.list()).toMatchObject([
      { name: 'tiny-chat', capabilities: ['chat', 'json'], contextLength: 1_024 },
      { name: 'tiny-embed', capabilities: ['embed'], contextLength: 2_048 },
    ])
    expect(await models.catalogue()).toMatchObject({
      message: 'broken.gguf cannot be used: it ends within its header.',
      chat_engine: { installed: true, message: null },
    })
  })

  test('answer word by word by their chat template, with the numbers of tokens', async () => {
    const { text, parts, finish } = await collect(request('Where do boats berth?', { maxTokens: 7 }))
    expect(text).toBe(words.join(' '))
    expect(parts.filter(({ type }) => type === 'text')).toHaveLength(7)
    expect(finish).toMatchObject({ reason: 'length', usage: { completionTokens: 7 } })
    expect((finish as Finish).usage.promptTokens).toBeGreaterThan(20)
    expect(await model.contextTokens(signal)).toBe(1_024)
    expect((await models.protocol.list())?.[0]?.installed?.loaded).toBe(true)
  })

  test('end at a stop sequence, and write JSON by a schema', async () => {
    const stopped = await collect(request('Where?', { stop: ['northern'] }))
    expect(stopped.text.trim()).toBe('Boats berth at the')
    expect(stopped.finish).toMatchObject({ reason: 'stop' })
    const schema = {
      anyOf: [{ type: 'object', properties: { place: { enum: ['quay'] } }, required: ['place'] }],
    }
    const { text } = await collect(request('Where?', { responseFormat: { schema } }))
    expect(JSON.parse(text)).toEqual({ place: 'quay' })
  })

  test('refuse a prompt that exceeds the context window, and otherwise end when it is full', async () => {
    await expect(collect(request('x'.repeat(1_100)))).rejects.toMatchObject({
      code: 'context_length_exceeded',
      details: { limit: 1_024 },
    })
    const { finish } = await collect(request('x'.repeat(900)))
    const { reason, usage } = finish as Finish
    expect(reason).toBe('length')
    expect((usage.promptTokens ?? 0) + (usage.completionTokens ?? 0)).toBe(1_022)
  })

  test.each([
    ['before the first word', 0],
    ['at the third word', 3],
  ])('stop at once %s, and answer the next question', async (_, word) => {
    const stop = new AbortController()
    let count = 0
    const answered = (async () => {
      for await (const { type } of model.stream(request('Where?'), stop.signal))
        if (type === 'text' && (count += 1) === word) stop.abort('stopped')
    })()
    if (word === 0) stop.abort('stopped')
    await expect(answered).rejects.toBe('stopped')
    expect(count).toBe(word)
    expect((await collect(request('Where?', { maxTokens: 2 }))).text).toBe('Boats berth')
  })

  test('report a crash during an answer, and retry after a crash before the first word', async () => {
    let count = 0
    const crashed = (async () => {
      for await (const { type } of model.stream(request('Where?'), signal))
        if (type === 'text' && (count += 1) === 3) await crash('SIGSEGV')
    })()
    await expect(crashed).rejects.toMatchObject({ code: 'cut' })
    const answering = collect(request('Where?', { maxTokens: 2 }))
    await vi.waitFor(async () => expect(await crash('SIGABRT')).toBeGreaterThan(0), 20_000)
    const { parts, text } = await answering
    expect(parts[0]).toMatchObject({
      type: 'waiting',
      message: expect.stringContaining('The in-process engine does not answer; retrying'),
    })
    expect(text).toBe('Boats berth')
  })

  test('embed texts as vectors of length 1', async () => {
    const embed = models.protocol.embed?.('tiny-embed', undefined, 0)
    const vectors = (await embed?.batch(['boats', 'honey', '', 'boats '.repeat(1_000)], signal)) as
      | Float32Array[]
      | undefined
    expect(vectors?.map((vector) => [vector.length, Math.round(dot(vector, vector))])).toEqual([
      [64, 1],
      [64, 1],
      [64, 0],
      [64, 1],
    ])
    expect(dot(vectors?.[0], vectors?.[1])).toBeLessThan(0.999)
  })

  test('report a missing engine or missing memory', async () => {
    const without = createModels({ directory, hubUrl: 'http://127.0.0.1:9' }, 0, {
      directory: path.join(root, 'no-engine'),
      npmEnv: {},
    })
    const [listed] = (await without.protocol.list()) ?? []
    expect(listed).toMatchObject({ capabilities: [], problem: { code: 'chat_engine_missing' } })
    await expect(
      collect(request('Where?'), without.protocol.chat('tiny-chat', listed)),
    ).rejects.toMatchObject({
      message: expect.stringContaining('gabee models install-engine'),
    })
    vi.spyOn(process, 'availableMemory').mockReturnValue(50_000_000)
    await models.unload()
    await expect(collect(request('Where?'))).rejects.toMatchObject({
      code: 'not_enough_memory',
      message: expect.stringMatching(/^tiny-chat needs about 0\.2 GB of memory, and 0\.1 GB is free\./),
    })
    await without[Symbol.asyncDispose]()
  })
})

describe('the header of a GGUF file', () => {
  const read = async (bytes: Buffer) => {
    const file = path.join(root, 'header.gguf')
    await writeFile(file, bytes)
    return await readGgufHeader(file)
  }
  const tiny = tinyGguf({ words: ['One'] })

  test('describes the requirements of the model', async () => {
    expect(await read(tiny)).toEqual({
      architecture: 'llama',
      isEmbedding: false,
      contextLength: 2_048,
      embeddingLength: 64,
      vocabularySize: 352,
      // Two layers, two heads of 16 keys and 16 values, 2 bytes each.
      bytesPerToken: 256,
    })
  })

  test('is read within limits, whatever it contains', async () => {
    const changed = (offset: number, value: bigint) => {
      const copy = Buffer.from(tiny)
      copy.writeBigUInt64LE(value, offset)
      return copy
    }
    await expect(read(Buffer.from('not a model'))).rejects.toThrow('it is not a GGUF file')
    await expect(read(Buffer.alloc(0))).rejects.toThrow('it ends within its header')
    // The number of entries, and the length of the first key.
    await expect(read(changed(16, 2n ** 40n))).rejects.toThrow('its header is too large')
    await expect(read(changed(16, 0n))).rejects.toThrow('names no architecture')
    await expect(read(changed(24, 2n ** 63n))).rejects.toThrow('its header is too large')
    for (let length = 0; length < 600; length += 49)
      await expect(read(tiny.subarray(0, length))).rejects.toThrow()
  })

  test.each([
    ['whole', 4_000_000_000, 8_192],
    ['halved', 1_200_000_000, 2_048],
  ])('determines the context window, %s', (_, availableBytes, tokens) => {
    const header = {
      architecture: 'llama',
      isEmbedding: false,
      contextLength: 32_768,
      embeddingLength: 896,
      vocabularySize: 151_936,
      bytesPerToken: 100_000,
    }
    expect(planContext({ id: 'a', size: 500_000_000, header }, { availableBytes })).toBe(tokens)
  })
})
