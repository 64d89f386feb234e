import type { Log } from '../log.ts'

/**
 * Does something again and again in the background, one at a time, until it is disposed of; what goes wrong is logged as
 * `failure` and tried again. `pauseMs` says how long it rests after a round that took so many milliseconds.
 */
export function againAndAgain(
  round: (closing: AbortSignal) => Promise<void>,
  options: { firstAfterMs: number; pauseMs: (tookMs: number) => number; log: Log; failure: string },
) {
  const { firstAfterMs, pauseMs, log, failure } = options
  const closing = new AbortController()
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  function now(): Promise<void> {
    running ??= round(closing.signal)
      .catch((error: unknown) => {
        if (!closing.signal.aborted) log.warn({ err: error }, failure)
      })
      .finally(() => {
        running = undefined
      })
    return running
  }

  async function goOn(): Promise<void> {
    const started = performance.now()
    await now()
    if (!closing.signal.aborted) later(pauseMs(performance.now() - started))
  }

  function later(ms: number): void {
    timer = setTimeout(() => void goOn(), ms)
    timer.unref()
  }
  later(firstAfterMs)

  return {
    /** Does it at once, or waits for the round that is under way. */
    now,
    async [Symbol.asyncDispose](): Promise<void> {
      closing.abort()
      clearTimeout(timer)
      await running
    },
  }
}
