import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { directoryInUse, directoryUnusable } from '../errors.ts'

const SQLITE_BUSY = 5

/**
 * Takes a data directory for this opener alone, until `release` or the end of the process, however it ends. Throws
 * `data_dir_in_use` when another process, another container on this machine or another part of this process has it.
 *
 * The lock is the exclusive lock that SQLite holds on a file during a transaction: the operating system's own, so that
 * it ends with its holder and cannot be left behind, on Linux, macOS and Windows alike, and SQLite's within a process.
 * Nothing else in this process may open the file: closing it again would give the lock up.
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
