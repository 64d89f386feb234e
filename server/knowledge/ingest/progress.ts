import type { EventBody } from '../../runs/index.ts'

/** How often a stage tells how far it is; its end is always told. */
const everyMs = 250

export type Stage = 'parse' | 'chunk' | 'embed' | 'store'

/** The progress of one file, as events: what has been told less than a moment ago waits, the newest wins. */
export function throttledProgress(
  file: string,
  emit: (event: EventBody) => Promise<void>,
  now: () => number,
) {
  let told: { stage: Stage; report: number } | undefined
  let emitting: Promise<void> = Promise.resolve()
  let failed: { error: unknown } | undefined

  return {
    /** Notes how far a stage is. Never throws: what goes wrong comes out of `settled`. */
    at(stage: Stage, message: string, completed: number, total: number): void {
      const at = now()
      if (told?.stage === stage && completed < total && at - told.report < everyMs) return
      told = { stage, report: at }
      emitting = emitting
        .then(() => emit({ message, stage, file, completed, total }))
        .catch((error: unknown) => {
          failed ??= { error }
        })
    },

    /** Resolves when all is handed to the log. */
    async flush(): Promise<void> {
      await emitting
      if (failed) throw failed.error
    },
  }
}

export type Progress = ReturnType<typeof throttledProgress>
