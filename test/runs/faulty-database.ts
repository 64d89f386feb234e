import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../server/db/index.ts'
import { AppError } from '../../server/errors.ts'

/**
 * A database whose connection can break, once at a time: before a statement arrives, after it was carried out but before its answer
 * came back, or for good, as for a process that is killed.
 */
export type FaultyDatabase = {
  database: Database
  /** The next statement, or the commit of the next transaction, does not arrive. */
  loseNext(): void
  /** The next statement, or the commit of the next transaction, is carried out, and its answer lost. */
  loseNextAnswer(): void
  /** Nothing arrives any more: what happens to a process that dies. */
  kill(): void
}

const away = () => new AppError(503, 'database_away', 'The test has cut the connection.')

export function createFaultyDatabase(real: Database): FaultyDatabase {
  let lost: 'statement' | 'answer' | undefined
  let dead = false
  const check = (which: 'statement' | 'answer') => {
    if (dead) throw new Error('This process is dead.')
    if (lost !== which) return
    lost = undefined
    throw away()
  }
  const mortal: KyselyPlugin = {
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
    transformQuery: ({ node }) => {
      check('statement')
      return node
    },
    transformResult: async ({ result }) => {
      check('answer')
      return result
    },
  }
  const database: Database = {
    ...real,
    db: real.db.withPlugin(breaking),
    async transaction(work) {
      if (dead) throw new Error('This process is dead.')
      const result = await real.transaction(async (trx) => {
        const done = await work(trx.withPlugin(mortal))
        check('statement')
        return done
      })
      check('answer')
      return result
    },
  }
  return {
    database,
    loseNext() {
      lost = 'statement'
    },
    loseNextAnswer() {
      lost = 'answer'
    },
    kill() {
      dead = true
    },
  }
}
