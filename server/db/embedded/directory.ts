import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { directoryUnusable, otherDirectoryVersion } from '../errors.ts'
import { syncDirectory } from './sync-tree.ts'

/** The PostgreSQL whose directories the engine reads. */
const ENGINE_VERSION = '18'

/**
 * The database's own directory within the data directory, made by `create` when there is none: aside first and then
 * put in place whole, so that no crash leaves half of it. Throws when it was made by another PostgreSQL.
 */
export async function databaseDirectory(
  dir: string,
  create: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(dir, 'database')
  if (!existsSync(path) || readdirSync(path).length === 0) {
    const aside = join(dir, 'database.new')
    rmSync(aside, { recursive: true, force: true })
    mkdirSync(aside, { mode: 0o700 })
    await create(aside)
    if (existsSync(path)) rmdirSync(path)
    renameSync(aside, path)
    syncDirectory(dir)
  }
  const version = versionOf(path)
  if (version !== ENGINE_VERSION) throw otherDirectoryVersion(path, version, ENGINE_VERSION)
  // The engine makes its files for everybody to read.
  chmodSync(path, 0o700)
  return path
}

function versionOf(path: string): string {
  try {
    return readFileSync(join(path, 'PG_VERSION'), 'utf8').trim()
  } catch (error) {
    throw directoryUnusable(path, error)
  }
}
