export type { Database, Db, Trx } from './database.ts'
export type { Row, Tables } from './tables.ts'
