import { fetch, type Response } from 'undici'
import type { z } from 'zod'
import { AppError } from '../../errors.ts'
import { badJson, connectionLost, httpError, unreachable, upstreamError } from '../errors.ts'
import { errorMessageOf, parseErrorMessage, sanitizeMessage } from './error-message.ts'
import type { ModelService } from './service.ts'

export type ServiceRequest = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: object
  signal: AbortSignal
  /** Gives up on the whole of a short exchange after this time, as `unreachable`. */
  timeoutMs?: number
}

/** The error text is read to this length at most. */
const maxErrorCharacters = 16_384

/**
 * Sends one request and returns the answer once its headers are there and its status is good.
 * Throws `unreachable` when no connection came about (nothing was begun), `cut` when it broke later,
 * `http_NNN` for an error status. When the signal fires, its reason is thrown.
 */
export async function sendRequest(
  service: ModelService,
  { method = 'GET', path, body, signal }: ServiceRequest,
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`${service.baseUrl}${path}`, {
      method,
      headers: {
        accept: 'application/json, application/x-ndjson, text/event-stream',
        ...service.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'follow',
      dispatcher: service.agent,
      signal,
    })
  } catch (thrown) {
    throw toServiceError(thrown, service, signal)
  }
  if (response.ok) return response
  const text = await readErrorBody(response, service, signal)
  throw new HttpError(service, response, text)
}

/** An `http_NNN` fault that still knows what the service said in full, for those who can act on it. */
export class HttpError extends AppError {
  readonly upstreamStatus: number
  readonly #body: string

  constructor(service: ModelService, response: Response, body: string) {
    const retryAfter = parseRetryAfter(response.headers.get('retry-after'))
    const said = sanitizeMessage(parseErrorMessage(body), service)
    const fault = httpError(service, { status: response.status, said, retryAfter })
    super(fault.status, fault.code, fault.message, retryAfter === undefined ? {} : { retryAfter })
    this.upstreamStatus = response.status
    this.#body = body
  }

  /** Neither shown nor logged: it may hold anything, a key too. */
  get body(): string {
    return this.#body
  }
}

/** One short exchange, within `timeoutMs`: the text of the answer. */
export async function requestText(service: ModelService, request: ServiceRequest): Promise<string> {
  const { signal: stop, timeoutMs } = request
  const signal = timeoutMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)])
  try {
    const response = await sendRequest(service, { ...request, signal })
    return await response.text().catch((thrown: unknown) => {
      throw toServiceError(thrown, service, signal)
    })
  } catch (thrown) {
    stop.throwIfAborted()
    if (signal.aborted && !(thrown instanceof AppError))
      throw unreachable(service, 'no answer in time', thrown)
    throw thrown
  }
}

/** The same in JSON, checked against a schema. Throws `bad_json` when the answer does not fit. */
export async function requestJson<T>(
  service: ModelService,
  schema: z.ZodType<T>,
  request: ServiceRequest,
): Promise<T> {
  const json = parseJson(await requestText(service, request), service)
  const error = typeof json === 'object' && json !== null ? errorMessageOf(json) : undefined
  if (error !== undefined) throw upstreamError(service, sanitizeMessage(error, service))
  const known = schema.safeParse(json)
  if (!known.success) throw badJson(service)
  return known.data
}

export function parseJson(text: string, service: ModelService): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badJson(service)
  }
}

const connectionErrors: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
}

/** A value thrown by fetch or by reading a body, as one of our faults; the signal's reason when it has fired. */
export function toServiceError(thrown: unknown, service: ModelService, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (thrown instanceof AppError) return thrown
  const code = errorCodeOf(thrown)
  const why = connectionErrors[code]
  // Browsers and fetch keep away from some ports; the message is all that tells.
  if (thrown instanceof Error && thrown.cause instanceof Error && thrown.cause.message === 'bad port')
    return unreachable(service, 'programs may not use that port', thrown)
  if (why !== undefined) return unreachable(service, why, thrown)
  if (/CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO/.test(code))
    return unreachable(service, 'its TLS certificate or protocol is not accepted', thrown)
  return connectionLost(service, thrown)
}

function errorCodeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++)
    if ('code' in error && typeof error.code === 'string') return error.code
  return ''
}

async function readErrorBody(
  response: Response,
  service: ModelService,
  signal: AbortSignal,
): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > maxErrorCharacters) break
    }
  } catch (thrown) {
    // The status says enough; only a person's stop counts more.
    if (signal.aborted) throw toServiceError(thrown, service, signal)
  }
  return text
}

/** Seconds from a Retry-After header, which holds seconds or a date. */
function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = /^\d+(?:\.\d+)?$/.test(header.trim())
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
