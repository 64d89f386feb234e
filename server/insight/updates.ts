import { type Layer } from '../../contract/layers.ts'
import { type Database, newId } from '../db/index.ts'
import type { Knowledge } from '../knowledge/index.ts'
import { updateNotFound } from './errors.ts'
import {
  changeUpdate,
  claimUpdates,
  deleteUpdate,
  findUpdate,
  insertUpdate,
  listUpdates,
  noteIndexed,
  type UpdateRow,
} from './store/updates.ts'

/** How long an update is preferred by answers; afterwards it is a document like any other. */
const freshMs = 30 * 24 * 60 * 60 * 1000
/** What of them a prompt is given. */
const mostFresh = 5
const listed = 200
const claimed = 4
const leaseMs = 5 * 60_000

type Parts = {
  database: Database
  knowledge: Pick<Knowledge, 'ingestText' | 'remove'>
  now: () => Date
  /** There is something to put into the index. */
  wake(): void
}

/** Dated notes of an avee's owner: fresh ones go to the prompt as they are, all of them are documents in the index. */
export function updates({ database, knowledge, now, wake }: Parts) {
  const { db } = database

  async function removeDocument(documentId: string | null): Promise<void> {
    if (documentId === null) return
    await knowledge.remove(documentId).catch((error: unknown) => {
      // The owner may have deleted it among the documents.
      if (!(error instanceof Error && 'status' in error && error.status === 404)) throw error
    })
  }

  async function own(aveeId: string, id: string): Promise<UpdateRow> {
    const update = await findUpdate(db, aveeId, id)
    if (!update) throw updateNotFound()
    return update
  }

  const isFresh = (update: UpdateRow) => update.created_at.getTime() > now().getTime() - freshMs

  return {
    isFresh,

    async post(
      aveeId: string,
      given: { text: string; layer: Layer; title?: string | undefined },
    ): Promise<UpdateRow> {
      const made = await insertUpdate(db, { id: newId(), aveeId, ...given, title: given.title ?? '' })
      wake()
      return made
    },

    list: (aveeId: string, layers: Layer[]): Promise<UpdateRow[]> =>
      listUpdates(db, aveeId, layers, { limit: listed }),

    async change(
      aveeId: string,
      id: string,
      changes: { text?: string; layer?: Layer; title?: string },
    ): Promise<UpdateRow> {
      const before = await own(aveeId, id)
      // A narrower layer holds at once: the old document must not be found until the new one is there.
      if (changes.layer !== undefined && changes.layer !== before.layer)
        await removeDocument(before.document_id)
      const changed = await changeUpdate(db, id, changes)
      if (!changed) throw updateNotFound()
      wake()
      return changed
    },

    async remove(aveeId: string, id: string): Promise<void> {
      await own(aveeId, id)
      const gone = await deleteUpdate(db, id)
      await removeDocument(gone?.document_id ?? null)
    },

    /** The updates of the last 30 days that may be seen in these layers, newest first, at most five. */
    async fresh(
      aveeId: string,
      layers: Layer[],
      at: Date,
    ): Promise<{ text: string; title: string; date: Date }[]> {
      const rows = await listUpdates(db, aveeId, layers, {
        since: new Date(at.getTime() - freshMs),
        limit: mostFresh,
      })
      return rows.map(({ text, title, created_at }) => ({ text, title, date: created_at }))
    },

    /** Puts what is new or changed into the index; true when there may be more. */
    async index(signal: AbortSignal): Promise<boolean> {
      const due = await claimUpdates(db, { limit: claimed, leaseMs })
      for (const update of due) {
        const day = update.created_at.toISOString().slice(0, 10)
        const title = update.title === '' ? `Update of ${day}` : `${update.title} (${day})`
        const { document } = await knowledge.ingestText(
          { userId: update.owner_id, aveeId: update.avee_id, layer: update.layer, usualLayer: update.layer },
          // The moment keeps two updates of the same words apart: equal bytes are one document.
          { title, text: `${title}\n${update.created_at.toISOString()}\n\n${update.text}` },
          signal,
        )
        const isCurrent = await noteIndexed(db, update, document.id)
        if (!isCurrent) await removeDocument(document.id)
        else if (update.document_id !== document.id) await removeDocument(update.document_id)
      }
      return due.length > 0
    },
  }
}
export type Updates = ReturnType<typeof updates>
