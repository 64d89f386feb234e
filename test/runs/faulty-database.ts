import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../server/db/index.ts'
import { AppError } from '../../server/errors.ts'
import { waitFor } from './runs.ts'

/**
 * A database whose connection breaks on request: before a statement arrives, after it was executed but before its
 * response arrives, or permanently, like that of a killed process.
 */
export type FaultyDatabase = {
  database: Database
  /** Loses the next statement, or the commit of the next transaction, before it is executed. */
  loseNext(): void
  /** Loses the response to the next statement, or to the commit of the next transaction. */
  loseNextResponse(): void
  /**
   * Loses everything from now on; resolves when the server has executed the statements that it has already received.
   */
  kill(): Promise<void>
}

const connectionLost = () => new AppError(503, 'database_away', 'The test has closed the connection.')

export function createFaultyDatabase(real: Database): FaultyDatabase {
  let lost: 'statement' | 'response' | undefined
  let dead = false
  const underWay = new Set<object>()
  const check = (which: 'statement' | 'response') => {
    if (dead) throw new Error('This process is dead.')
    if (lost !== which) return
    lost = undefined
    throw connectionLost()
  }
  const dying: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (dead) throw new Error('This process is dead.')
      return node
    },
    transformResult: async ({ result }) => {
      if (dead) throw new Error('This process is dead.')
      return result
    },
  }
  const breaking: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      check('statement')
      underWay.add(queryId)
      return node
    },
    transformResult: async ({ result, queryId }) => {
      underWay.delete(queryId)
      check('response')
      return result
    },
  }
  const database: Database = {
    ...real,
    db: real.db.withPlugin(breaking),
    async transaction(work) {
      if (dead) throw new Error('This process is dead.')
      const result = await real.transaction(async (trx) => {
        const done = await work(trx.withPlugin(dying))
        check('statement')
        return done
      })
      check('response')
      return result
    },
  }
  return {
    database,
    loseNext() {
      lost = 'statement'
    },
    loseNextResponse() {
      lost = 'response'
    },
    async kill() {
      dead = true
      await waitFor(() => underWay.size === 0)
    },
  }
}
