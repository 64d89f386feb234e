import { AppError, defineError } from '../errors.ts'
import type { ModelService } from './upstream/service.ts'

/** Faults of a model service. Each is told apart, so that a cut answer is never taken for a whole one. */

export const unreachable = (service: ModelService, why: string, cause: unknown): AppError =>
  new AppError(
    503,
    'unreachable',
    `${service.nameAtStart} does not answer (${why}). ${service.unreachableHint}`,
    { cause },
  )

/** The service answered with an HTTP error; `said` is its own message, shortened and without secrets. */
export const httpError = (
  service: ModelService,
  answer: { status: number; said: string; retryAfter: number | undefined },
): AppError => {
  const advice =
    answer.status === 401 || answer.status === 403
      ? ` ${service.unauthorizedHint}`
      : answer.status === 429
        ? ' Try again a little later.'
        : ''
  const said = answer.said === '' ? '.' : `: ${answer.said}${/[.!?]$/.test(answer.said) ? '' : '.'}`
  return new AppError(
    [401, 403, 429, 503].includes(answer.status) ? 503 : 502,
    `http_${answer.status}`,
    `${service.nameAtStart} answered ${answer.status}${said}${advice}`,
    answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter },
  )
}

export const connectionLost = (service: ModelService, cause: unknown): AppError =>
  new AppError(502, 'cut', `The connection to ${service.name} broke in the middle. Try again.`, { cause })

export const truncated = defineError(
  502,
  'truncated',
  (service: ModelService) =>
    `${service.nameAtStart} ended its answer without saying that it is whole. Try again.`,
)
export const badJson = defineError(
  502,
  'bad_json',
  (service: ModelService) =>
    `${service.nameAtStart} sent something that cannot be read. Try again, or update it.`,
)
export const upstreamError = defineError(502, 'upstream_error', (service: ModelService, said: string) =>
  said === ''
    ? `${service.nameAtStart} reported an error.`
    : `${service.nameAtStart} reported an error: ${said}`,
)
export const noFirstToken = defineError(
  504,
  'no_first_token',
  (service: ModelService, ms: number) =>
    `${service.nameAtStart} did not begin within ${Math.round(ms / 1000)} s. The model may be too large for this machine: choose a smaller one, or raise MODEL_FIRST_TOKEN_TIMEOUT_MS.`,
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
    `${service.nameAtStart} answered with ${type || 'something untyped'} instead of a stream; a proxy or a login page may stand in between. Check its address.`,
)
export const contextLengthExceeded = defineError(
  502,
  'context_length_exceeded',
  (model: string, limit: number | undefined) =>
    `The question with what belongs to it is longer than ${model} can read${limit === undefined ? '' : ` (${limit} tokens)`}. Ask a shorter question or choose a model with a larger context.`,
  (_model, limit) => (limit === undefined ? undefined : { limit }),
)

/** What a person asked for and cannot get. */

export const modelNotInstalled = defineError(
  404,
  'model_not_installed',
  (name: string, available: string[]) =>
    `The model ${name} is not installed. Pull it on the Models screen, or choose another: ${formatNames(available)}.`,
  (_name, available) => ({ available: available.slice(0, 10) }),
)
export const ollamaUnavailable = defineError(
  503,
  'ollama_away',
  (address: string) =>
    `Ollama at ${address} does not answer. Start it with "ollama serve" (get it from ollama.com), or set OLLAMA_BASE_URL to where it runs.`,
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
  (name: string) => `${name} makes embeddings and cannot chat. Choose a chat model.`,
)
export const notALocalModel = defineError(
  400,
  'not_a_local_model',
  (name: string) => `${name} does not live in Ollama here, so it can be neither removed nor unloaded.`,
)

function formatNames(names: string[]): string {
  if (names.length === 0) return 'extractive'
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`
}
