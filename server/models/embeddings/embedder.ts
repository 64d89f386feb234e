import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import { badJson, unexpectedDimensions, unusableDimensions } from '../errors.ts'
import type { Embedder } from '../port.ts'
import type { Schedulers } from '../scheduler.ts'
import { estimateTokens } from '../tokens.ts'
import { isContextError } from '../upstream/context-limit.ts'
import type { ModelService } from '../upstream/service.ts'
import { retryDelay } from '../upstream/stream.ts'
import type { VectorCache } from './cache.ts'
import { withPrefix } from './prefixes.ts'

type Purpose = Parameters<Embedder['embed']>[1]

/** Sends one embedding request. Returns one vector per text, in order. */
export type EmbedBatch = (texts: string[], signal: AbortSignal) => Promise<Vector[]>

type Vector = number[] | Float32Array

type EmbedderOptions = {
  space: string
  service: ModelService
  model: string
  /** Maximum length of a text in tokens. */
  textTokens: number
  batch: EmbedBatch
  cache: VectorCache
  schedulers: Schedulers
}

const maxBatchTexts = 64
const maxBatchTokens = 8_192
const maxConcurrent = 2
const maxAttempts = 4
/** The maximum of pgvector. */
const maxDimensions = 16_000
/** A text of this length is not truncated further. */
const minTextCharacters = 16
/**
 * A batch of passages waits for answers up to twice its duration, so that a busy server spends at least a third of its
 * time on passages.
 */
const waitPerBatch = 2
const initialMaxWaitMs = 1_000
const maxMaxWaitMs = 10_000

/** Creates an embedder with a cache, batches, bounded concurrency and retries. */
export function createEmbedder(options: EmbedderOptions): Embedder {
  const { space, service, model, textTokens, batch, cache } = options
  // Queries are scheduled like answers; passages are embedded in the background.
  const scheduler = options.schedulers.for(service)
  // Leaves a margin for the error of the token estimate.
  const maxTokens = Math.floor(textTokens / 1.5)

  let dimensions: number | undefined
  let maxWaitMs = initialMaxWaitMs
  async function embedTimed(texts: string[], signal: AbortSignal): Promise<Vector[]> {
    const startedAt = performance.now()
    const vectors = await batch(texts, signal)
    maxWaitMs = Math.min(maxMaxWaitMs, waitPerBatch * (performance.now() - startedAt))
    return vectors
  }

  async function embedScheduled(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<Vector[]> {
    if (purpose === 'passage')
      return await scheduler.runInBackground(signal, (current) => embedTimed(texts, current), { maxWaitMs })
    const endAnswer = scheduler.beginAnswer()
    try {
      return await batch(texts, signal)
    } finally {
      endAnswer()
    }
  }

  async function embedWithRetries(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<Vector[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await embedScheduled(texts, purpose, signal)
      } catch (thrown) {
        signal.throwIfAborted()
        // Embedding is idempotent, so a request is also retried after a lost connection.
        const isRetryable = thrown instanceof AppError && /^(?:cut|http_500)$/.test(thrown.code)
        const wait = retryDelay(thrown, attempt)?.ms ?? (isRetryable ? 400 * attempt : undefined)
        if (wait === undefined || attempt === maxAttempts) throw thrown
        await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    }
  }

  async function embedTexts(texts: string[], purpose: Purpose, signal: AbortSignal): Promise<Float32Array[]> {
    try {
      const vectors = await embedWithRetries(texts, purpose, signal)
      if (vectors.length !== texts.length) throw badJson(service)
      for (const { length } of vectors) {
        if (length === 0 || length > maxDimensions) throw unusableDimensions(model, length, maxDimensions)
        dimensions ??= length
        if (length !== dimensions) throw unexpectedDimensions(model, dimensions, length)
      }
      return vectors.map(normalize)
    } catch (thrown) {
      if (!isContextError(thrown)) throw thrown
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
    remote: service.remote,
    async embed(texts, purpose, signal) {
      const inputs = texts.map((text) =>
        truncateToTokens(withPrefix(model, text.trim() === '' ? '.' : text, purpose), maxTokens),
      )
      const found = await cache.get(space, inputs)
      const missing = [...new Set(inputs.filter((_, i) => found[i] === undefined))]
      const embedded = new Map<string, Float32Array>()
      const embedBatch = async (batchTexts: string[]) => {
        const vectors = await embedTexts(batchTexts, purpose, signal)
        const entries = vectors.map((vector, i) => ({ text: batchTexts[i] ?? '', vector }))
        for (const { text, vector } of entries) embedded.set(text, vector)
        cache.put(space, entries)
      }
      const batches = splitIntoBatches(missing)
      while (batches.length > 0) await Promise.all(batches.splice(0, maxConcurrent).map(embedBatch))
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

function normalize(vector: Vector): Float32Array {
  let sum = 0
  for (const x of vector) sum += x * x
  const length = Math.sqrt(sum) || 1
  return Float32Array.from(vector, (x) => x / length)
}
