import { fetch, type Response } from 'undici'
import type { z } from 'zod'
import { AppError } from '../../errors.ts'
import { badJson, cut, httpFault, unreachable, upstreamError } from '../errors.ts'
import { errorIn, messageIn, plain } from './plain.ts'
import type { Service } from './service.ts'

export type Call = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: object
  signal: AbortSignal
  /** Gives up on the whole of a short exchange after this time, as `unreachable`. */
  timeoutMs?: number
}

/** The error text is read to this length at most. */
const longestError = 16_384

/**
 * Sends one request and returns the answer once its headers are there and its status is good.
 * Throws `unreachable` when no connection came about (nothing was begun), `cut` when it broke later,
 * `http_NNN` for an error status. When the signal fires, its reason is thrown.
 */
export async function call(
  service: Service,
  { method = 'GET', path, body, signal }: Call,
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
    throw faultOf(thrown, service, signal)
  }
  if (response.ok) return response
  const text = await errorText(response, service, signal)
  throw new HttpFault(service, response, text)
}

/** An `http_NNN` fault that still knows what the service said in full, for those who can act on it. */
export class HttpFault extends AppError {
  readonly upstreamStatus: number
  readonly #body: string

  constructor(service: Service, response: Response, body: string) {
    const retryAfter = retryAfterOf(response.headers.get('retry-after'))
    const said = plain(messageIn(body), service)
    const fault = httpFault(service, { status: response.status, said, retryAfter })
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
export async function exchange(service: Service, request: Call): Promise<string> {
  const { signal: stop, timeoutMs } = request
  const signal = timeoutMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)])
  try {
    const response = await call(service, { ...request, signal })
    return await response.text().catch((thrown: unknown) => {
      throw faultOf(thrown, service, signal)
    })
  } catch (thrown) {
    stop.throwIfAborted()
    if (signal.aborted && !(thrown instanceof AppError))
      throw unreachable(service, 'no answer in time', thrown)
    throw thrown
  }
}

/** The same in JSON, checked against a schema. Throws `bad_json` when the answer does not fit. */
export async function callJson<T>(service: Service, schema: z.ZodType<T>, request: Call): Promise<T> {
  const json = parse(await exchange(service, request), service)
  const error = typeof json === 'object' && json !== null ? errorIn(json) : undefined
  if (error !== undefined) throw upstreamError(service, plain(error, service))
  const known = schema.safeParse(json)
  if (!known.success) throw badJson(service)
  return known.data
}

export function parse(text: string, service: Service): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badJson(service)
  }
}

const neverConnected: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
}

/** A value thrown by fetch or by reading a body, as one of our faults; the signal's reason when it has fired. */
export function faultOf(thrown: unknown, service: Service, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (thrown instanceof AppError) return thrown
  const code = codeOf(thrown)
  const why = neverConnected[code]
  // Browsers and fetch keep away from some ports; the message is all that tells.
  if (thrown instanceof Error && thrown.cause instanceof Error && thrown.cause.message === 'bad port')
    return unreachable(service, 'programs may not use that port', thrown)
  if (why !== undefined) return unreachable(service, why, thrown)
  if (/CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO/.test(code))
    return unreachable(service, 'its TLS certificate or protocol is not accepted', thrown)
  return cut(service, thrown)
}

function codeOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++)
    if ('code' in error && typeof error.code === 'string') return error.code
  return ''
}

async function errorText(response: Response, service: Service, signal: AbortSignal): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > longestError) break
    }
  } catch (thrown) {
    // The status says enough; only a person's stop counts more.
    if (signal.aborted) throw faultOf(thrown, service, signal)
  }
  return text
}

/** Seconds from a Retry-After header, which holds seconds or a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = /^\d+(?:\.\d+)?$/.test(header.trim())
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
