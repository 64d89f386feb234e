import type { AppError } from '../../errors.ts'
import { noFirstToken, stalled } from '../errors.ts'
import type { ModelService } from './service.ts'

/** How long a service may be silent, in milliseconds. */
export type Timeouts = {
  /** Before the first part: a large model may have to be loaded first. */
  firstTokenMs: number
  /** Between two parts. */
  stallMs: number
  /** After this long without a first part the person who waits is told; 4,000 when left out. */
  waitingNoticeMs?: number
  /** Before a request is sent again for the first time; doubles each time; 400 when left out. */
  retryMs?: number
}

/**
 * Watches over one request: its `signal` fires when the service is silent for too long, with the fault as reason.
 * While nobody asks for a part the clock stands still: a slow reader is not a stalled model.
 */
export function watchTimeouts(service: ModelService, patience: Timeouts) {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let begun = false

  const arm = (ms: number, fault: () => AppError) => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort(fault()), ms)
  }
  return {
    signal: controller.signal,
    /** Waiting for the next part begins. */
    startWaiting() {
      if (begun) arm(patience.stallMs, () => stalled(service, patience.stallMs))
      else arm(patience.firstTokenMs, () => noFirstToken(service, patience.firstTokenMs))
    },
    /** A part has come. */
    received() {
      begun = true
      clearTimeout(timer)
    },
    /** The answer is whole; what may still follow (counts) gets only a moment. */
    finishing() {
      arm(Math.min(patience.stallMs, 2_000), () => stalled(service, patience.stallMs))
    },
    stop: () => clearTimeout(timer),
  }
}
export type TimeoutWatch = ReturnType<typeof watchTimeouts>
