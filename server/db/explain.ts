import pg from 'pg'
import { AppError } from '../errors.ts'
import { databaseAway, databaseBusy, databaseConflict, databaseTimeout } from './errors.ts'

/** SQLSTATE classes and codes of PostgreSQL's appendix A, and what the network says. */
const AWAY = /^(08...|57P0[1-5]|E(CONN\w+|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN))$/
const BUSY = /^(53...|55P03)$/
const CONFLICT = /^(40001|40P01)$/
const TIMEOUT = /^(57014|25P03)$/
/** Has the code of a timeout, but is a mistake in the program: this driver cannot copy. */
const COPY = /^COPY from stdin failed/

/** The driver's own words for a connection that ended; they have no code. */
const ENDED = /^(Connection terminated|Client has encountered a connection error|Client was closed)/
const NOT_IN_TIME = /^timeout exceeded when trying to connect/

/**
 * A thrown value as what it means to a caller: the store is away, busy, gave up, or two changes met. What concerns the
 * statement itself (a broken constraint, wrong SQL) stays as it is, with its SQLSTATE in `code`.
 */
export function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error
  if (error.cause instanceof AppError) return error.cause
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (CONFLICT.test(code)) return databaseConflict(error)
  if (TIMEOUT.test(code) && !COPY.test(error.message)) return databaseTimeout(error)
  if (BUSY.test(code) || NOT_IN_TIME.test(error.message)) return databaseBusy(error)
  if (AWAY.test(code)) return databaseAway(error)
  if (!(error instanceof pg.DatabaseError) && ENDED.test(error.message)) return databaseAway(error)
  return error
}
