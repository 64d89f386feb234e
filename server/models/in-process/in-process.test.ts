import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogueEntryOf, startHub, tinyModelFiles, writeModel } from '../../../test/tiny-models.ts'
import { diskSpace } from '../../disk-space.ts'
import type { EventBody } from '../../runs/index.ts'
import { curatedModels } from './curated-models.ts'
import { createEngine } from './engine.ts'
import { createInProcess } from './in-process.ts'
import { describeFolder } from './installed.ts'

const { signal } = new AbortController()
const dot = (a: Float32Array = new Float32Array(), b: Float32Array = new Float32Array()) =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

let root: string
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'gabee-in-process-'))
})
afterAll(() => rm(root, { recursive: true }))

describe('the engine', () => {
  const engine = createEngine()
  afterAll(() => engine.stop())
  const folderOf = async (kind: 'embedding' | 'reranking') => {
    const folder = path.join(root, 'engine', kind)
    await writeModel(folder, tinyModelFiles(kind))
    return await describeFolder(folder)
  }

  test('embeds texts of different lengths as it embeds each alone', async () => {
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

  test('stops a task at once when it is aborted, and goes on with the next', async () => {
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

  test('says how to install a missing runtime, and why a model cannot be loaded', async () => {
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
    const models = createInProcess(
      { directory, hubUrl: hub.url, ...(modelDir && { modelDir }) },
      diskSpace(directory, minFreeBytes),
    )
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

  test('report progress as Ollama does and install the model', async () => {
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

  test('name the hub and the settings when it does not answer', async () => {
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
    const opened = createInProcess(
      { directory: root, hubUrl: 'https://hub.example/mirror' },
      diskSpace(root, 0),
    )
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
    const opened = createInProcess(
      { directory: root, hubUrl: 'http://127.0.0.1:9', modelDir },
      diskSpace(root, 0),
    )
    await expect(opened.catalogue()).rejects.toMatchObject({
      code: 'invalid_catalogue',
      message: expect.stringContaining(reason),
    })
    await opened[Symbol.asyncDispose]()
  })
})
