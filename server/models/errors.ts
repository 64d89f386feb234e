import { AppError, defineError } from '../errors.ts'
import type { Service } from './upstream/service.ts'

/** Faults of a model service. Each is told apart, so that a cut answer is never taken for a whole one. */

export const unreachable = (service: Service, why: string, cause: unknown): AppError =>
  new AppError(503, 'unreachable', `${service.Title} does not answer (${why}). ${service.remedy}`, { cause })

/** The service answered with an HTTP error; `said` is its own message, shortened and without secrets. */
export const httpFault = (
  service: Service,
  answer: { status: number; said: string; retryAfter: number | undefined },
): AppError => {
  const advice =
    answer.status === 401 || answer.status === 403
      ? ` ${service.keyRemedy}`
      : answer.status === 429
        ? ' Try again a little later.'
        : ''
  const said = answer.said === '' ? '.' : `: ${answer.said}${/[.!?]$/.test(answer.said) ? '' : '.'}`
  return new AppError(
    [401, 403, 429, 503].includes(answer.status) ? 503 : 502,
    `http_${answer.status}`,
    `${service.Title} answered ${answer.status}${said}${advice}`,
    answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter },
  )
}

export const cut = (service: Service, cause: unknown): AppError =>
  new AppError(502, 'cut', `The connection to ${service.title} broke in the middle. Try again.`, { cause })

export const truncated = defineError(
  502,
  'truncated',
  (service: Service) => `${service.Title} ended its answer without saying that it is whole. Try again.`,
)
export const badJson = defineError(
  502,
  'bad_json',
  (service: Service) => `${service.Title} sent something that cannot be read. Try again, or update it.`,
)
export const upstreamError = defineError(502, 'upstream_error', (service: Service, said: string) =>
  said === '' ? `${service.Title} reported an error.` : `${service.Title} reported an error: ${said}`,
)
export const noFirstToken = defineError(
  504,
  'no_first_token',
  (service: Service, ms: number) =>
    `${service.Title} did not begin within ${Math.round(ms / 1000)} s. The model may be too large for this machine: choose a smaller one, or raise MODEL_FIRST_TOKEN_TIMEOUT_MS.`,
)
export const stalled = defineError(
  504,
  'stalled',
  (service: Service, ms: number) =>
    `${service.Title} has sent nothing for ${Math.round(ms / 1000)} s. Try again.`,
)
export const notSse = defineError(
  502,
  'not_sse',
  (service: Service, type: string) =>
    `${service.Title} answered with ${type || 'something untyped'} instead of a stream; a proxy or a login page may stand in between. Check its address.`,
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
    `The model ${name} is not installed. Pull it on the Models screen, or choose another: ${listed(available)}.`,
  (_name, available) => ({ available: available.slice(0, 10) }),
)
export const ollamaAway = defineError(
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

function listed(names: string[]): string {
  if (names.length === 0) return 'extractive'
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`
}
