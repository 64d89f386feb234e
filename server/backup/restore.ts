import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, loadSnapshot, lockDirectory, openDatabase, type TableSummary } from '../db/index.ts'
import { createVectorIndexes, originals } from '../knowledge/index.ts'
import type { Log } from '../log.ts'
import { type Manifest, openArchive } from './archive.ts'
import { dataDirNotEmpty } from './errors.ts'

type Target = { url?: string | undefined; dataDir: string; log: Log; onTable?: (table: TableSummary) => void }

/** Files that an unused data directory may contain. */
const ownName = /^(?:database\.lock|node-id$|restoring$)/
/**
 * Files beside the restored data: `source` identifies the backup, and `complete` marks that everything was restored and
 * compared.
 */
const sourceName = 'source'
const completeName = 'complete'

/**
 * Restores a backup into an empty data directory, or into an empty database at `url` and an empty data directory.
 * Deletes what a failed attempt has written; continues an interrupted one:
 *
 *     restoring/: files, key → database → complete → everything moves into the data directory
 *
 * @throws AppError
 */
export async function restoreBackup(path: string, { url, dataDir, log, onTable }: Target): Promise<Manifest> {
  const archive = await openArchive(path)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(dataDir)
  const staging = join(dataDir, 'restoring')
  try {
    const source = JSON.stringify(archive.manifest)
    const isContinued = (await readFile(join(staging, sourceName), 'utf8').catch(() => '')) === source
    if (!isContinued || !existsSync(join(staging, completeName))) {
      if ((await readdir(dataDir)).some((name) => !ownName.test(name))) throw dataDirNotEmpty(dataDir)
      await rm(isContinued ? join(staging, 'database') : staging, { recursive: true, force: true })
      await mkdir(staging, { recursive: true, mode: 0o700 })
      await writeFile(join(staging, sourceName), source, { mode: 0o600, flush: true })
      await archive.extractFiles(originals(staging).pathOf)
      const key = await archive.encryptionKey()
      if (key !== undefined)
        await writeFile(join(staging, 'encryption-key'), key, { mode: 0o600, flush: true })
      await fillDatabase({ url, dir: staging, log }, archive.snapshot, onTable)
      await writeFile(join(staging, completeName), '', { flush: true })
    }
    for (const name of await readdir(staging))
      if (!ownName.test(name) && name !== sourceName && name !== completeName)
        await rename(join(staging, name), join(dataDir, name))
    return archive.manifest
  } finally {
    await rm(staging, { recursive: true, force: true })
    lock.release()
    archive.close()
  }
}

/** Copies the contents of a database into the empty PostgreSQL database at `url`. @throws AppError */
export async function moveDatabase(
  database: Database,
  { url, dataDir, log, onTable }: Target & { url: string },
): Promise<TableSummary[]> {
  return await database.readSnapshot(async (snapshot) => {
    await fillDatabase({ url, dir: dataDir, log }, snapshot, onTable)
    return snapshot.tables
  })
}

/** Loads the contents, and brings the schema and the vector indexes up to date. */
async function fillDatabase(
  target: Parameters<typeof loadSnapshot>[0],
  ...[snapshot, onTable]: [Parameters<typeof loadSnapshot>[1], Target['onTable']]
): Promise<void> {
  await loadSnapshot(target, snapshot, onTable)
  await using database = await openDatabase({ ...target, limits: { statementTimeoutMs: 0 } })
  await createVectorIndexes({ database, log: target.log })
}
