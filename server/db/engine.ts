import type { Pool } from 'pg'
import type { Database, Db, Trx } from './database.ts'
import type { ConnectionSource } from './pool.ts'

/** The differences between a PostgreSQL server and the embedded PostgreSQL. */
export type Engine = Pick<Database, 'kind' | 'listen' | 'notify' | 'purge' | 'readSnapshot'> & {
  readonly pool: Pool
  /** Connections for Kysely: the pool, or a wrapper that shares its connections. */
  readonly connections: ConnectionSource
  transaction<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T>
  /** Copies the files of the embedded database, which `close` restores unless `deleteCopy` was called. */
  readonly copy?: { keep(): Promise<void>; delete(): Promise<void> }
  /** Statistics of this engine. */
  stats(): Record<string, number>
  /** Stops background activity, before the pool ends. */
  stop(): Promise<void>
  /** Releases everything else, after the pool has ended. */
  close(): Promise<void>
}
