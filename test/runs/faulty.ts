import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../server/db/index.ts'
import { AppError } from '../../server/errors.ts'

/**
 * A database whose connection can break: before a statement arrives, after it was carried out but before its answer
 * came back, or for good, as for a process that is killed.
 */
export type Faulty = {
  database: Database
  /** The next statement, or the commit of the next transaction, does not arrive. */
  loseNext(): void
  /** The next statement, or the commit of the next transaction, is carried out, and its answer lost. */
  loseNextAnswer(): void
  /** Nothing arrives any more: what happens to a process that dies. */
  kill(): void
}

export const away = () => new AppError(503, 'database_away', 'The test has cut the connection.')

export function faulty(real: Database): Faulty {
  let before = 0
  let after = 0
  let dead = false
  const check = (which: 'before' | 'after') => {
    if (dead) throw new Error('This process is dead.')
    if (which === 'before' && before > 0) {
      before -= 1
      throw away()
    }
    if (which === 'after' && after > 0) {
      after -= 1
      throw away()
    }
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
      check('before')
      return node
    },
    transformResult: async ({ result }) => {
      check('after')
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
        check('before')
        return done
      })
      check('after')
      return result
    },
  }
  return {
    database,
    loseNext() {
      before += 1
    },
    loseNextAnswer() {
      after += 1
    },
    kill() {
      dead = true
    },
  }
}
