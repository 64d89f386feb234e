import { z } from 'zod'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import { requestJson } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

const answer = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
})

/** Embeds through an OpenAI-compatible `/embeddings`. */
export const createOpenAiEmbed =
  (service: ModelService, model: string, options: { timeoutMs: number }): EmbedBatch =>
  async (input, signal) => {
    const { data } = await requestJson(service, answer, {
      method: 'POST',
      path: '/embeddings',
      body: { model, input, encoding_format: 'float' },
      signal,
      timeoutMs: options.timeoutMs,
    })
    return data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding)
  }
