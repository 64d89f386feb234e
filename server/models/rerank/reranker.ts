import { z } from 'zod'
import type { Log } from '../../log.ts'
import { badJson } from '../errors.ts'
import { requestJson } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

/**
 * What putting some thirty passages in order may take while somebody waits; and how long the service is left alone
 * after a fault, so that no question waits for what just failed.
 */
const usualPatience = { answerMs: 3_000, restMs: 30_000 }
/** Cross-encoders read a few hundred tokens, the query among them. */
const longestQuery = 1_000

const answer = z.object({
  results: z.array(z.object({ index: z.number().int().nonnegative(), relevance_score: z.number() })),
})

/**
 * A cross-encoder behind `POST /rerank`, as llama.cpp, vLLM, Jina and Cohere speak it.
 *
 * It makes a good order better and must never stand in the way: a fault costs one question its patience at most, is
 * logged when it begins and when it is over, and shows in `status`.
 */
export function createReranker({
  service,
  model,
  log,
  patience = usualPatience,
}: {
  service: ModelService
  model: string
  log: Log
  patience?: typeof usualPatience
}) {
  let fault: { message: string; until: number } | undefined

  async function ask(query: string, texts: string[], signal: AbortSignal): Promise<number[]> {
    const { results } = await requestJson(service, answer, {
      method: 'POST',
      path: '/rerank',
      body: {
        model,
        query: query.slice(0, longestQuery).toWellFormed(),
        documents: texts,
        top_n: texts.length,
      },
      signal,
      timeoutMs: patience.answerMs,
    })
    const scores = new Map(results.map(({ index, relevance_score }) => [index, relevance_score]))
    return texts.map((_, i) => {
      const score = scores.get(i)
      if (score === undefined) throw badJson(service)
      return score
    })
  }

  return {
    /** How well each text answers the query, in their order: more is better, on the model's own scale. Undefined while the service is at fault. */
    async scoreRelevance(query: string, texts: string[], signal: AbortSignal): Promise<number[] | undefined> {
      if (texts.length === 0 || (fault && performance.now() < fault.until)) return undefined
      try {
        const scores = await ask(query, texts, signal)
        if (fault) log.info(`${model} puts passages in order again`)
        fault = undefined
        return scores
      } catch (error) {
        signal.throwIfAborted()
        const message = error instanceof Error ? error.message : String(error)
        if (!fault)
          log.warn({ err: error }, `${model} does not put passages in order; they stay as they were found`)
        fault = { message, until: performance.now() + patience.restMs }
        return undefined
      }
    },

    status: () => ({ model, problem: fault?.message ?? null }),
  }
}
