import type { Trx } from '../db/index.ts'

export type JobContext = {
  /** Aborts when the server shuts down or another server has taken over the job. */
  signal: AbortSignal
  /** 1 for the first attempt; increases with each failure. */
  attempt: number
  key: string | null
  /**
   * Runs `work` in a transaction that commits only while this attempt owns the job: an attempt that has lost its lease
   * throws and stores nothing.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>
}

/** A kind of job, with its execution options. */
export type JobKind<Input extends object = object> = {
  /**
   * Executed at least once per job: after a crash it runs again, possibly while the first attempt is still ending. An
   * error is a failure; `repeatAfterMs` makes the job due again after that time, without counting as a failure.
   */
  run(input: Input, context: JobContext): Promise<void | { repeatAfterMs: number }>
  /** Jobs of this kind that one server runs at the same time; 1 by default. */
  concurrency?: number
  /** Consecutive failures after which the job is dead; 5 by default. A schedule then waits for its next turn instead. */
  maxAttempts?: number
  /** How long the job remains assigned to a server that has stopped responding; 30 s by default, at most 5 minutes. */
  leaseMs?: number
  /** Due jobs with a higher priority start first; 0 by default. */
  priority?: number
  /** Makes this kind a schedule: one job per cluster, due when the server starts and again this long after it finished. */
  everyMs?: number
}

export type NewJob<Input extends object = object> = {
  kind: string
  /** At most one job exists per kind and key. Without a key every call adds a job; on a schedule it brings forward the next turn. */
  key?: string
  /** Ids and numbers only, because inputs are not deleted with their subject. */
  input: Input
  /** The job is due this much later; enqueueing it again restarts the delay (debounce). */
  delayMs?: number
  /** The maximum delay by further enqueues, counted from the first. */
  maxDelayMs?: number
  priority?: number
}
