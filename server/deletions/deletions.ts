import type { DeletionReceipt } from '../../contract/deletions.ts'
import type { Database, Db, Trx } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Log } from '../log.ts'
import {
  type Counts,
  countContents,
  type DeletionRow,
  deleteDeletion,
  deleteOldReceipts,
  endRestorable,
  findDeletion,
  insertDeletion,
  listCleaned,
  listExpired,
  listUncleaned,
  lockRestorable,
  mark,
  updateContents,
} from './store.ts'

const kind = 'deletions.purge'
/** The delay after which one purge follows several deletions. */
const purgeDelayMs = 500
const maxPurgeDelayMs = 10_000
/** Continues purges that were interrupted. */
const everyMs = 10 * 60_000
const answerPollMs = 2_000
const receiptDays = 365

/** A step of a purge; `documents` are deleted ones that remaining answers may quote. */
export type PurgeStep = (documents: string[], signal: AbortSignal) => Promise<void>

/** Deletes the rows that a deletion has moved to the trash. */
export type EmptyTrash = (trx: Trx, deletionId: string) => Promise<void>

/**
 * Receipts of deletions, the trash, and the purge.
 *
 *     in the trash ──(undoDays)──▶ deleted ──(cleanup)──▶ cleaned ──(database files rewritten)──▶ purged
 *          └──(restored)──▶ no deletion
 *
 * Rows in the trash refer to their deletion.
 */
export function deletions({
  database,
  jobs,
  log,
  undoDays,
}: {
  database: Database
  jobs: Jobs
  log: Log
  /** 0: nothing can be restored. */
  undoDays: number
}) {
  const { db } = database
  const steps: PurgeStep[] = []
  const contents: EmptyTrash[] = []
  const purging = new Set<string>()

  async function expire(signal: AbortSignal): Promise<void> {
    for (const id of await listExpired(db)) {
      signal.throwIfAborted()
      await database.transaction(async (trx) => {
        if (await endRestorable(trx, id)) for (const empty of contents) await empty(trx, id)
      })
    }
  }

  /** Returns true if a deletion has to wait for a running answer. */
  async function clean(signal: AbortSignal): Promise<boolean> {
    const { true: waiting = [], false: ready = [] } = Object.groupBy(
      await listUncleaned(db),
      ({ isWaiting }) => (isWaiting ? 'true' : 'false'),
    )
    if (ready.length > 0) {
      const documents = ready.flatMap((deletion) => deletion.documents)
      for (const step of steps) await step(documents, signal)
      await mark(
        db,
        'cleaned_at',
        ready.map(({ id }) => id),
      )
    }
    return waiting.length > 0
  }

  /** Not awaited, because a busy embedded database purges much later, and the queue is bounded. */
  function purge(cleaned: string[]): void {
    const ids = cleaned.filter((id) => !purging.has(id))
    if (ids.length === 0) return
    for (const id of ids) purging.add(id)
    void database
      .purge()
      .then(() => mark(db, 'purged_at', ids))
      .catch((error: unknown) => log.warn({ err: error }, 'could not record the end of a purge'))
      .finally(() => {
        for (const id of ids) purging.delete(id)
      })
  }

  // Scheduled, so that the trash expires and interrupted purges continue after a restart.
  jobs.register(kind, {
    everyMs,
    async run(_, { signal }) {
      await expire(signal)
      const isWaiting = await clean(signal)
      purge(await listCleaned(db))
      return isWaiting ? { repeatAfterMs: answerPollMs } : undefined
    },
  })
  jobs.register('deletions.retention', {
    everyMs: 24 * 60 * 60_000,
    run: () => deleteOldReceipts(db, receiptDays),
  })

  return {
    /** False if everything is deleted permanently. */
    hasTrash: undoDays > 0,

    /** Adds a step that runs before the database removes deleted rows from its files. */
    onPurge(step: PurgeStep): void {
      steps.push(step)
    },

    /** Adds a step that deletes rows whose time in the trash is over. */
    onExpiry(empty: EmptyTrash): void {
      contents.push(empty)
    },

    /** Counts the contents of a subject before its deletion. */
    count: countContents,

    /**
     * Records a deletion by a user or by the server, in the transaction that completes it, and purges after its commit.
     */
    async record(
      on: Db,
      userId: string | null,
      counts: Counts,
      documents: string[] = [],
    ): Promise<DeletionReceipt> {
      const row = await insertDeletion(on, userId, { counts, documents })
      await jobs.enqueue(on, { kind, input: {}, delayMs: purgeDelayMs, maxDelayMs: maxPurgeDelayMs })
      return toReceipt(row)
    },

    /** Records a move to the trash; `move` lets the rows refer to the deletion. */
    async trash(
      trx: Trx,
      userId: string,
      move: (deletionId: string) => Promise<unknown>,
    ): Promise<DeletionReceipt> {
      const { id } = await insertDeletion(trx, userId, { counts: {}, documents: [], undoDays })
      await move(id)
      return toReceipt(await updateContents(trx, id))
    },

    /** Restores rows from the trash with `take`. Returns false if their time there is over. */
    async takeOut(trx: Trx, deletionId: string, take: () => Promise<unknown>): Promise<boolean> {
      if (!(await lockRestorable(trx, deletionId))) return false
      await take()
      const { counts } = await updateContents(trx, deletionId)
      if (Object.keys(counts).length === 0) await deleteDeletion(trx, deletionId)
      return true
    },

    /** Finds a receipt with the id of the user who deleted; null if that user has been deleted. */
    async find(id: string): Promise<{ receipt: DeletionReceipt; userId: string | null } | undefined> {
      const row = await findDeletion(db, id)
      return row && { receipt: toReceipt(row), userId: row.user_id }
    },
  }
}

export type Deletions = ReturnType<typeof deletions>

const toReceipt = ({
  id,
  counts,
  created_at,
  restorable_until,
  purged_at,
}: DeletionRow): DeletionReceipt => ({
  ...counts,
  id,
  purge: purged_at === null ? 'pending' : 'done',
  created_at: created_at.toISOString(),
  restorable_until: restorable_until?.toISOString() ?? null,
  purged_at: purged_at?.toISOString() ?? null,
})
