import { type Dispatcher, interceptors, request } from 'undici'
import type { z } from 'zod'
import { AppError } from '../../errors.ts'
import { badJson, connectionLost, httpError, notSse, unreachable, upstreamError } from '../errors.ts'
import { requireAllowed } from '../local-only.ts'
import { errorMessageOf, parseErrorMessage, sanitizeMessage } from './error-message.ts'
import { createPace } from './pace.ts'
import type { ModelService } from './service.ts'

export type ServiceRequest = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: object
  /**
   * Redirects are an error by default, because they would send the prompt and the key to a host that is not configured.
   */
  redirect?: 'manual' | 'follow'
  signal: AbortSignal
  /** Timeout of the complete exchange, reported as `unreachable`. */
  timeoutMs?: number
}

export type ServiceResponse = Dispatcher.ResponseData

const maxErrorCharacters = 16_384
/** 64 vectors of 4,096 dimensions take 6 MB. */
const maxReplyCharacters = 32_000_000
/** The limit of fetch (Fetch standard, "HTTP-redirect fetch"). */
const followRedirects = interceptors.redirect({ maxRedirections: 20 })

/**
 * Sends a request and resolves when the headers of a successful response have arrived. Throws `unreachable` if no
 * connection was made, `cut` if it was lost later, `http_NNN` for an error status, and the signal's reason on abort.
 */
export async function sendRequest(
  service: ModelService,
  { method = 'GET', path, headers, body, redirect = 'manual', signal }: ServiceRequest,
): Promise<ServiceResponse> {
  // Only requests with a body contain user content.
  if (body !== undefined) await requireAllowed(service)
  let response: ServiceResponse
  try {
    response = await request(`${service.address}${path}`, {
      method,
      headers: {
        accept: 'application/json, application/x-ndjson, text/event-stream',
        // Some services refuse requests without a user agent.
        'user-agent': 'gabee',
        ...service.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      dispatcher: redirect === 'follow' ? service.agent.compose(followRedirects) : service.agent,
      signal,
    })
  } catch (thrown) {
    throw toServiceError(thrown, service, signal)
  }
  const { statusCode: status } = response
  if (status >= 200 && status < 300) return response
  const text = await readErrorBody(response, service, signal)
  const serviceMessage = sanitizeMessage(parseErrorMessage(text), service)
  const retryAfter = parseRetryAfter(response.headers['retry-after'])
  const errorWith = (seconds: number | undefined) =>
    httpError(service, { status, serviceMessage, retryAfter: seconds })
  throw new ServiceError(errorWith(retryAfter), status, text, errorWith)
}

/** An error that the service has reported, with its HTTP status and complete text. */
export class ServiceError extends AppError {
  readonly upstreamStatus: number
  readonly #text: string
  readonly #errorWith: ((retryAfter: number) => AppError) | undefined

  /** `errorWith` returns the error for a number of seconds, if its message contains them. */
  constructor(
    error: AppError,
    upstreamStatus: number,
    text: string,
    errorWith?: (retryAfter: number) => AppError,
  ) {
    const { retryAfter } = error
    super(error.status, error.code, error.message, retryAfter === undefined ? {} : { retryAfter })
    this.upstreamStatus = upstreamStatus
    this.#text = text
    this.#errorWith = errorWith
  }

  override withRetryAfter(retryAfter: number): AppError {
    return this.#errorWith?.(retryAfter) ?? super.withRetryAfter(retryAfter)
  }

  /** Must not be displayed or logged, because it may contain a key. */
  get text(): string {
    return this.#text
  }
}

/** Sends a request and returns the response text within `timeoutMs`. */
export async function requestText(service: ModelService, request: ServiceRequest): Promise<string> {
  const { signal: stop, timeoutMs } = request
  const signal = timeoutMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)])
  try {
    const response = await sendRequest(service, { ...request, signal })
    return await readReply(response, service, signal)
  } catch (thrown) {
    stop.throwIfAborted()
    if (signal.aborted && !(thrown instanceof AppError)) throw unreachable(service, 'timeout', thrown)
    throw thrown
  }
}

/** Sends a request and parses the JSON response. @throws bad_json for a response that does not match the schema */
export async function requestJson<T>(
  service: ModelService,
  schema: z.ZodType<T>,
  request: ServiceRequest,
): Promise<T> {
  const parsed = schema.safeParse(parseReply(await requestText(service, request), service))
  if (!parsed.success) throw badJson(service)
  return parsed.data
}

/** Parses a JSON object. @throws bad_json, not_sse for a web page, upstream_error for an object that reports an error */
export function parseReply(text: string, service: ModelService): object {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw text.trimStart().startsWith('<') ? notSse(service, 'a web page') : badJson(service)
  }
  if (typeof json !== 'object' || json === null) throw badJson(service)
  const error = errorMessageOf(json)
  if (error === undefined) return json
  throw new ServiceError(upstreamError(service, sanitizeMessage(error, service)), 200, error)
}

const connectionErrors: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name could not be resolved',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
}

/** Maps an error of a request or of reading a body to a service error; returns the signal's reason after an abort. */
function toServiceError(thrown: unknown, service: ModelService, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (thrown instanceof AppError) return thrown
  const code = errorCodeOf(thrown)
  const reason = connectionErrors[code]
  if (reason !== undefined) return unreachable(service, reason, thrown)
  if (/CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO/.test(code))
    return unreachable(service, 'its TLS certificate or protocol is not accepted', thrown)
  return connectionLost(service, thrown)
}

function errorCodeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++)
    if ('code' in error && typeof error.code === 'string') return error.code
  return ''
}

const pace = createPace()

/** Reads a body as it arrives. Throws `cut` when the connection is lost, and the signal's reason on abort. */
export async function* readBody(
  response: ServiceResponse,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body) {
      yield chunk as Uint8Array
      await pace()
    }
  } catch (thrown) {
    throw toServiceError(thrown, service, signal)
  }
}

/** Decodes a body as it arrives; characters may span chunks. Throws the errors of `readBody`. */
export async function* decodeBody(
  response: ServiceResponse,
  service: ModelService,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of readBody(response, service, signal)) {
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

/** Reads a body as text. @throws bad_json if it is too long */
export async function readReply(
  ...[response, service, signal]: Parameters<typeof decodeBody>
): Promise<string> {
  let text = ''
  for await (const part of decodeBody(response, service, signal)) {
    text += part
    if (text.length > maxReplyCharacters) throw badJson(service)
  }
  return text
}

async function readErrorBody(
  response: ServiceResponse,
  service: ModelService,
  signal: AbortSignal,
): Promise<string> {
  let text = ''
  try {
    for await (const part of decodeBody(response, service, signal)) {
      text += part
      if (text.length > maxErrorCharacters) break
    }
  } catch {
    // The status is enough without the body; only an abort takes precedence.
    signal.throwIfAborted()
  }
  return text
}

/** Parses a Retry-After header, which contains seconds or a date. */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  const seconds = /^\d+(?:\.\d+)?$/.test(header.trim())
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
