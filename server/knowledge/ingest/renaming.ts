import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import type { Completion, RunContext, RunKind } from '../../runs/index.ts'
import { findDocument } from '../store/documents.ts'
import { lockDocumentsOfAvee } from '../store/ingest-files.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import {
  changeLayer,
  listPages,
  listPassages,
  publishVersion,
  retireUnpublished,
  switchVersion,
} from '../store/versions.ts'
import { writeVersion } from './write.ts'

export type RenamingInput = { documentId: string }

/**
 * A document that was given another title is written anew from what was read of it, as its title is part of what its
 * passages are found by. Until then it is found by the old one.
 */
export function renamingKind(rooms: {
  database: Database
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
  tidy(): void
}): RunKind<RenamingInput> {
  const { database } = rooms
  const { db } = database

  async function work({ run, signal, emit }: RunContext<RenamingInput>): Promise<Completion> {
    await retireUnpublished(db, run.id)
    const document = await findDocument(db, run.input.documentId)
    const done = { event: { done: true } }
    if (!document) return done
    await emit({
      message: `Indexing ${document.title}`,
      stage: 'store',
      completed: 0,
      total: document.passages,
    })
    const { version, embeddedBy } = await writeVersion(
      {
        database,
        log: rooms.log,
        embedder: await rooms.embedder(signal).catch(() => undefined),
        indexes: rooms.indexes,
      },
      { documentId: document.id, aveeId: document.avee_id, layer: document.layer, runId: run.id, file: 0 },
      { title: document.title, filename: document.filename },
      {
        pages: await listPages(db, document.version),
        passages: await listPassages(db, document.version),
        language: document.language,
      },
      { signal, stored: () => undefined, embedded: () => undefined },
    )
    return {
      ...done,
      store: async (trx) => {
        await lockDocumentsOfAvee(trx, document.avee_id)
        const present = await findDocument(trx, document.id)
        // Replaced or named again meanwhile: whoever did it sees to the index.
        if (present?.version !== document.version || present.title !== document.title)
          return await retireUnpublished(trx, run.id)
        await publishVersion(trx, version, document.version)
        await switchVersion(trx, document.id, version, embeddedBy)
        if (present.layer !== document.layer)
          await changeLayer(trx, {
            id: document.id,
            aveeId: document.avee_id,
            version,
            from: document.layer,
            to: present.layer,
          })
        rooms.tidy()
      },
    }
  }

  return {
    work,
    async close(run, closing, _events, trx) {
      await retireUnpublished(trx, run.id)
      rooms.tidy()
      return closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error }
    },
  }
}
