import type { Database, Trx } from '../db/index.ts'
import { isTransient } from './persist.ts'

/** The time after which a transaction takes no further work, because it blocks everything else. */
const maxMs = 25
/** Items of one call of `store`: for small documents, about 20 ms. */
const maxItems = 16

/** Stores items and returns a result for each. */
type Store<Item, Result> = (trx: Trx, items: Item[]) => Promise<Result[]>

type Work = {
  /** Works with the same key can be stored by one call. */
  key: unknown
  store: Store<unknown, unknown>
  item: unknown
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Transactions that callers share: on the embedded database, which has one connection, those that arrive while one runs
 * join it or share the next. They run one after the other, so that each sees the rows of the ones before, or by one call
 * if they have the same key. If one fails, each gets a transaction of its own.
 */
export function groupTransactions(database: Database) {
  const waiting: Work[] = []
  let running: Promise<void> | undefined

  async function runWaiting(): Promise<void> {
    while (waiting.length > 0) await runTogether(waiting)
    running = undefined
  }

  /** Runs the first of `works`, and further ones for some time, in one transaction. */
  async function runTogether(works: Work[]): Promise<void> {
    const begun: Work[] = []
    const results: unknown[] = []
    try {
      await database.transaction(async (trx) => {
        const startedAt = performance.now()
        do {
          const same = takeSame(works)
          begun.push(...same)
          results.push(
            ...((await same[0]?.store(
              trx,
              same.map(({ item }) => item),
            )) ?? []),
          )
        } while (works.length > 0 && performance.now() - startedAt < maxMs)
      })
      for (const [i, work] of begun.entries()) work.resolve(results[i])
    } catch (error) {
      // The transaction could not begin.
      if (begun.length === 0) begun.push(...takeSame(works))
      // After a lost connection it is unknown whether the commit happened, which each caller must check.
      if (begun.length === 1 || isTransient(error)) for (const work of begun) work.reject(error)
      else for (const work of begun) await runTogether([work])
    }
  }

  /** Stores an item in a transaction, with those of other callers that have the same key. */
  async function together<Item, Result>(
    key: unknown,
    store: Store<Item, Result>,
    item: Item,
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const work = { key, store: store as Work['store'], item, resolve, reject }
    if (database.kind === 'postgres') void runTogether([work])
    else {
      waiting.push(work)
      running ??= runWaiting()
    }
    return (await promise) as Result
  }

  return {
    together,
    transaction: <Result>(run: (trx: Trx) => Promise<Result>): Promise<Result> =>
      together(run, async (trx) => [await run(trx)], undefined),
  }
}

export type GroupTransactions = ReturnType<typeof groupTransactions>

/** Removes the first of `works`, and further ones with the same key. */
function takeSame(works: Work[]): Work[] {
  const same = works.filter(({ key }) => key === works[0]?.key).slice(0, maxItems)
  for (const work of same) works.splice(works.indexOf(work), 1)
  return same
}
