import pg from 'pg'
import { AppError, storageFull } from '../errors.ts'
import {
  databaseBusy,
  databaseConflict,
  databaseTimeout,
  databaseUnavailable,
  referenceNotFound,
} from './errors.ts'

/** SQLSTATE codes (PostgreSQL documentation, appendix A) and error codes of Node.js sockets. */
const UNAVAILABLE_CODES =
  /^(08...|57P0[1-5]|E(CONN\w+|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN))$/
const BUSY_CODES = /^(53...|55P03)$/
const DISK_FULL = '53100'
const FOREIGN_KEY_VIOLATION = '23503'
const CONFLICT_CODES = /^(40001|40P01)$/
const TIMEOUT_CODES = /^(57014|25P03)$/
/** A programming error that has the code of a timeout: the driver does not support COPY. */
const COPY_REFUSED = /^COPY from stdin failed/

/** Messages of the driver's errors without a code. */
const CONNECTION_ENDED =
  /^(Connection terminated|Client has encountered a connection error|Client was closed)/
const CONNECT_TIMEOUT = /^timeout exceeded when trying to connect/

/**
 * Translates an error of the driver into an AppError: database unavailable, busy, timeout or conflict, disk full, or a
 * reference to a row that does not exist. Other errors of the statement (a violated unique constraint, invalid SQL) are
 * not translated and have their SQLSTATE in `code`.
 */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error
  if (error.cause instanceof AppError) return error.cause
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === DISK_FULL) return storageFull(error)
  if (code === FOREIGN_KEY_VIOLATION && error instanceof pg.DatabaseError)
    return referenceNotFound(referenceOf(error), error)
  if (CONFLICT_CODES.test(code) || isSchemaChange(error)) return databaseConflict(error)
  if (TIMEOUT_CODES.test(code) && !COPY_REFUSED.test(error.message)) return databaseTimeout(error)
  if (BUSY_CODES.test(code) || CONNECT_TIMEOUT.test(error.message)) return databaseBusy(error)
  if (UNAVAILABLE_CODES.test(code)) return databaseUnavailable(error)
  if (!(error instanceof pg.DatabaseError) && CONNECTION_ENDED.test(error.message))
    return databaseUnavailable(error)
  return error
}

/** Whether a prepared statement failed because another server has changed a table in the meantime. */
export const isSchemaChange = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && error.routine === 'RevalidateCachedQuery'

/** Returns what a violated foreign key refers to, from its default name: documents_avee_id_fkey → avee. */
const referenceOf = ({ table = '', constraint = '' }: pg.DatabaseError): string =>
  constraint.slice(table.length + 1).replace(/(?:_id)?_fkey$/, '')
