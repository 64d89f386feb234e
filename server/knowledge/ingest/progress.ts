import type { EventBody } from '../../runs/index.ts'

/** Reports of one stage in between are dropped; its last one never is. */
const minIntervalMs = 250

export type Stage = 'parse' | 'chunk' | 'embed' | 'store'

/** Emits the progress of one file as events, throttled to four a second per stage. */
export function throttledProgress(
  file: string,
  emit: (event: EventBody) => Promise<void>,
  now: () => number,
) {
  let last: { stage: Stage; at: number } | undefined
  let emitting: Promise<void> = Promise.resolve()
  let failure: { error: unknown } | undefined

  return {
    /** Reports the progress of a stage. Never throws: a failure to emit is thrown by `flush`. */
    report(stage: Stage, message: string, completed: number, total: number): void {
      const at = now()
      if (last?.stage === stage && completed < total && at - last.at < minIntervalMs) return
      last = { stage, at }
      emitting = emitting
        .then(() => emit({ message, stage, file, completed, total }))
        .catch((error: unknown) => {
          failure ??= { error }
        })
    },

    /** Resolves when all events are emitted. @throws the first failure */
    async flush(): Promise<void> {
      await emitting
      if (failure) throw failure.error
    },
  }
}

export type Progress = ReturnType<typeof throttledProgress>
