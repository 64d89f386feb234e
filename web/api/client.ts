import type { ErrorAnswer } from '../../contract/common.ts'

/** A request that did not succeed. `message` is the server's own sentence and may be shown as it is. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; 0 when no answer came at all. */
  readonly status: number
  readonly code: string
  readonly details: unknown
  /** Milliseconds after which trying again makes sense, when the server said so. */
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

  /** True for what may pass by itself: no answer, a busy server, a server that is just starting. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export const unreachable = (cause?: unknown): ApiError =>
  new ApiError(0, 'unreachable', 'The server cannot be reached. Check that it is running and try again.', {
    cause,
  })

export type ClientOptions = {
  /** Where the server is; the page's own origin when left out. */
  baseUrl?: string
  /** A bearer token or API key; without one the browser's session cookie is used. */
  token?: () => string | undefined
  fetch?: typeof fetch
  /** Called for every answer 401, except to signing in itself: the session is over. */
  onSignedOut?: () => void
}

export type RequestOptions = {
  body?: unknown
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  signal?: AbortSignal
  /** The same key again gives the same run, so a request that may have been lost can be sent again. */
  idempotencyKey?: string
}

export type Client = {
  /** The full address of a path, for links and downloads. */
  url(path: string, query?: RequestOptions['query']): string
  /** Sends a request and gives the answer's JSON. Throws ApiError for everything that is not a success. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>
  /** Sends a request and gives the answer unread, for streams. Throws ApiError for everything that is not a success. */
  open(method: string, path: string, options?: RequestOptions): Promise<Response>
}

export function createClient(options: ClientOptions = {}): Client {
  const send = options.fetch ?? ((...values) => fetch(...values))
  const url: Client['url'] = (path, query) => `${options.baseUrl ?? ''}${path}${queryString(query)}`

  const open: Client['open'] = async (
    method,
    path,
    { body, query, headers, signal, idempotencyKey } = {},
  ) => {
    const token = options.token?.()
    const isForm = body instanceof FormData
    const init: RequestInit = {
      method,
      credentials: options.baseUrl ? 'include' : 'same-origin',
      cache: 'no-store',
      headers: {
        ...(body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }
    let response: Response
    try {
      response = await send(url(path, query), init)
    } catch (cause) {
      if (signal?.aborted) throw cause
      throw unreachable(cause)
    }
    if (response.ok) return response
    const error = await readError(response)
    if (error.status === 401 && !path.startsWith('/auth/')) options.onSignedOut?.()
    throw error
  }

  const request = async <T>(method: string, path: string, requestOptions?: RequestOptions): Promise<T> => {
    const response = await open(method, path, requestOptions)
    if (response.status === 204) return undefined as T
    try {
      return (await response.json()) as T
    } catch (cause) {
      if (requestOptions?.signal?.aborted) throw cause
      throw new ApiError(
        response.status,
        'unreadable_answer',
        'The server sent an answer that cannot be read.',
        { cause },
      )
    }
  }

  return { url, request, open }
}

/** The error that an unsuccessful answer tells, in the server's words where it has any. */
async function readError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  return errorFromText(response.status, text, (name) => response.headers.get(name))
}

/** The same for answers that did not come through fetch. */
export function errorFromText(
  status: number,
  text: string,
  header: (name: string) => string | null,
): ApiError {
  const told = parseErrorAnswer(text)
  return new ApiError(status, told?.code ?? `http_${status}`, told?.message ?? plainSentence(status), {
    details: told?.details,
    retryAfter: retryAfter(header('Retry-After')),
    requestId: header('X-Request-Id') ?? undefined,
  })
}

function parseErrorAnswer(text: string): ErrorAnswer['error'] | undefined {
  try {
    const answer = JSON.parse(text) as Partial<ErrorAnswer> & { message?: unknown }
    if (typeof answer.error?.message === 'string') return answer.error
    if (typeof answer.message === 'string') return { code: 'refused', message: answer.message }
  } catch {
    // Not JSON: a proxy's page, or nothing. The status speaks for itself.
  }
  return undefined
}

function plainSentence(status: number): string {
  if (status === 502 || status === 503 || status === 504)
    return 'The server is not ready yet. Try again in a moment.'
  if (status === 404) return 'This is not here, or not yours to see.'
  if (status === 413) return 'That is too large for the server.'
  return `The server refused the request (${status}).`
}

/** `Retry-After` in milliseconds: seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (!value) return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function queryString(query: RequestOptions['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}
