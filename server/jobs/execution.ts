import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { JobKind } from './kind.ts'
import { completeJob, failJob, type JobRow, releaseJob, renewLease, repeatJob } from './store.ts'

/** The key of a schedule's job. */
export const scheduleKey = 'schedule'

export const defaults = { concurrency: 1, maxAttempts: 5, leaseMs: 30_000, priority: 0 }

/** The pause between attempts to store an outcome while the database is unavailable. */
const storeRetryMs = 500
const maxErrorCharacters = 500

/** The attempt no longer owns its job, so nothing is stored. */
class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
  constructor() {
    super('Another server has taken over this job.')
  }
}

type Outcome = { result?: void | { repeatAfterMs: number }; error?: Error }

export type Execution = {
  row: JobRow
  /** Aborts the job, which then returns to the queue. */
  abort(): void
  /** Resolves when the outcome is stored, with the error of the job, if any. */
  finished: Promise<{ error?: Error }>
}

export type ExecutionDependencies = {
  database: Database
  log: Log
  /** Milliseconds until the next attempt after a number of consecutive failures. */
  retryDelayMs: (failures: number) => number
  /** Aborts when outcomes can no longer be stored. */
  giveUp: AbortSignal
}

/** Executes a claimed job: renews its lease while it runs, then stores the outcome. */
export function execute(dependencies: ExecutionDependencies, row: JobRow, definition: JobKind): Execution {
  const { database, log, giveUp } = dependencies
  const { db } = database
  const { leaseMs = defaults.leaseMs } = definition
  const controller = new AbortController()
  const { signal } = controller
  let lease = performance.now() + leaseMs

  /** The lease may also expire while the database cannot be reached. */
  async function renew(): Promise<void> {
    try {
      if (await renewLease(db, row, leaseMs)) lease = performance.now() + leaseMs
      else lose()
    } catch (error) {
      log.warn({ err: error, kind: row.kind, job: row.id }, 'a job lease could not be renewed')
      if (performance.now() > lease) lose()
    }
  }
  function lose(): void {
    clearInterval(renewal)
    controller.abort(new LeaseLostError())
  }
  const renewal = setInterval(() => void renew(), leaseMs / 3)

  async function run(): Promise<{ error?: Error }> {
    let outcome: Outcome
    try {
      const result = await definition.run(row.input, {
        signal,
        attempt: row.failures + 1,
        key: row.key,
        transaction: async (work) =>
          database.transaction(async (trx) => {
            // Also locks the row, so that no server takes over the job before the commit.
            if (await renewLease(trx, row, leaseMs)) return work(trx)
            lose()
            throw signal.reason
          }),
      })
      outcome = { result }
    } catch (error) {
      outcome = { error: error instanceof Error ? error : new Error(String(error)) }
    }
    await store(outcome)
    clearInterval(renewal)
    return outcome.error === undefined ? {} : { error: outcome.error }
  }

  /** Retries until the outcome is stored: no other server can finish the job before its lease expires. */
  async function store(outcome: Outcome): Promise<void> {
    while (!giveUp.aborted && !(signal.reason instanceof LeaseLostError)) {
      try {
        return await storeOnce(outcome)
      } catch (failure) {
        log.warn({ err: failure, kind: row.kind, job: row.id }, 'the outcome of a job could not be stored')
        if (!(failure instanceof AppError)) return
        await pause(storeRetryMs, undefined, { signal: giveUp }).catch(() => {})
      }
    }
  }

  async function storeOnce({ result, error }: Outcome): Promise<void> {
    if (error !== undefined) {
      if (signal.aborted) return releaseJob(db, row)
      return storeFailure(dependencies, row, definition, error)
    }
    const repeatAfterMs = result?.repeatAfterMs ?? intervalOf(row, definition)
    return repeatAfterMs === undefined ? completeJob(db, row) : repeatJob(db, row, repeatAfterMs)
  }

  return {
    row,
    abort: () => controller.abort(new Error('The server is shutting down.')),
    finished: run(),
  }
}

/** Records a failure with the due date of the next attempt, or as the last one. */
export async function storeFailure(
  { database, log, retryDelayMs }: ExecutionDependencies,
  row: JobRow,
  definition: JobKind,
  error: unknown,
): Promise<void> {
  const { maxAttempts = defaults.maxAttempts } = definition
  const failures = row.failures + 1
  const everyMs = intervalOf(row, definition)
  const isLast = failures >= maxAttempts
  const details = { err: error, kind: row.kind, key: row.key, job: row.id, failures }
  if (isLast) log.error(details, 'a job failed for the last time')
  else log.warn(details, 'a job failed; it will be retried')
  const message = (error instanceof Error ? error.message : String(error)).slice(0, maxErrorCharacters)
  await failJob(database.db, row, {
    error: message.toWellFormed().replaceAll('\0', ''),
    failures: isLast && everyMs !== undefined ? 0 : failures,
    retryMs: isLast ? (everyMs ?? null) : retryDelayMs(failures),
  })
}

const intervalOf = (row: JobRow, { everyMs }: JobKind): number | undefined =>
  row.key === scheduleKey ? everyMs : undefined
