import { z } from 'zod'
import { requestJson, ServiceError } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

const positive = z.number().int().positive().nullish().catch(null)

const list = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      // The field has no settled name: OpenRouter, vLLM, LM Studio, Groq, llama.cpp.
      context_length: positive,
      max_model_len: positive,
      max_context_length: positive,
      context_window: positive,
      meta: z.object({ n_ctx: positive, n_ctx_train: positive }).nullish().catch(null),
    }),
  ),
})

export type ServedModel = { name: string; contextLength: number | null }

/** The models that a service lists; undefined when it has no such list. */
export async function listServed(
  service: ModelService,
  signal: AbortSignal,
): Promise<ServedModel[] | undefined> {
  try {
    const answer = await requestJson(service, list, { path: '/models', signal, timeoutMs: 4_000 })
    return answer.data.map((model) => ({
      name: model.id,
      contextLength:
        model.meta?.n_ctx ??
        model.context_length ??
        model.max_model_len ??
        model.max_context_length ??
        model.context_window ??
        model.meta?.n_ctx_train ??
        null,
    }))
  } catch (thrown) {
    if (thrown instanceof ServiceError && [404, 405, 501].includes(thrown.upstreamStatus)) return undefined
    throw thrown
  }
}
