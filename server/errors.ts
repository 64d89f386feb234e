import type { ErrorResponse } from '../contract/common.ts'

/**
 * A failure that a client can be told about: an HTTP status, a stable code and one plain sentence.
 * `cause` goes to the log, never to the client.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly status: number
  readonly code: string
  readonly details: unknown
  /** Seconds after which trying again makes sense; becomes the Retry-After header. */
  readonly retryAfter: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { details?: unknown; cause?: unknown; retryAfter?: number } = {},
  ) {
    super(message, { cause: more.cause })
    this.status = status
    this.code = code
    this.details = more.details
    this.retryAfter = more.retryAfter
  }
}

/** Declares one kind of failure: status, code and sentence stand together, the arguments fill the sentence. */
export const defineError =
  <Arguments extends unknown[]>(
    status: number,
    code: string,
    sentence: (...values: Arguments) => string,
    details?: (...values: Arguments) => unknown,
  ) =>
  (...values: Arguments): AppError =>
    new AppError(status, code, sentence(...values), { details: details?.(...values) })

export const internal = (cause: unknown): AppError =>
  new AppError(500, 'internal', 'Something went wrong on the server; its log has the details.', { cause })

/** Any thrown value as an AppError; what is not one becomes `internal`, with the thrown value as its cause. */
export const toAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : internal(thrown)

/** The body of an error answer, the same for HTTP and for a stream's last event. */
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
