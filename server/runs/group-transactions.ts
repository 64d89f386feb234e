import type { Database, Trx } from '../db/index.ts'
import { isTransient } from './persist.ts'

/** Bounds how long one transaction blocks everything else. */
const maxWorks = 32

type Work = {
  run: (trx: Trx) => Promise<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Returns `database.transaction`, for callers that may share a transaction: on the embedded database, which has one
 * connection, those that arrive while it runs share the next one. If one cannot be stored, each gets a transaction of its
 * own.
 */
export function groupTransactions(database: Database): Database['transaction'] {
  if (database.kind === 'postgres') return database.transaction
  const waiting: Work[] = []
  let running: Promise<void> | undefined

  async function runWaiting(): Promise<void> {
    while (waiting.length > 0) await runTogether(waiting.splice(0, maxWorks))
    running = undefined
  }

  async function runTogether(works: Work[]): Promise<void> {
    try {
      const results = await database.transaction(async (trx) => {
        // All of them end before the transaction does.
        const settled = await Promise.allSettled(works.map((work) => work.run(trx)))
        return settled.map((each) => {
          if (each.status === 'rejected') throw each.reason
          return each.value
        })
      })
      for (const [i, work] of works.entries()) work.resolve(results[i])
    } catch (error) {
      // After a lost connection it is unknown whether the commit happened, which each caller must check.
      if (works.length === 1 || isTransient(error)) for (const work of works) work.reject(error)
      else for (const work of works) await runTogether([work])
    }
  }

  return async <T>(run: (trx: Trx) => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.push({ run, resolve: resolve as Work['resolve'], reject })
    running ??= runWaiting()
    return await promise
  }
}
