import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { Database, Db } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import {
  type Counts,
  countContents,
  type DeletionRow,
  deleteOldReceipts,
  findDeletion,
  insertDeletion,
  listPendingDeletions,
  markPurged,
} from './store.ts'

const kind = 'deletions.purge'
/** Several deletions in a row are followed by one purge. */
const purgeDelayMs = 500
const maxPurgeDelayMs = 10_000
const everyMs = 10 * 60_000
const receiptDays = 365

/** Part of a purge; `documents` are the deleted ones that remaining answers may quote. */
export type PurgeStep = (documents: string[], signal: AbortSignal) => Promise<void>

/** Receipts of deletions, and the purge that follows them. */
export function deletions({ database, jobs, log }: { database: Database; jobs: Jobs; log: Log }) {
  const steps: PurgeStep[] = []

  // A schedule, so that a purge that a restart has interrupted starts again.
  jobs.register(kind, {
    everyMs,
    async run(_, { signal }) {
      const pending = await listPendingDeletions(database.db)
      if (pending.length === 0) return
      const documents = pending.flatMap((deletion) => deletion.documents)
      for (const step of steps) await step(documents, signal)
      // Not awaited: a busy embedded database purges much later, and the queue is bounded.
      void database
        .purge()
        .then(() =>
          markPurged(
            database.db,
            pending.map(({ id }) => id),
          ),
        )
        .catch((error: unknown) => log.warn({ err: error }, 'could not record the end of a purge'))
    },
  })
  jobs.register('deletions.retention', {
    everyMs: 24 * 60 * 60_000,
    run: () => deleteOldReceipts(database.db, receiptDays),
  })

  return {
    /** Adds what a purge does before the database removes deleted rows from its files. */
    onPurge(step: PurgeStep): void {
      steps.push(step)
    },

    /** Counts what a deletion of the subject concerns; before it is deleted. */
    count: countContents,

    /** Records what the user (or nobody) has deleted, in the transaction that ends the deletion, and purges after its commit. */
    async record(
      db: Db,
      userId: string | null,
      counts: Counts,
      documents: string[] = [],
    ): Promise<DeletionReceipt> {
      const row = await insertDeletion(db, userId, counts, documents)
      await jobs.enqueue(db, { kind, input: {}, delayMs: purgeDelayMs, maxDelayMs: maxPurgeDelayMs })
      return toReceipt(row)
    },

    /** Finds a receipt with the user who deleted; null if that user has been deleted. */
    async find(id: string): Promise<{ receipt: DeletionReceipt; userId: string | null } | undefined> {
      const row = await findDeletion(database.db, id)
      return row && { receipt: toReceipt(row), userId: row.user_id }
    },
  }
}

export type Deletions = ReturnType<typeof deletions>

const toReceipt = ({ id, counts, created_at, purged_at }: DeletionRow): DeletionReceipt => ({
  ...counts,
  id,
  purge: purged_at === null ? 'pending' : 'done',
  created_at: created_at.toISOString(),
  purged_at: purged_at?.toISOString() ?? null,
})
