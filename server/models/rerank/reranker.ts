import { z } from 'zod'
import type { Log } from '../../log.ts'
import { badJson } from '../errors.ts'
import { requestJson } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

/**
 * `requestMs` limits one request while a user waits: 30 passages are about 5,000 tokens, for which a cross-encoder of 100
 * million parameters needs 10^12 operations (two per parameter and token: Kaplan et al., "Scaling Laws for Neural Language
 * Models", 2020), about what a few processor cores calculate in that time; larger models need a GPU. `retryAfterMs` is the
 * pause after a failure (circuit breaker).
 */
export const defaultTimeouts = { requestMs: 3_000, retryAfterMs: 30_000 }
/** The context window of a cross-encoder, typically 512 tokens, must contain the query. */
const maxQueryCharacters = 1_000

const answer = z.object({
  results: z.array(z.object({ index: z.number().int().nonnegative(), relevance_score: z.number() })),
})

/** Returns the score of each text, in order. */
export type ScoreTexts = (query: string, texts: string[], signal: AbortSignal) => Promise<number[]>

/** Scores texts with a cross-encoder at `POST /rerank` (llama.cpp, vLLM, Jina, Cohere). */
export const scoreOverHttp =
  (service: ModelService, model: string, timeoutMs = defaultTimeouts.requestMs): ScoreTexts =>
  async (query, texts, signal) => {
    const { results } = await requestJson(service, answer, {
      method: 'POST',
      path: '/rerank',
      body: { model, query, documents: texts, top_n: texts.length },
      signal,
      timeoutMs,
    })
    const scores = new Map(results.map(({ index, relevance_score }) => [index, relevance_score]))
    return texts.map((_, i) => {
      const score = scores.get(i)
      if (score === undefined) throw badJson(service)
      return score
    })
  }

/**
 * A cross-encoder. Reranking is optional: a failure delays one question by the timeout of `score` at most. The log reports
 * the first failure and the recovery; `status` reports the current problem.
 */
export function createReranker({
  model,
  score,
  log,
  retryAfterMs = defaultTimeouts.retryAfterMs,
}: {
  model: string
  score: ScoreTexts
  log: Log
  retryAfterMs?: number
}) {
  let failure: { message: string; until: number } | undefined

  return {
    /** Scores each text against the query; higher is better, on the model's own scale. Returns undefined while the service fails. */
    async scoreRelevance(query: string, texts: string[], signal: AbortSignal): Promise<number[] | undefined> {
      if (texts.length === 0 || (failure && performance.now() < failure.until)) return undefined
      try {
        const scores = await score(query.slice(0, maxQueryCharacters).toWellFormed(), texts, signal)
        if (failure) log.info(`${model} reranks passages again`)
        failure = undefined
        return scores
      } catch (error) {
        signal.throwIfAborted()
        const message = error instanceof Error ? error.message : String(error)
        if (!failure) log.warn({ err: error }, `${model} cannot rerank passages; they keep their order`)
        failure = { message, until: performance.now() + retryAfterMs }
        return undefined
      }
    },

    status: () => ({ model, problem: failure?.message ?? null }),
  }
}

export type Reranker = ReturnType<typeof createReranker>
