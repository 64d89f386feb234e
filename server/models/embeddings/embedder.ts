import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { Embedder } from '../port.ts'
import type { Scheduler } from '../scheduler.ts'
import { estimateTokens } from '../tokens.ts'
import { retryDelay } from '../upstream/stream.ts'
import type { VectorCache } from './cache.ts'
import { withPrefix } from './prefixes.ts'

type Purpose = Parameters<Embedder['embed']>[1]

/** Sends one embedding request. Returns one vector per text, in order; throws `context_length_exceeded`. */
export type EmbedBatch = (texts: string[], signal: AbortSignal) => Promise<number[][]>

export type EmbedderOptions = {
  provider: 'ollama' | 'openai'
  model: string
  remote: boolean
  /** Maximum length of a text in tokens. */
  textTokens: number
  batch: EmbedBatch
  cache: VectorCache
  /** Queries count as answers; passages are embedded in the background. */
  scheduler: Scheduler
}

const maxBatchTexts = 64
const maxBatchTokens = 8_192
const maxConcurrent = 2
const maxAttempts = 4
/** A text this short is not truncated further. */
const minTextCharacters = 16
/** Passages wait for answers twice as long as a batch takes, so that a busy server spends a third of its time on them. */
const waitPerBatch = 2
const initialMaxWaitMs = 1_000
const maxMaxWaitMs = 10_000

/** Creates an embedder with a cache, batches, bounded concurrency and retries. */
export function createEmbedder({
  provider,
  model,
  remote,
  textTokens,
  batch,
  cache,
  scheduler,
}: EmbedderOptions): Embedder {
  const space = `${provider}/${model}`
  // Leaves a margin for the error of the token estimate.
  const maxTokens = Math.floor(textTokens / 1.5)

  let maxWaitMs = initialMaxWaitMs
  async function embedTimed(texts: string[], signal: AbortSignal): Promise<number[][]> {
    const startedAt = performance.now()
    const vectors = await batch(texts, signal)
    maxWaitMs = Math.min(maxMaxWaitMs, waitPerBatch * (performance.now() - startedAt))
    return vectors
  }

  async function embedScheduled(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<number[][]> {
    if (purpose === 'passage')
      return await scheduler.runInBackground(signal, (current) => embedTimed(texts, current), { maxWaitMs })
    const endAnswer = scheduler.beginAnswer()
    try {
      return await batch(texts, signal)
    } finally {
      endAnswer()
    }
  }

  async function embedWithRetries(
    texts: string[],
    purpose: Purpose,
    signal: AbortSignal,
  ): Promise<number[][]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await embedScheduled(texts, purpose, signal)
      } catch (thrown) {
        signal.throwIfAborted()
        // Embedding is idempotent, so a lost connection is retried, too.
        const isRetryable = thrown instanceof AppError && /^(?:cut|http_500)$/.test(thrown.code)
        const wait = retryDelay(thrown, attempt)?.ms ?? (isRetryable ? 400 * attempt : undefined)
        if (wait === undefined || attempt === maxAttempts) throw thrown
        await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    }
  }

  async function embedTexts(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<Float32Array[]> {
    try {
      return (await embedWithRetries(texts, purpose, signal)).map(normalize)
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'context_length_exceeded') throw thrown
      if (texts.length > 1) {
        const middle = texts.length >> 1
        return [
          ...(await embedTexts(texts.slice(0, middle), purpose, signal)),
          ...(await embedTexts(texts.slice(middle), purpose, signal)),
        ]
      }
      const text = texts[0] ?? ''
      if (text.length <= minTextCharacters) throw thrown
      return embedTexts([truncate(text, Math.floor(text.length * 0.7))], purpose, signal)
    }
  }

  return {
    space,
    remote,
    async embed(texts, purpose, signal) {
      const inputs = texts.map((text) =>
        truncateToTokens(withPrefix(model, text.trim() === '' ? '.' : text, purpose), maxTokens),
      )
      const found = await cache.get(space, inputs)
      const missing = [...new Set(inputs.filter((_, i) => found[i] === undefined))]
      const embedded = new Map<string, Float32Array>()
      await processBatches(splitIntoBatches(missing), async (batchTexts) => {
        const vectors = await embedTexts(batchTexts, purpose, signal)
        const entries = vectors.map((vector, i) => ({ text: batchTexts[i] ?? '', vector }))
        for (const { text, vector } of entries) embedded.set(text, vector)
        cache.put(space, entries)
      })
      return inputs.map((text, i) => {
        const vector = found[i] ?? embedded.get(text)
        if (!vector) throw new Error(`The service returned no vector for text ${i}`)
        return vector
      })
    },
  }
}

function splitIntoBatches(texts: string[]): string[][] {
  const batches: string[][] = []
  let tokens = Number.POSITIVE_INFINITY
  for (const text of texts) {
    const textTokens = estimateTokens(text)
    const last = batches.at(-1)
    if (!last || last.length >= maxBatchTexts || tokens + textTokens > maxBatchTokens) {
      batches.push([text])
      tokens = textTokens
    } else {
      last.push(text)
      tokens += textTokens
    }
  }
  return batches
}

/** Processes batches with bounded concurrency; stops at the first failure. */
async function processBatches(batches: string[][], work: (batch: string[]) => Promise<void>): Promise<void> {
  const queue = [...batches]
  const worker = async () => {
    try {
      for (let batch = queue.shift(); batch; batch = queue.shift()) await work(batch)
    } finally {
      queue.length = 0
    }
  }
  await Promise.all(Array.from({ length: Math.min(maxConcurrent, batches.length) }, worker))
}

/** Truncates a text to an estimated number of tokens. */
function truncateToTokens(text: string, tokens: number): string {
  // A token has at least one character; saves the estimate for short texts.
  if (text.length <= tokens) return text
  let result = text
  for (let estimate = estimateTokens(result); estimate > tokens; estimate = estimateTokens(result))
    result = truncate(result, Math.floor(result.length * Math.min(0.95, tokens / estimate)))
  return result
}

/** Truncates without splitting a surrogate pair. */
function truncate(text: string, length: number): string {
  const code = text.charCodeAt(length - 1)
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? length - 1 : length)
}

function normalize(vector: number[]): Float32Array {
  let sum = 0
  for (const x of vector) sum += x * x
  const length = Math.sqrt(sum) || 1
  return Float32Array.from(vector, (x) => x / length)
}
