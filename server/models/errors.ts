import { AppError, defineError } from '../errors.ts'
import type { Capability, OptionalParameter } from './port.ts'
import type { ModelService } from './upstream/service.ts'

/** Errors of a model service. Each has a separate code, so that a truncated answer never counts as complete. */

export const unreachable = (service: ModelService, why: string, cause: unknown): AppError =>
  new AppError(
    503,
    'unreachable',
    `${service.nameAtStart} does not answer (${why}). ${service.unreachableHint}`,
    { cause },
  )

/** An HTTP error; `serviceMessage` is the service's own message, shortened and without secrets. */
export const httpError = (
  service: ModelService,
  response: { status: number; serviceMessage: string; retryAfter: number | undefined },
): AppError => {
  const advice =
    response.status === 401 || response.status === 403
      ? ` ${service.unauthorizedHint}`
      : response.status === 429
        ? ` Try again ${response.retryAfter ? `in ${response.retryAfter} s` : 'later'}.`
        : response.status >= 300 && response.status < 400
          ? ' Enter the address that it redirects to.'
          : ''
  const detail =
    response.serviceMessage === ''
      ? '.'
      : `: ${response.serviceMessage}${/[.!?]$/.test(response.serviceMessage) ? '' : '.'}`
  return new AppError(
    [401, 403, 429, 503].includes(response.status) ? 503 : 502,
    `http_${response.status}`,
    `${service.nameAtStart} answered ${response.status}${detail}${advice}`,
    response.retryAfter === undefined ? {} : { retryAfter: response.retryAfter },
  )
}

export const connectionLost = (service: ModelService, cause: unknown): AppError =>
  new AppError(502, 'cut', `The connection to ${service.name} was lost. Try again.`, { cause })

export const truncated = defineError(
  502,
  'truncated',
  (service: ModelService) => `${service.nameAtStart} ended its answer before it was complete. Try again.`,
)
export const badJson = defineError(
  502,
  'bad_json',
  (service: ModelService) => `${service.nameAtStart} sent an invalid response. Try again, or update it.`,
)
export const upstreamError = defineError(502, 'upstream_error', (service: ModelService, message: string) =>
  message === ''
    ? `${service.nameAtStart} reported an error.`
    : `${service.nameAtStart} reported an error: ${message}`,
)
export const noFirstToken = defineError(
  504,
  'no_first_token',
  (service: ModelService, ms: number) =>
    `${service.nameAtStart} did not start to answer within ${Math.round(ms / 1000)} s. The model may be too large for this machine: choose a smaller one, or increase MODEL_FIRST_TOKEN_TIMEOUT_MS.`,
)
export const stalled = defineError(
  504,
  'stalled',
  (service: ModelService, ms: number) =>
    `${service.nameAtStart} has sent nothing for ${Math.round(ms / 1000)} s. Try again.`,
)
export const notSse = defineError(
  502,
  'not_sse',
  (service: ModelService, type: string) =>
    `${service.nameAtStart} answered with ${type || 'no content type'}, possibly from a proxy or a login page. Check its address.`,
)
export const contextLengthExceeded = defineError(
  502,
  'context_length_exceeded',
  (model: string, limit: number | undefined) =>
    `The prompt exceeds the context window of ${model}${limit === undefined ? '' : ` (${limit} tokens)`}. Ask a shorter question or choose a model with a larger context window.`,
  (_model, limit) => (limit === undefined ? undefined : { limit }),
)

/** Errors of a request for a model. */

export const modelNotInstalled = defineError(
  404,
  'model_not_found',
  (name: string, available: string[]) =>
    `The model ${name} is not installed. Pull it on the Models screen, or choose another: ${formatNames(available)}.`,
  (_name, available) => ({ available: available.slice(0, 10) }),
)
export const ollamaUnavailable = defineError(
  503,
  'ollama_away',
  () =>
    `Ollama does not answer. Start it with "ollama serve" (available from ollama.com), or set OLLAMA_BASE_URL to its address.`,
)
export const openaiNotConfigured = defineError(
  503,
  'openai_not_configured',
  (name: string) =>
    `${name} needs an OpenAI-compatible service. Set OPENAI_API_KEY, or OPENAI_BASE_URL for a service of your own.`,
)
export const notAChatModel = defineError(
  400,
  'not_a_chat_model',
  (name: string) => `${name} is an embedding model. Choose a chat model.`,
)
export const embeddingModelNotFound = defineError(
  404,
  'model_not_found',
  (name: string) => `There is no embedding model ${name}. The list of models contains those you may use.`,
)
/** `field` is the name in OpenAI's chat API. */
export const capabilityMissing = defineError(
  400,
  'model_unsupported',
  (name: string, _field: string, capability: Capability) =>
    `${name} lacks the capability ${capability}. Choose a model that has it.`,
  (_name, field, capability) => ({ field, capability }),
)
const optionalParameters: Record<OptionalParameter, string> = {
  seed: 'a seed',
  stop: 'stop sequences',
  tool_choice: 'a required tool call',
}
export const parameterUnsupported = defineError(
  400,
  'model_unsupported',
  (name: string, field: OptionalParameter) =>
    `${name} does not support ${optionalParameters[field]}. Leave it out or choose another model.`,
  (_name, field) => ({ field }),
)
export const imagesNotAllowed = defineError(
  403,
  'images_not_allowed',
  (provider: string) =>
    `The pictures may not be sent to ${provider}, which is outside the private network. Allow it, or choose a local model.`,
)
export const invalidToolArguments = defineError(
  400,
  'invalid_tool_arguments',
  (name: string) => `The arguments of a call of ${name} in tool_calls are not a JSON object.`,
  () => ({ field: 'tool_calls' }),
)
export const ambiguousModel = defineError(
  400,
  'model_ambiguous',
  (name: string, ids: string[]) => `Several providers have ${name}. Name one of them: ${ids.join(', ')}.`,
  (_name, ids) => ({ models: ids }),
)
export const noLocalModel = defineError(
  409,
  'local_only',
  (name: string) =>
    `${name} is outside the private network, and this conversation is local only. Choose a local model.`,
)
export const blockedRemote = defineError(
  409,
  'local_only',
  (service: ModelService) =>
    `Nothing is sent to ${service.name}, because this conversation is local only. Choose a local model.`,
)
export const providerNotFound = defineError(
  404,
  'provider_not_found',
  () =>
    'Not found. The provider has been removed, or it comes from the settings of the server and is changed there.',
)
export const providerRemoved = defineError(
  503,
  'provider_removed',
  (name: string) => `The provider ${name} was removed before it could answer. Ask again with another model.`,
)
export const providerNameTaken = defineError(
  409,
  'provider_exists',
  (name: string) => `A provider named ${name} already exists. Choose another name.`,
)
export const keyNeeded = defineError(
  400,
  'key_needed',
  () => 'Enter the API key and the headers again when the address changes, or remove them.',
)
export const notALocalModel = defineError(
  400,
  'not_a_local_model',
  (name: string) => `${name} is not installed on this server, so it cannot be deleted or unloaded.`,
)

