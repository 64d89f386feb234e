import { z } from 'zod'
import { requestJson, requestText } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

/** The parts of Ollama's API that are used here. Fields that older versions lack are optional. */

const tags = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: z.number().nullish(),
      modified_at: z.string().nullish(),
      digest: z.string().nullish(),
      details: z.object({ family: z.string().nullish(), families: z.array(z.string()).nullish() }).nullish(),
    }),
  ),
})
export type InstalledModel = z.infer<typeof tags>['models'][number]

const show = z.object({
  capabilities: z.array(z.string()).nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
})

const ps = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      context_length: z.number().int().nullish(),
      size: z.number().int().nullish(),
      size_vram: z.number().int().nullish(),
    }),
  ),
})
export type LoadedModel = z.infer<typeof ps>['models'][number]

/** `contextLength` is the maximum of the model, not the window that it is loaded with. */
export type ModelDetails = { capabilities: string[]; contextLength: number | null }

/** Timeout of requests that a running Ollama answers at once. */
const quickTimeoutMs = 2_000
/** Timeout for deleting or unloading a large model, which takes seconds on a slow disk. */
const diskTimeoutMs = 60_000

export async function listInstalled(service: ModelService, signal: AbortSignal): Promise<InstalledModel[]> {
  const answer = await requestJson(service, tags, { path: '/api/tags', signal, timeoutMs: quickTimeoutMs })
  return answer.models
}

export async function showModel(
  service: ModelService,
  model: InstalledModel,
  signal: AbortSignal,
): Promise<ModelDetails> {
  const answer = await requestJson(service, show, {
    method: 'POST',
    path: '/api/show',
    body: { model: model.name },
    signal,
    timeoutMs: quickTimeoutMs,
  })
  const info = answer.model_info ?? {}
  const length = info[`${String(info['general.architecture'])}.context_length`]
  return {
    capabilities: answer.capabilities ?? guessCapabilities(model),
    contextLength: typeof length === 'number' ? length : null,
  }
}

/** Ollama before 0.6.4 does not report capabilities. BERT models are embedding models. */
function guessCapabilities(model: InstalledModel): string[] {
  const families = [model.details?.family ?? '', ...(model.details?.families ?? [])]
  return families.some((family) => family.includes('bert')) || /embed|minilm|bge|e5-/i.test(model.name)
    ? ['embedding']
    : ['completion']
}

/** Lists the models in memory with their context windows and bytes. */
export async function listLoaded(service: ModelService, signal: AbortSignal): Promise<LoadedModel[]> {
  const answer = await requestJson(service, ps, { path: '/api/ps', signal, timeoutMs: quickTimeoutMs })
  return answer.models
}

export async function deleteModel(service: ModelService, name: string, signal: AbortSignal): Promise<void> {
  const request = { method: 'DELETE', path: '/api/delete', body: { model: name } } as const
  await requestText(service, { ...request, signal, timeoutMs: diskTimeoutMs })
}

/** Unloads a chat or embedding model from memory. */
export async function unloadModel(
  service: ModelService,
  name: string,
  isEmbedding: boolean,
  signal: AbortSignal,
): Promise<void> {
  const request = isEmbedding
    ? { path: '/api/embed', body: { model: name, input: [], keep_alive: 0 } }
    : { path: '/api/generate', body: { model: name, keep_alive: 0, stream: false } }
  await requestText(service, { method: 'POST', ...request, signal, timeoutMs: diskTimeoutMs })
}
