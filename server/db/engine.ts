import type { Pool } from 'pg'
import type { Database, Db, Trx } from './database.ts'

/** What differs between the two ways to have PostgreSQL. */
export type Engine = Pick<Database, 'kind' | 'listen' | 'notify'> & {
  readonly pool: Pool
  transaction<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T>
  /** Numbers of this engine alone. */
  stats(): Record<string, number>
  /** Ends what it does by itself, before the pool ends. */
  rest(): Promise<void>
  /** Ends the rest, after the pool. */
  close(): Promise<void>
}
