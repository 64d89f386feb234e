import { AppError } from '../../errors.ts'

/** The number of consecutive failures after which a provider is paused (circuit breaker). */
const maxFailures = 3
const pauseMs = 10_000
/** The maximum pause, also for a longer Retry-After. */
const maxPauseMs = 600_000

const away =
  /^(?:ollama_away|unreachable|provider_removed|not_enough_memory|no_first_token|http_(?:429|500|502|503|504|529))$/

/** Errors after which another model may answer if no part of the answer has arrived. */
const broken = /^(?:bad_json|cut|not_sse|truncated|upstream_error)$/
const refused = /^http_40[13]$/

/** Whether a model could not be reached, so that another one may answer. */
export const isUnavailable = (thrown: unknown): thrown is AppError =>
  thrown instanceof AppError && away.test(thrown.code)

/** Whether a provider has interrupted an answer. */
export const isBroken = (thrown: unknown): thrown is AppError =>
  thrown instanceof AppError && broken.test(thrown.code)

/**
 * The health of a provider, derived from its last requests.
 *
 *     closed ──(3 failures in a row, or a Retry-After)──► open ──(pause is over)──► one trial ──► closed or open
 */
export function createHealth(now: () => number = () => performance.now()) {
  let failures = 0
  let openUntil = Number.NEGATIVE_INFINITY
  let last: AppError | undefined

  return {
    /** Throws the last error while the provider is paused; the first call after the pause is a trial. */
    check(): void {
      if (!last || openUntil === Number.NEGATIVE_INFINITY) return
      const remainingMs = openUntil - now()
      if (remainingMs <= 0) {
        openUntil = now() + pauseMs
        return
      }
      throw last.withRetryAfter(Math.ceil(remainingMs / 1_000))
    },

    isPaused: (): boolean => last !== undefined && openUntil > now(),

    succeeded(): void {
      failures = 0
      openUntil = Number.NEGATIVE_INFINITY
      last = undefined
    },

    /** Errors that are not the provider's are ignored; an error about the key does not pause it. */
    failed(error: unknown): void {
      if (!isUnavailable(error) && !isBroken(error)) {
        if (error instanceof AppError && refused.test(error.code)) last = error
        return
      }
      last = error
      failures += 1
      if (error.retryAfter !== undefined) openUntil = now() + Math.min(error.retryAfter * 1_000, maxPauseMs)
      else if (failures >= maxFailures) openUntil = now() + pauseMs
    },

    lastError: (): string | null => last?.message ?? null,
  }
}
export type Health = ReturnType<typeof createHealth>
