import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { Tokenizer } from '@huggingface/tokenizers'
import type * as Ort from 'onnxruntime-node'

/** A model of which all files are in `folder`. */
export type EngineModel = {
  folder: string
  /** The path of the ONNX file within the folder. */
  onnx: string
  /** The context window; longer texts are truncated. */
  maxTokens: number
  /** The vector of a text: the mean of its tokens' vectors, or the vector of the first token. */
  pooling: 'mean' | 'cls'
}

export type EngineTask =
  | { type: 'embed'; model: EngineModel; texts: string[] }
  | { type: 'score'; model: EngineModel; query: string; texts: string[] }

export type EngineRequest = { id: number; task: EngineTask } | { cancel: number }

/** `isMissing`: the runtime could not be loaded. */
export type EngineAnswer =
  | { id: number; result: Float32Array[] | number[] }
  | { id: number; error: string; isMissing: boolean }

/** Tokens per call of the model; a waiting question is answered between two calls. */
const maxBatchTokens = 1_024

type Encoded = { ids: number[]; types: number[] }
type LoadedModel = {
  encode(text: string, pair?: string): Encoded
  /** Returns the first output, with the attention mask of the texts. */
  run(batch: Encoded[]): Promise<{ data: Float32Array; dims: readonly number[]; mask: BigInt64Array }>
}

class RuntimeMissing extends Error {}

const { runtime } = workerData as { runtime: string }
const importRuntime = async () => {
  try {
    return await Promise.all([import(runtime) as Promise<typeof Ort>, import('@huggingface/tokenizers')])
  } catch (error) {
    throw new RuntimeMissing(error instanceof Error ? error.message : String(error))
  }
}

const loaded = new Map<string, Promise<LoadedModel>>()
function load(model: EngineModel): Promise<LoadedModel> {
  const known = loaded.get(model.folder)
  if (known) return known
  const loading = open(model)
  loaded.set(model.folder, loading)
  loading.catch(() => loaded.delete(model.folder))
  return loading
}

async function open({ folder, onnx, maxTokens }: EngineModel): Promise<LoadedModel> {
  const [ort, tokenizers] = await importRuntime()
  const json = async (name: string) => JSON.parse(await readFile(path.join(folder, name), 'utf8')) as object
  const [config, tokenizerJson, tokenizerConfig] = await Promise.all(
    ['config.json', 'tokenizer.json', 'tokenizer_config.json'].map(json),
  )
  const tokenizer: Tokenizer = new tokenizers.Tokenizer(tokenizerJson ?? {}, tokenizerConfig ?? {})
  const padding =
    config && 'pad_token_id' in config && typeof config.pad_token_id === 'number' ? config.pad_token_id : 0
  const session = await ort.InferenceSession.create(path.join(folder, onnx), {
    executionProviders: ['cpu'],
    // Half of the CPU cores remain for the server.
    intraOpNumThreads: Math.max(1, availableParallelism() >> 1),
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })

  /** Truncates and keeps the last token, which ends the text. */
  const truncate = (values: number[]) =>
    values.length <= maxTokens ? values : [...values.slice(0, maxTokens - 1), values.at(-1) ?? 0]

  return {
    encode(text, pair) {
      const { ids, token_type_ids: types } = tokenizer.encode(text, {
        text_pair: pair ?? null,
        return_token_type_ids: true,
      })
      return { ids: truncate(ids), types: truncate(types) }
    },

    async run(batch) {
      const length = Math.max(...batch.map(({ ids }) => ids.length))
      const fill = (value: number) => new BigInt64Array(batch.length * length).fill(BigInt(value))
      const [ids, mask, types] = [fill(padding), fill(0), fill(0)]
      for (const [i, encoded] of batch.entries())
        for (const [j, id] of encoded.ids.entries()) {
          ids[i * length + j] = BigInt(id)
          mask[i * length + j] = 1n
          types[i * length + j] = BigInt(encoded.types[j] ?? 0)
        }
      const inputs: Record<string, BigInt64Array> = {
        input_ids: ids,
        attention_mask: mask,
        token_type_ids: types,
      }
      const feeds = session.inputNames.map((name) => {
        const values = inputs[name]
        if (!values) throw new Error(`it needs the input ${name}`)
        return [name, new ort.Tensor('int64', values, [batch.length, length])] as const
      })
      const outputs = await session.run(Object.fromEntries(feeds))
      const output = outputs[session.outputNames[0] ?? '']
      if (!output || !(output.data instanceof Float32Array)) throw new Error('its output is not float32')
      return { data: output.data, dims: output.dims, mask }
    },
  }
}

