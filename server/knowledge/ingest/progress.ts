import type { EventBody } from '../../runs/index.ts'

/** More frequent reports of a stage are dropped, except the last one. */
const minIntervalMs = 250

export type Stage = 'parse' | 'chunk' | 'embed' | 'store'

/** If a file takes less time, only its result is committed. */
const holdMs = 100

/** Emits that a file is being processed, and its progress, throttled to four events a second per stage. */
export function throttledProgress(
  file: string,
  emit: (event: EventBody) => Promise<void>,
  now: () => number,
) {
  let last: { stage: Stage; at: number } | undefined
  let held: EventBody[] | undefined = [{ message: `Processing ${file}...` }]
  let emitting: Promise<unknown> = Promise.resolve()
  const timer = setTimeout(release, holdMs)

  function send(event: EventBody): void {
    emitting = Promise.all([emitting, emit(event)])
    emitting.catch(() => undefined)
  }

  function release(): void {
    clearTimeout(timer)
    const events = held ?? []
    held = undefined
    for (const event of events) send(event)
  }

  return {
    /** Reports the progress of a stage. Never throws: a failure to emit is thrown by `take`. */
    report(stage: Stage, message: string, completed: number, total: number): void {
      const at = now()
      if (last?.stage === stage && completed < total && at - last.at < minIntervalMs) return
      last = { stage, at }
      const event = { message, stage, file, completed, total }
      if (held) held.push(event)
      else send(event)
    },

    /**
     * Returns the events that are held back, for the caller to commit, once the others are emitted. Further ones are
     * added to them. @throws the first failure to emit
     */
    async take(): Promise<EventBody[]> {
      clearTimeout(timer)
      await emitting
      return held ?? []
    },
  }
}

export type Progress = ReturnType<typeof throttledProgress>
