import type * as z from 'zod/mini'
import type { ErrorResponse } from '../contract/common.ts'
import { isContent, type Operation, type SuccessSchema } from '../contract/operation.ts'

/** A failed request. `message` is meant for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; 0 if there was no response. */
  readonly status: number
  readonly code: string
  readonly details: unknown
  /** Milliseconds to wait before the next attempt, if sent by the server. */
  readonly retryAfter: number | undefined
  readonly requestId: string | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: {
      details?: unknown
      retryAfter?: number | undefined
      requestId?: string | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: more.cause })
    this.status = status
    this.code = code
    this.details = more.details
    this.retryAfter = more.retryAfter
    this.requestId = more.requestId
  }

  /** True for failures that a retry may resolve: no response, a rate limit, a server error. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export const unreachable = (cause?: unknown): ApiError =>
  new ApiError(0, 'unreachable', 'The server is unreachable. Check that it is running and try again.', {
    cause,
  })

export type ClientOptions = {
  /** The address of the server; by default the origin of the page. */
  baseUrl?: string
  /** A session token or API key; without one the browser sends its session cookie. */
  token?: () => string | undefined
  fetch?: typeof fetch
  /** Called for every response 401 outside /auth: the session has ended. */
  onSignedOut?: () => void
}

type Empty = Record<never, never>

/** Query values before their conversion to text; parameters with a default are optional. */
type QueryOf<Schema extends z.ZodMiniType> = {
  [Name in keyof z.input<Schema>]: Name extends keyof z.output<Schema> ? z.output<Schema>[Name] : never
}
type JsonBodyOf<Body> = Body extends z.ZodMiniType
  ? z.input<Body>
  : Body extends { content: { 'application/json': infer Json extends z.ZodMiniType } }
    ? z.input<Json>
    : Body extends { content: { 'multipart/form-data': z.ZodMiniType } }
      ? FormData
      : never

/** The part of a request under `Name`, optional if all of it is optional. */
type Part<Name extends string, Value> = Empty extends Value
  ? { [Key in Name]?: Value | undefined }
  : undefined extends Value
    ? { [Key in Name]?: Value | undefined }
    : { [Key in Name]: Value }

type UrlInput<O extends Operation> = (O extends { params: infer Params extends z.ZodMiniType }
  ? { params: z.input<Params> }
  : Empty) &
  (O extends { query: infer Query extends z.ZodMiniType } ? Part<'query', QueryOf<Query>> : Empty)

/** The parts of a request of an operation. */
export type RequestInput<O extends Operation> = UrlInput<O> &
  (O extends { body: infer Body } ? Part<'body', JsonBodyOf<Body>> : Empty) & {
    headers?: Record<string, string>
    signal?: AbortSignal
    /** A repeated request with the same key returns the run of the first one. */
    idempotencyKey?: string
  }

/** The arguments of a call: the input is optional if all its parts are. */
type Arguments<Input> = Empty extends Input ? [input?: Input] : [input: Input]

export type Client = {
  /** Returns the URL of an operation, for links, downloads and uploads. */
  url<const O extends Operation>(operation: O, ...input: Arguments<UrlInput<O>>): string
  /**
   * Sends a request and returns its parsed response body, checked if the operation has schemas of responses.
   * @throws ApiError for every response that is not a success, and `unreadable_answer` for one that does not match the
   * schema of the operation
   */
  call<const O extends Operation>(
    operation: O,
    ...input: Arguments<RequestInput<O>>
  ): Promise<z.output<SuccessSchema<O>>>
  /** Sends a request and returns the response unread, for streams. @throws ApiError as `call` does */
  open<const O extends Operation>(operation: O, ...input: Arguments<RequestInput<O>>): Promise<Response>
}

/** The input of any operation, as the implementation reads it. */
type AnyInput = {
  params?: Record<string, unknown>
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  idempotencyKey?: string
}

export function createClient(options: ClientOptions = {}): Client {
  const send = options.fetch ?? ((...values) => fetch(...values))
  const urlOf = ({ path }: Operation, { params, query }: AnyInput = {}) =>
    `${options.baseUrl ?? ''}${pathWith(path, params)}${queryString(query)}`

  async function open(operation: Operation, input: AnyInput = {}): Promise<Response> {
    const { body, headers, signal, idempotencyKey } = input
    const token = options.token?.()
    const isJson = body !== undefined && !(body instanceof FormData)
    const init: RequestInit = {
      method: operation.method,
      // Requests to other origins carry a token.
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        ...(isJson ? { 'Content-Type': 'application/json' } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as FormData) }),
      ...(signal ? { signal } : {}),
    }
    let response: Response
    try {
      response = await send(urlOf(operation, input), init)
    } catch (cause) {
      if (signal?.aborted) throw cause
      throw unreachable(cause)
    }
    if (response.ok) return response
    const error = await readError(response)
    // `GET /me` is used to check whether anybody is signed in.
    if (error.status === 401 && !/^\/(?:auth\/|me$)/.test(operation.path)) options.onSignedOut?.()
    throw error
  }

  async function call(operation: Operation, input: AnyInput = {}): Promise<unknown> {
    const response = await open(operation, input)
    if (response.status === 204) return undefined
    try {
      const body: unknown = await response.json()
      return operation.responses ? responseSchema(operation, response.status).parse(body) : body
    } catch (cause) {
      if (input.signal?.aborted) throw cause
      throw new ApiError(
        response.status,
        'unreadable_answer',
        'The server sent a response that this version cannot read. Reload the page, or update the client.',
        { cause },
      )
    }
  }

  return { url: urlOf, call, open } as Client
}

function responseSchema({ responses = {} }: Operation, status: number): z.ZodMiniType {
  const response = responses[status]
  const schema = response && isContent(response) ? response.content['application/json'] : response
  if (!schema) throw new Error(`The operation declares no response with status ${status}.`)
  return schema
}

const pathWith = (path: string, params: AnyInput['params'] = {}): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))

/** Reads the error of a failed response. */
async function readError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  return errorFromText(response.status, text, (name) => response.headers.get(name))
}

/** Returns the error of a failed response that was not fetched with `fetch`. */
export function errorFromText(
  status: number,
  text: string,
  header: (name: string) => string | null,
): ApiError {
  const parsed = parseErrorResponse(text)
  return new ApiError(status, parsed?.code ?? `http_${status}`, parsed?.message ?? messageFor(status), {
    details: parsed?.details,
    retryAfter: retryAfter(header('Retry-After')),
    requestId: header('X-Request-Id') ?? undefined,
  })
}

function parseErrorResponse(text: string): ErrorResponse['error'] | undefined {
  try {
    const body = JSON.parse(text) as Partial<ErrorResponse> & { message?: unknown }
    if (typeof body.error?.message === 'string') return body.error
    if (typeof body.message === 'string') return { code: 'refused', message: body.message }
  } catch {
    // Not JSON, for example the error page of a proxy.
  }
  return undefined
}

function messageFor(status: number): string {
  if (status === 502 || status === 503 || status === 504)
    return 'The server is not ready. Try again in a moment.'
  if (status === 404) return "Not found, or you don't have access."
  if (status === 413) return 'The request is too large for the server.'
  return `The server refused the request (${status}).`
}

/** Parses `Retry-After`, which is a number of seconds or a date, into milliseconds. */
function retryAfter(value: string | null): number | undefined {
  if (!value) return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function queryString(query: AnyInput['query']): string {
  const parameters = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return parameters.length === 0 ? '' : `?${new URLSearchParams(parameters)}`
}
