import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { Embedder } from '../port.ts'
import type { Scheduler } from '../scheduler.ts'
import { estimateTokens } from '../tokens.ts'
import { retryDelay } from '../upstream/stream.ts'
import type { VectorCache } from './cache.ts'
import { withPrefix } from './prefixes.ts'

type Purpose = Parameters<Embedder['embed']>[1]

/** One request of a service's embedding protocol: one vector per text, in order; throws `tooLong` faults as they come. */
export type EmbedBatch = (texts: string[], signal: AbortSignal) => Promise<number[][]>

export type EmbedderOptions = {
  provider: 'ollama' | 'openai'
  model: string
  remote: boolean
  /** Tokens that one text may have. */
  textTokens: number
  batch: EmbedBatch
  cache: VectorCache
  /** The way to the server: somebody waits for a query, passages give way to answers for a while. */
  lane: Scheduler
}

const largestBatch = 64
const batchTokens = 8_192
const concurrency = 2
const attempts = 4
const shortestText = 16
/** Documents are waited for: where somebody is always being answered, passages have a third of the time. */
const patienceInBatches = 2
const firstPatienceMs = 1_000
const longestPatienceMs = 10_000

/** Embeds through a service: cached, in batches, two at a time, trying again what is worth it. */
export function createEmbedder({
  provider,
  model,
  remote,
  textTokens,
  batch,
  cache,
  lane,
}: EmbedderOptions): Embedder {
  const space = `${provider}/${model}`
  // The estimate may be 20 % short and local tokenizers cut finer.
  const room = Math.floor(textTokens / 1.5)

  let patienceMs = firstPatienceMs
  async function timed(texts: string[], signal: AbortSignal): Promise<number[][]> {
    const begun = performance.now()
    const made = await batch(texts, signal)
    patienceMs = Math.min(longestPatienceMs, patienceInBatches * (performance.now() - begun))
    return made
  }

  async function inTurn(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<number[][]> {
    if (purpose === 'passage')
      return await lane.runInBackground(signal, (current) => timed(texts, current), { patienceMs })
    const ended = lane.beginAnswer()
    try {
      return await batch(texts, signal)
    } finally {
      ended()
    }
  }

  async function patiently(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<number[][]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await inTurn(texts, purpose, signal)
      } catch (thrown) {
        signal.throwIfAborted()
        // Embedding twice changes nothing, so a broken connection is worth another try as well.
        const broken = thrown instanceof AppError && /^(?:cut|http_500)$/.test(thrown.code)
        const wait = retryDelay(thrown, attempt)?.ms ?? (broken ? 400 * attempt : undefined)
        if (wait === undefined || attempt === attempts) throw thrown
        await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    }
  }

  async function vectors(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<Float32Array[]> {
    try {
      return (await patiently(texts, purpose, signal)).map(normalised)
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'context_length_exceeded') throw thrown
      if (texts.length > 1) {
        const middle = texts.length >> 1
        return [
          ...(await vectors(texts.slice(0, middle), purpose, signal)),
          ...(await vectors(texts.slice(middle), purpose, signal)),
        ]
      }
      const text = texts[0] ?? ''
      if (text.length <= shortestText) throw thrown
      return vectors([cutAt(text, Math.floor(text.length * 0.7))], purpose, signal)
    }
  }

  return {
    space,
    remote,
    async embed(texts, purpose, signal) {
      const wanted = texts.map((text) =>
        shortened(withPrefix(model, text.trim() === '' ? '.' : text, purpose), room),
      )
      const found = await cache.get(space, wanted)
      const missing = [...new Set(wanted.filter((_, i) => found[i] === undefined))]
      const made = new Map<string, Float32Array>()
      await eachOf(batchesOf(missing), async (some) => {
        const fresh = await vectors(some, purpose, signal)
        const entries = fresh.map((vector, i) => ({ text: some[i] ?? '', vector }))
        for (const { text, vector } of entries) made.set(text, vector)
        cache.put(space, entries)
      })
      return wanted.map((text, i) => {
        const vector = found[i] ?? made.get(text)
        if (!vector) throw new Error(`no vector came back for text ${i}`)
        return vector
      })
    },
  }
}

function batchesOf(texts: string[]): string[][] {
  const batches: string[][] = []
  let tokens = Number.POSITIVE_INFINITY
  for (const text of texts) {
    const its = estimateTokens(text)
    const last = batches.at(-1)
    if (!last || last.length >= largestBatch || tokens + its > batchTokens) {
      batches.push([text])
      tokens = its
    } else {
      last.push(text)
      tokens += its
    }
  }
  return batches
}

/** Works through the batches, a few at a time; the first failure ends it. */
async function eachOf(batches: string[][], work: (batch: string[]) => Promise<void>): Promise<void> {
  const queue = [...batches]
  const worker = async () => {
    try {
      for (let batch = queue.shift(); batch; batch = queue.shift()) await work(batch)
    } finally {
      queue.length = 0
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, batches.length) }, worker))
}

/** The beginning of a text that is too long for the model, by the estimate of its tokens. */
function shortened(text: string, tokens: number): string {
  // No token is longer than this on average; saves counting what is surely short.
  if (text.length <= tokens) return text
  let short = text
  for (let estimate = estimateTokens(short); estimate > tokens; estimate = estimateTokens(short))
    short = cutAt(short, Math.floor(short.length * Math.min(0.95, tokens / estimate)))
  return short
}

/** Never between the halves of a character. */
function cutAt(text: string, length: number): string {
  const code = text.charCodeAt(length - 1)
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? length - 1 : length)
}

function normalised(vector: number[]): Float32Array {
  let sum = 0
  for (const x of vector) sum += x * x
  const length = Math.sqrt(sum) || 1
  return Float32Array.from(vector, (x) => x / length)
}
