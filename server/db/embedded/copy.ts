import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { storageFull } from '../../errors.ts'
import { databaseBusy } from '../errors.ts'

const wal = 'pg_wal'
const maxAttempts = 3

/**
 * Copies the directory of a running database. `prevent` runs a checkpoint, then its argument, during which there is no
 * other checkpoint. The WAL is copied last, so it has every change since that checkpoint. A database that opens the
 * copy recovers from the WAL, as after a crash, whatever was written in the meantime (PostgreSQL documentation, section
 * 25.3).
 */
export async function copyDatabase(
  from: string,
  to: string,
  prevent: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  // A checkpoint writes this file, and so does a restarting engine.
  const lastCheckpoint = async () => (await stat(join(from, 'global/pg_control'))).mtimeMs
  for (let attempt = 1; ; attempt += 1) {
    let isConsistent = false
    await rm(to, { recursive: true, force: true })
    await prevent(async () => {
      const before = await lastCheckpoint()
      await copyTree(from, to, [wal])
      await copyTree(join(from, wal), join(to, wal), [])
      isConsistent = before === (await lastCheckpoint())
    })
    if (isConsistent) return
    if (attempt === maxAttempts) throw databaseBusy(new Error('the database restarted while it was copied'))
  }
}

/** Copies a directory without the entries in `omitted`. Omits files that are deleted in the meantime. */
async function copyTree(from: string, to: string, omitted: string[] = []): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (omitted.includes(entry.name)) continue
    if (entry.isDirectory()) await copyTree(source, target)
    else
      await copyFile(source, target, constants.COPYFILE_FICLONE).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOSPC') throw storageFull(error)
        if (error.code !== 'ENOENT') throw error
      })
  }
}
