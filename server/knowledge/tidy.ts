import { setImmediate as breathe } from 'node:timers/promises'
import type { Database } from '../db/index.ts'
import type { Log } from '../log.ts'
import type { Originals } from './files.ts'
import { findReferencedOriginals, lockOriginals } from './store/ingest-files.ts'
import { findPurgeableVersion, purgePassages } from './store/versions.ts'

/** Passages deleted in one transaction: a search that comes in between waits no longer than for an insertion. */
const step = 50
const everyMs = 10 * 60 * 1000
const laterMs = 500

/**
 * Takes away what nothing points at any more: rows of retired versions in small steps, and originals that no document
 * and no run needs (avees and accounts fall by foreign key; their files are found here).
 */
export function tidier({
  database,
  files,
  log,
  now,
}: {
  database: Database
  files: Originals
  log: Log
  now: () => Date
}) {
  const closing = new AbortController()
  let wanted = false
  let wholeWanted = false
  let running: Promise<void> | undefined
  let delayed: NodeJS.Timeout | undefined
  const timer = setInterval(() => void soon(true), everyMs)
  timer.unref()

  /** Deletes the rows of every retired version. */
  async function clearVersions(): Promise<void> {
    const tried = new Set<string>()
    while (!closing.signal.aborted) {
      const version = await findPurgeableVersion(database.db)
      if (version === undefined || tried.has(version)) return
      tried.add(version)
      while (
        !closing.signal.aborted &&
        (await database.transaction((trx) => purgePassages(trx, version, step)))
      ) {
        await breathe()
      }
    }
  }

  /** Deletes those of the originals that are needed no more. A file is put into its place under the same lock. */
  async function releaseOriginals(hashes: string[]): Promise<void> {
    const needed = await findReferencedOriginals(database.db, hashes)
    for (const sha256 of hashes) {
      if (needed.has(sha256)) continue
      await database.transaction(async (trx) => {
        await lockOriginals(trx)
        const again = await findReferencedOriginals(trx, [sha256])
        if (!again.has(sha256)) await files.remove(sha256)
      })
    }
  }

  async function sweep(whole: boolean): Promise<void> {
    await clearVersions()
    if (!whole) return
    for await (const hashes of files.listHashes()) {
      if (closing.signal.aborted) return
      await releaseOriginals(hashes)
    }
    await files.deleteAbandonedUploads(now())
  }

  async function loop(): Promise<void> {
    while (wanted && !closing.signal.aborted) {
      const whole = wholeWanted
      wanted = false
      wholeWanted = false
      try {
        await sweep(whole)
      } catch (error) {
        if (!closing.signal.aborted)
          log.warn({ err: error }, 'tidying up after documents failed; it is tried again later')
      }
    }
    running = undefined
  }

  /** Tidies in the background; `whole` also looks through all originals. Resolves when it is done. */
  function soon(whole = false): Promise<void> {
    wanted = true
    wholeWanted ||= whole
    running ??= loop()
    return running
  }

  return {
    soon,

    /** The same, for whoever is in the middle of a transaction: when it has surely ended. */
    later(): void {
      delayed ??= setTimeout(() => {
        delayed = undefined
        void soon(true)
      }, laterMs).unref()
    },
    releaseOriginals,
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer)
      clearTimeout(delayed)
      closing.abort()
      await running
    },
  }
}

export type Tidier = ReturnType<typeof tidier>
