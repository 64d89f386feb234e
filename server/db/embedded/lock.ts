import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { directoryInUse, directoryUnusable } from '../errors.ts'

const SQLITE_BUSY = 5

/**
 * Locks a data directory until `release` or the end of the process. Throws `data_dir_in_use` if another process,
 * another container on this machine or this process has locked it.
 *
 * Uses SQLite's exclusive lock on a file during a transaction: a lock of the operating system, which ends
 * with its process on Linux, macOS and Windows, and SQLite's own lock within a process. Nothing else in this process
 * may open the file, because closing it would release the lock.
 */
export function lockDirectory(dir: string): { release(): void } {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(dir, 'database.lock'))
    lock.exec('pragma journal_mode = off; begin exclusive')
  } catch (error) {
    lock?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      throw directoryInUse(dir)
    throw directoryUnusable(dir, error)
  }
  return { release: () => lock.close() }
}
