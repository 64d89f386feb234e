import { z } from 'zod'
import { guessCapabilities } from '../names.ts'
import type { Capability } from '../port.ts'
import type { ProviderModel } from '../providers/protocol.ts'
import { requestJson, ServiceError } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'

const positive = z.number().int().positive().nullish().catch(null)

const served = z.array(
  z.object({
    id: z.string(),
    // The name of the field differs between services: OpenRouter, vLLM, LM Studio, Groq, llama.cpp.
    context_length: positive,
    max_model_len: positive,
    max_context_length: positive,
    context_window: positive,
    meta: z.object({ n_ctx: positive, n_ctx_train: positive }).nullish().catch(null),
    // OpenRouter and Mistral report capabilities in different forms.
    architecture: z
      .object({ input_modalities: z.array(z.string()) })
      .nullish()
      .catch(null),
    supported_parameters: z.array(z.string()).nullish().catch(null),
    capabilities: z.object({ function_calling: z.boolean(), vision: z.boolean() }).nullish().catch(null),
  }),
)
// Together returns only the array.
const list = z.union([z.object({ data: served }).transform(({ data }) => data), served])

type Listed = z.infer<typeof served>[number]

/** Returns the capabilities that the service reports, otherwise a guess from the name. */
function capabilitiesOf({ id, architecture, supported_parameters, capabilities }: Listed): Capability[] {
  const guessed = guessCapabilities(id)
  if (!guessed.includes('chat')) return guessed
  const tools = capabilities?.function_calling ?? supported_parameters?.includes('tools')
  const vision = capabilities?.vision ?? architecture?.input_modalities.includes('image')
  const has = (capability: Capability, reported: boolean | undefined) =>
    (reported ?? guessed.includes(capability)) ? [capability] : []
  return [
    'chat',
    ...has('tools', tools),
    ...has('json', undefined),
    ...has('vision', vision),
    ...has('thinking', supported_parameters?.includes('reasoning')),
  ]
}

/** Lists the models of a service; undefined when it has no such list. */
export async function listServed(
  service: ModelService,
  signal: AbortSignal,
): Promise<ProviderModel[] | undefined> {
  try {
    const answer = await requestJson(service, list, { path: '/models', signal, timeoutMs: 4_000 })
    return answer.map((model) => ({
      name: model.id,
      capabilities: capabilitiesOf(model),
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
