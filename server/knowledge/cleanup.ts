import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Database, Db } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Originals } from './files.ts'
import { findReferencedOriginals, lockOriginals } from './store/ingest-files.ts'
import { findPurgeableVersion, purgePassages } from './store/versions.ts'

/** The number of passages deleted per transaction, which delays a concurrent search as much as inserting them. */
const passagesPerTransaction = 50
/**
 * The maximum delay of the purge of rows and files that was not enqueued by a request, such as those of deleted
 * accounts.
 */
const everyMs = 10 * 60 * 1000
/** The delay that combines the purges after several replaced documents. */
const originalsDelayMs = 500

const versionsKind = 'knowledge.purge-versions'
const originalsKind = 'knowledge.purge-originals'

/** Purges retired versions of documents, and original files that neither documents nor runs refer to. */
export function cleanup({
  database,
  jobs,
  files,
  now,
}: {
  database: Database
  jobs: Jobs
  files: Originals
  now: () => Date
}) {
  async function purgeVersions(signal: AbortSignal): Promise<void> {
    const visited = new Set<string>()
    for (;;) {
      const version = await findPurgeableVersion(database.db)
      // If a version is found again, another server is purging it.
      if (version === undefined || visited.has(version)) return
      visited.add(version)
      while (await database.transaction((trx) => purgePassages(trx, version, passagesPerTransaction))) {
        await yieldToEventLoop()
        signal.throwIfAborted()
      }
    }
  }

  /** Deletes unreferenced files. Files are stored under the same lock. */
  async function deleteUnreferenced(hashes: string[]): Promise<void> {
    const referenced = await findReferencedOriginals(database.db, hashes)
    for (const sha256 of hashes) {
      if (referenced.has(sha256)) continue
      await database.transaction(async (trx) => {
        await lockOriginals(trx)
        const current = await findReferencedOriginals(trx, [sha256])
        if (!current.has(sha256)) await files.remove(sha256)
      })
    }
  }

  jobs.register(versionsKind, { everyMs, run: (_, { signal }) => purgeVersions(signal) })
  jobs.register(originalsKind, {
    everyMs,
    async run(_, { signal }) {
      for await (const hashes of files.listHashes()) {
        signal.throwIfAborted()
        await deleteUnreferenced(hashes)
      }
      await files.deleteAbandonedUploads(now())
    },
  })

  return {
    deleteUnreferenced,

    /** Purges retired versions and unreferenced originals soon after the caller's transaction commits. */
    async enqueue(db: Db): Promise<void> {
      await jobs.enqueue(db, { kind: versionsKind, input: {} })
      await jobs.enqueue(db, { kind: originalsKind, input: {}, delayMs: originalsDelayMs })
    },

    /** Purges retired versions now; resolves when they are deleted. */
    versions: (): Promise<void> => jobs.runNow(versionsKind),

    /** Deletes unreferenced originals now; resolves when they are deleted. */
    originals: (): Promise<void> => jobs.runNow(originalsKind),
  }
}

export type Cleanup = ReturnType<typeof cleanup>
