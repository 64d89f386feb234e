import { z } from 'zod'
import type { EmbedBatch } from '../embeddings/embedder.ts'
import { requestJson } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

const answer = z.object({ embeddings: z.array(z.array(z.number())) })

/** Embeds through Ollama's `/api/embed`, without its silent truncation of long texts. */
export const createOllamaEmbed =
  (service: ModelService, model: string, options: { numCtx: number; timeoutMs: number }): EmbedBatch =>
  async (input, signal) => {
    const { embeddings } = await requestJson(service, answer, {
      method: 'POST',
      path: '/api/embed',
      body: { model, input, truncate: false, keep_alive: '10m', options: { num_ctx: options.numCtx } },
      signal,
      timeoutMs: options.timeoutMs,
    })
    return embeddings
  }
