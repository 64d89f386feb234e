import type { ErrorResponse } from '../contract/common.ts'
import type { Failure } from '../contract/runs.ts'

/**
 * An error for the client: an HTTP status, a stable code and one sentence. `cause` appears only in the log.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly status: number
  readonly code: string
  readonly details: unknown
  /** Seconds until a retry makes sense; sent as Retry-After. */
  readonly retryAfter: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { details?: unknown; cause?: unknown; retryAfter?: number } = {},
  ) {
    // Messages may quote what the client sent.
    super(message.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' '), { cause: more.cause })
    this.status = status
    this.code = code
    this.details = more.details
    this.retryAfter = more.retryAfter
  }

  /** Returns the same error with another number of seconds until a retry makes sense. */
  withRetryAfter(retryAfter: number): AppError {
    const { status, code, message, details } = this
    return new AppError(status, code, message, { details, retryAfter })
  }
}

/** Defines a factory for one kind of error; its arguments complete the sentence. */
export const defineError =
  <Arguments extends unknown[]>(
    status: number,
    code: string,
    sentence: (...values: Arguments) => string,
    details?: (...values: Arguments) => unknown,
  ) =>
  (...values: Arguments): AppError =>
    new AppError(status, code, sentence(...values), { details: details?.(...values) })

/** Defines a factory for a 422 error about one field of a request. */
export const defineFieldError =
  <Arguments extends unknown[]>(code: string, path: string, sentence: (...values: Arguments) => string) =>
  (...values: Arguments): AppError => {
    const problem = sentence(...values)
    return new AppError(422, code, problem, { details: [{ path, problem }] })
  }

/**
 * Returns the parameter that an error is about. `fields` are a protocol's names of parameters that differ from those in
 * OpenAI's chat API, which errors use.
 */
export function fieldOf({ details }: AppError, fields: Readonly<Record<string, string>>): string | undefined {
  const field = (details as { field?: string } | undefined)?.field
  return field === undefined ? undefined : (fields[field] ?? field)
}

export const internal = (cause: unknown): AppError =>
  new AppError(500, 'internal', 'Internal error. The server log has the details.', { cause })

export const storageFull = (cause?: unknown): AppError =>
  new AppError(
    507,
    'insufficient_storage',
    'The disk of the server is full or almost full. Free some space or ask the administrator, then try again.',
    { cause },
  )

/** 403, because retrying does not help: the user must delete something, or an administrator raise the quota. */
export const quotaExceeded = defineError(
  403,
  'quota_exceeded',
  (what: string) =>
    `You have reached your quota of ${what}. Delete some, or ask the administrator for a higher quota.`,
)

/** Converts a thrown value to an AppError; any other value becomes the cause of an `internal` error. */
export const toAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : internal(thrown)

/** Returns why a run failed, as its log and its rows store it. */
export function toFailure(thrown: unknown): Failure {
  const { code, message, retryAfter } = toAppError(thrown)
  if (retryAfter === undefined) return { code, message }
  return { code, message, retry_at: new Date(Date.now() + retryAfter * 1_000).toISOString() }
}

/** Returns the error of a failed run for a caller who waits for it. */
export function fromFailure(
  status: number,
  { code, message, retry_at }: Failure,
  details?: unknown,
): AppError {
  const retryAfter = retry_at === undefined ? 0 : (Date.parse(retry_at) - Date.now()) / 1_000
  return new AppError(status, code, message, { details, ...(retryAfter > 0 && { retryAfter }) })
}

/** Returns the error body for HTTP responses and for the last event of a stream. */
export function toErrorBody(error: AppError): ErrorResponse {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
    },
    detail: error.message,
  }
}
