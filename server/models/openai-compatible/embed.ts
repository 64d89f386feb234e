import { z } from 'zod'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import { badJson, contextLengthExceeded } from '../errors.ts'
import { isContextLengthError, parseContextLimit } from '../upstream/context-limit.ts'
import { HttpError, requestJson } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

const answer = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
})

/** Embeds through an OpenAI-compatible `/embeddings`. */
export const createOpenAiEmbed =
  (service: ModelService, model: string, options: { timeoutMs: number }): EmbedBatch =>
  async (input, signal) => {
    try {
      const { data } = await requestJson(service, answer, {
        method: 'POST',
        path: '/embeddings',
        body: { model, input, encoding_format: 'float' },
        signal,
        timeoutMs: options.timeoutMs,
      })
      const vectors = data.toSorted((a, b) => a.index - b.index).map((entry) => entry.embedding)
      if (vectors.length !== input.length) throw badJson(service)
      return vectors
    } catch (thrown) {
      if (thrown instanceof HttpError && isContextLengthError(thrown.body))
        throw contextLengthExceeded(model, parseContextLimit(thrown.body))
      throw thrown
    }
  }
