import type { Database, Trx } from '../db/index.ts'
import { isTransient } from './persist.ts'

/** The time after which a transaction takes no further work, because it blocks everything else. */
const maxMs = 25

type Work = {
  run: (trx: Trx) => Promise<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Returns `database.transaction`, for callers that may share a transaction: on the embedded database, which has one
 * connection, those that arrive while it runs join it or share the next one. They run one after the other, so that each
 * sees the rows of the previous ones. If one fails, each gets a separate transaction.
 */
export function groupTransactions(database: Database): Database['transaction'] {
  if (database.kind === 'postgres') return database.transaction
  const waiting: Work[] = []
  let running: Promise<void> | undefined

  async function runWaiting(): Promise<void> {
    while (waiting.length > 0) await runTogether(waiting)
    running = undefined
  }

  /** Runs the first of `works`, and further ones for some time, in one transaction. */
  async function runTogether(works: Work[]): Promise<void> {
    const begun = works.splice(0, 1)
    const results: unknown[] = []
    try {
      await database.transaction(async (trx) => {
        const startedAt = performance.now()
        for (const work of begun) {
          results.push(await work.run(trx))
          if (performance.now() - startedAt < maxMs) begun.push(...works.splice(0, 1))
        }
      })
      for (const [i, work] of begun.entries()) work.resolve(results[i])
    } catch (error) {
      // After a lost connection it is unknown whether the transaction was committed, so each caller must check.
      if (begun.length === 1 || isTransient(error)) for (const work of begun) work.reject(error)
      else for (const work of begun) await runTogether([work])
    }
  }

  return async <T>(run: (trx: Trx) => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.push({ run, resolve: resolve as Work['resolve'], reject })
    running ??= runWaiting()
    return await promise
  }
}
