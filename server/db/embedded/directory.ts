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

/** The major version of PostgreSQL whose directories the engine reads. */
const ENGINE_VERSION = '18'

/**
 * Returns the directory of the database within the data directory. `create` creates it under a temporary name first, so
 * that a crash leaves no partial database. Throws if another version of PostgreSQL created it.
 */
export async function prepareDirectory(
  dir: string,
  create: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(dir, 'database')
  if (!existsSync(path) || readdirSync(path).length === 0) {
    const temporary = join(dir, 'database.new')
    rmSync(temporary, { recursive: true, force: true })
    mkdirSync(temporary, { mode: 0o700 })
    await create(temporary)
    if (existsSync(path)) rmdirSync(path)
    renameSync(temporary, path)
    syncDirectory(dir)
  }
  const version = versionOf(path)
  if (version !== ENGINE_VERSION) throw otherDirectoryVersion(path, version, ENGINE_VERSION)
  // The engine creates files that everybody can read.
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