/** Errors of models that run in this process. */

/** `detail` is the reason why an installed runtime cannot be loaded. */
export const runtimeMissing = defineError(
  503,
  'runtime_missing',
  (detail: string | undefined) =>
    `In-process models need two more packages: run "npm install --global --ignore-scripts onnxruntime-node@1.30 @huggingface/tokenizers@0.2" (in a checkout "npm ci") and restart the server${detail === undefined ? '' : ` (${detail})`}.`,
)
export const engineFailed = defineError(
  502,
  'engine_failed',
  (model: string, reason: string) =>
    `The model ${model} cannot be run: ${reason}. Delete it and download it again, or choose another.`,
)
/** `detail` is the reason why npm failed. */
export const engineNotInstalled = defineError(503, 'chat_engine_missing', (detail?: string) =>
  detail === undefined
    ? 'The engine for chat models in this process is not installed. An administrator can install it on the Models screen, or with "gabee models install-engine".'
    : `npm could not install the engine for chat models (${detail}). Check that the server reaches the npm registry, and install it again.`,
)
export const engineNotSupported = defineError(
  501,
  'chat_engine_unsupported',
  () =>
    'Chat models in this process need Linux on x64 or arm64. Use Ollama on this machine instead (available from ollama.com).',
)
export const noNpm = defineError(
  503,
  'no_npm',
  () =>
    'The engine for chat models is installed with npm, which is not on the PATH of the server. Install npm.',
)
export const notEnoughMemory = defineError(
  503,
  'not_enough_memory',
  (model: string, needed: number, available: number) =>
    `${model} needs about ${gigabytes(needed)} of memory, and ${gigabytes(available)} is free. Choose a smaller model, or stop other programs.`,
)
export const rerankingTooSlow = defineError(
  504,
  'reranking_slow',
  (model: string, ms: number) =>
    `${model} has not scored the passages within ${Math.round(ms / 1000)} s. It may be too large for this machine: choose a smaller one.`,
)
export const engineStopped = (cause: unknown): AppError =>
  new AppError(502, 'cut', 'The in-process models have stopped and are restarting. Try again.', { cause })
export const unexpectedDimensions = defineError(
  502,
  'unexpected_dimensions',
  (model: string, expected: number, found: number) =>
    `The embedding model ${model} returned vectors of ${found} dimensions instead of ${expected}. Install it again, or choose another.`,
)
export const unusableDimensions = defineError(
  502,
  'unexpected_dimensions',
  (model: string, found: number, max: number) =>
    `The embedding model ${model} returned vectors of ${found} dimensions. Choose another: 1 to ${max.toLocaleString('en')} can be stored.`,
)
export const catalogueModelNotFound = defineError(
  404,
  'model_not_found',
  (id: string) => `There is no model ${id}. GET /models/catalogue lists the models.`,
)
export const invalidCatalogue = defineError(
  500,
  'invalid_catalogue',
  (file: string, why: string) => `The catalogue ${file} cannot be read. ${why}`,
)
export const fileDiffers = defineError(
  502,
  'file_differs',
  (file: string, source: string) =>
    `${file} from ${source} differs from the file of the catalogue (SHA-256), so it was deleted. Try again; if this happens again, the source has another version.`,
)
export const oneInProcessProvider = defineError(
  409,
  'provider_exists',
  () =>
    'The provider of in-process models already exists: in_process. Add models to it from the catalogue (POST /models/download).',
)

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

function formatNames(names: string[]): string {
  if (names.length === 0) return 'extractive'
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`
}