/** Pools the vectors of each text and normalizes them to length 1. */
function pool(
  { data, dims, mask }: Awaited<ReturnType<LoadedModel['run']>>,
  pooling: EngineModel['pooling'],
): Float32Array[] {
  const [count = 0, length = 1] = dims
  const width = dims.at(-1) ?? 0
  // An output of two dimensions is already pooled.
  const tokens = dims.length === 2 ? 1 : length
  return Array.from({ length: count }, (_, i) => {
    const vector = new Float32Array(width)
    const used = pooling === 'cls' ? 1 : tokens
    for (let j = 0; j < used; j++) {
      if (tokens > 1 && mask[i * tokens + j] === 0n) continue
      const from = (i * tokens + j) * width
      for (let k = 0; k < width; k++) vector[k] = (vector[k] ?? 0) + (data[from + k] ?? 0)
    }
    const norm = Math.hypot(...vector) || 1
    return vector.map((value) => value / norm)
  })
}

/** Runs a task in batches of texts of similar length. Returns undefined after a cancellation. */
async function perform(id: number, task: EngineTask): Promise<Float32Array[] | number[] | undefined> {
  const model = await load(task.model)
  const encode = task.type === 'embed' ? (text: string) => model.encode(text) : pairWith(model, task)
  const results: (Float32Array | number)[] = []
  const rest = task.texts
    .map((text, place) => ({ place, encoded: encode(text) }))
    .sort((a, b) => a.encoded.ids.length - b.encoded.ids.length)
  while (rest.length > 0) {
    await setImmediate()
    if (!waiting.has(id)) return undefined
    let count = 1
    for (; count < rest.length; count++)
      if ((rest[count]?.encoded.ids.length ?? 0) * (count + 1) > maxBatchTokens) break
    const batch = rest.splice(0, count)
    const output = await model.run(batch.map(({ encoded }) => encoded))
    const width = output.dims.at(-1) ?? 1
    const values =
      task.type === 'embed'
        ? pool(output, task.model.pooling)
        : batch.map((_, i) => output.data[(i + 1) * width - 1] ?? 0)
    for (const [i, { place }] of batch.entries()) results[place] = values[i] ?? 0
  }
  return results as Float32Array[] | number[]
}

/** Encodes texts with a query, which is truncated to half of the context window. */
function pairWith(model: LoadedModel, { query, model: { maxTokens } }: EngineTask & { type: 'score' }) {
  const half = maxTokens >> 1
  // A token has at least one character.
  const asked = model.encode(query).ids.length > half ? query.slice(0, half).toWellFormed() : query
  return (text: string) => model.encode(asked, text)
}

const waiting = new Set<number>()
let last: Promise<void> = Promise.resolve()

async function answer(id: number, task: EngineTask): Promise<void> {
  if (!waiting.has(id)) return
  try {
    const result = await perform(id, task)
    if (result) parentPort?.postMessage({ id, result } satisfies EngineAnswer)
  } catch (error) {
    parentPort?.postMessage({
      id,
      error: error instanceof Error ? error.message : String(error),
      isMissing: error instanceof RuntimeMissing,
    } satisfies EngineAnswer)
  } finally {
    waiting.delete(id)
  }
}

parentPort?.on('message', (message: EngineRequest) => {
  if ('cancel' in message) {
    waiting.delete(message.cancel)
    return
  }
  const { id, task } = message
  waiting.add(id)
  last = last.then(() => answer(id, task))
})
