import type { createUpdate, updateUpdate } from '../../contract/avee-insight.ts'
import type { Layer } from '../../contract/layers.ts'
import type { BodyOf } from '../../contract/operation.ts'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import { updateNotFound } from './errors.ts'
import {
  changeUpdate,
  deleteUpdate,
  findUpdate,
  findUpdateWithOwner,
  insertUpdate,
  selectUpdates,
  setDocument,
  type UpdateRow,
} from './store/updates.ts'

/** The time in which an update is part of every prompt; later it is a document like any other. */
const freshMs = 30 * 24 * 60 * 60 * 1000
const maxFreshUpdates = 5
const maxListedUpdates = 200
const indexKind = 'insight.index-update'
type IndexInput = { updateId: string }

type Dependencies = {
  database: Database
  jobs: Pick<Jobs, 'register' | 'enqueue'>
  knowledge: Pick<Knowledge, 'ingestText' | 'remove'>
  now: () => Date
}

/** Dated notes of an avee's owner. Each is indexed as a document; recent ones are also part of every prompt. */
export function updates({ database, jobs, knowledge, now }: Dependencies) {
  const { db } = database

  async function removeDocument(documentId: string | null): Promise<void> {
    if (documentId === null) return
    await knowledge.remove(documentId).catch((error: unknown) => {
      // The owner may have deleted the document.
      if (!(error instanceof Error && 'status' in error && error.status === 404)) throw error
    })
  }

  async function getUpdate(aveeId: string, id: string): Promise<UpdateRow> {
    const update = await findUpdate(db, aveeId, id)
    if (!update) throw updateNotFound()
    return update
  }

  const enqueueIndexing = (trx: Trx, updateId: string) =>
    jobs.enqueue<IndexInput>(trx, { kind: indexKind, key: updateId, input: { updateId } })

  jobs.register<IndexInput>(indexKind, {
    async run({ updateId }, { signal }) {
      const update = await findUpdateWithOwner(db, updateId)
      if (!update) return
      const day = update.created_at.toISOString().slice(0, 10)
      const title = update.title === '' ? `Update of ${day}` : `${update.title} (${day})`
      const { document } = await knowledge.ingestText(
        { userId: update.owner_id, aveeId: update.avee_id, layer: update.layer, usualLayer: update.layer },
        // The time distinguishes updates with the same text, because identical files are one document.
        { title, text: `${title}\n${update.created_at.toISOString()}\n\n${update.text}` },
        signal,
      )
      const isCurrent = await setDocument(db, update, document.id)
      if (!isCurrent) await removeDocument(document.id)
      else if (update.document_id !== document.id) await removeDocument(update.document_id)
    },
  })

  return {
    isFresh: (update: UpdateRow): boolean => update.created_at.getTime() > now().getTime() - freshMs,

    create(aveeId: string, given: BodyOf<typeof createUpdate>) {
      return database.transaction(async (trx) => {
        const created = await insertUpdate(trx, { id: newId(), avee_id: aveeId, ...given })
        await enqueueIndexing(trx, created.id)
        return created
      })
    },

    list: (aveeId: string, layers: Layer[]): Promise<UpdateRow[]> =>
      selectUpdates(db, aveeId, layers, maxListedUpdates).selectAll().execute(),

    async update(aveeId: string, id: string, changes: BodyOf<typeof updateUpdate>): Promise<UpdateRow> {
      const before = await getUpdate(aveeId, id)
      // A narrower layer takes effect at once: the old document must not be found while the new one is indexed.
      if (changes.layer !== undefined && changes.layer !== before.layer)
        await removeDocument(before.document_id)
      return await database.transaction(async (trx) => {
        const changed = await changeUpdate(trx, id, changes)
        if (!changed) throw updateNotFound()
        await enqueueIndexing(trx, id)
        return changed
      })
    },

    async delete(aveeId: string, id: string): Promise<void> {
      await getUpdate(aveeId, id)
      const deleted = await deleteUpdate(db, id)
      await removeDocument(deleted?.document_id ?? null)
    },

    /** Selects the updates of the last 30 days in these layers, newest first, at most five. */
    selectFresh: (of: { aveeId: string; layers: Layer[]; now: Date }) =>
      selectUpdates(db, of.aveeId, of.layers, maxFreshUpdates)
        .where('created_at', '>=', new Date(of.now.getTime() - freshMs))
        .select(['text', 'title', 'created_at as date']),
  }
}
export type Updates = ReturnType<typeof updates>
