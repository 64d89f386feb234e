export type { Database, Db, Log, Trx } from './database.ts'
export { newId } from './ids.ts'
export { openDatabase } from './open.ts'
export type { Row, Tables } from './tables.ts'
