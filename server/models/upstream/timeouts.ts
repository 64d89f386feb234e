import type { AppError } from '../../errors.ts'
import { noFirstToken, stalled } from '../errors.ts'
import type { ModelService } from './service.ts'

/** How long a service may send nothing, in milliseconds. */
export type Timeouts = {
  /** Before the first part; loading a large model takes minutes. */
  firstTokenMs: number
  /** Between two parts. */
  stallMs: number
  /** Time without a first part after which the user gets a notice. Default 4,000. */
  waitingNoticeMs?: number
  /** Delay before the first retry of a request; doubles with each retry. Default 400. */
  retryMs?: number
}

/** Timers of the runtime; tests replace them. */
type Timers = {
  setTimeout(callback: () => void, ms: number): NodeJS.Timeout
  clearTimeout(timer: NodeJS.Timeout | undefined): void
}

const maxStepMs = 1_000
/** Time for the token counts that may follow the end of an answer. */
const finishingMs = 2_000

/**
 * Watches one request. `signal` aborts with an error as its reason when the service is silent for too long. Time counts
 * only while a part is awaited, because a slow reader does not mean a stalled model, and only while the event loop
 * runs: a timeout consists of short steps, so a suspended process (SIGSTOP, sleep) has used up one step when it
 * resumes.
 */
export function watchTimeouts(service: ModelService, timeouts: Timeouts, timers: Timers = globalThis) {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let hasStarted = false

  const start = (timeoutMs: number, createError: () => AppError) => {
    const stepMs = Math.min(maxStepMs, timeoutMs / 10)
    let remainingMs = timeoutMs
    const step = () => {
      if (remainingMs <= 0) return controller.abort(createError())
      remainingMs -= stepMs
      timer = timers.setTimeout(step, stepMs)
    }
    timers.clearTimeout(timer)
    step()
  }
  return {
    signal: controller.signal,
    /** Starts waiting for the next part. */
    startWaiting() {
      if (hasStarted) start(timeouts.stallMs, () => stalled(service, timeouts.stallMs))
      else start(timeouts.firstTokenMs, () => noFirstToken(service, timeouts.firstTokenMs))
    },
    /** Records that a part has arrived. */
    received() {
      hasStarted = true
      timers.clearTimeout(timer)
    },
    /** Records that the answer is complete, although its stream has not ended. */
    finishing() {
      start(Math.min(timeouts.stallMs, finishingMs), () => stalled(service, timeouts.stallMs))
    },
    stop: () => timers.clearTimeout(timer),
  }
}
export type TimeoutWatch = ReturnType<typeof watchTimeouts>
