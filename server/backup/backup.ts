import type { Writable } from 'node:stream'
import type { Database } from '../db/index.ts'
import { originals } from '../knowledge/index.ts'
import { type Manifest, readKeyFile, writeArchive } from './archive.ts'
import { backupRunning } from './errors.ts'

/** Backups of the database, the original files and the key file of a data directory. */
export function backup({ database, dataDir }: { database: Database; dataDir: string }) {
  let isRunning = false

  return {
    /** Writes a backup to a stream, which it ends or destroys. @throws backup_running */
    async write(target: Writable, signal: AbortSignal): Promise<Manifest> {
      if (isRunning) throw backupRunning()
      isRunning = true
      try {
        return await database.readSnapshot(async (snapshot) =>
          writeArchive(target, {
            snapshot,
            originals: originals(dataDir),
            encryptionKey: await readKeyFile(dataDir),
            signal,
          }),
        )
      } finally {
        isRunning = false
      }
    },
  }
}

export type Backup = ReturnType<typeof backup>
