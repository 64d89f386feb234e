import type { Database, Db } from '../../db/index.ts'
import type { Jobs } from '../../jobs/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import type { Cleanup } from '../cleanup.ts'
import { findDocument } from '../store/documents.ts'
import { lockDocumentsOfAvee } from '../store/ingest-files.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import {
  changeLayer,
  reindexJobKind as kind,
  listPagesWithWords,
  listPassages,
  retireUnpublished,
  switchVersion,
} from '../store/versions.ts'
import { writeVersion } from './write.ts'

/**
 * Registers the job that indexes a document under its new title or file name, which are searchable with every passage.
 * Until it has finished, search uses the old ones. Returns a function that enqueues it.
 */
export function reindexJob({
  database,
  jobs,
  log,
  embedderFor,
  indexes,
  cleanup,
}: {
  database: Database
  jobs: Jobs
  log: Log
  embedderFor(aveeId: string, signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
  cleanup: Cleanup
}): (db: Db, documentId: string) => Promise<void> {
  const { db } = database

  jobs.register<{ documentId: string }>(kind, {
    async run({ documentId }, { signal, transaction }) {
      // An earlier attempt may have left an unfinished version.
      await retireUnpublished(db, documentId)
      const document = await findDocument(db, documentId)
      if (!document) return
      const { publish, embeddedBy } = await writeVersion(
        {
          database,
          log,
          embedder: await embedderFor(document.avee_id, signal).catch(() => undefined),
          indexes,
        },
        { aveeId: document.avee_id, layer: document.layer, runId: documentId, file: 0 },
        { title: document.title, filename: document.filename },
        {
          pages: await listPagesWithWords(db, document.version),
          passages: await listPassages(db, document.version),
          language: document.language,
        },
        { signal, stored: () => undefined, embedded: () => undefined },
      )
      await transaction(async (trx) => {
        await lockDocumentsOfAvee(trx, document.avee_id)
        await cleanup.enqueue(trx)
        const current = await findDocument(trx, documentId)
        // A concurrent replacement or renaming has indexed the document or enqueued this job again.
        if (
          current?.version !== document.version ||
          current.title !== document.title ||
          current.filename !== document.filename
        )
          return await retireUnpublished(trx, documentId)
        const version = await publish(trx, document.version)
        await switchVersion(trx, documentId, version, embeddedBy)
        if (current.layer !== document.layer)
          await changeLayer(trx, {
            id: documentId,
            aveeId: document.avee_id,
            version,
            from: document.layer,
            to: current.layer,
          })
      })
    },
  })

  return async (on, documentId) => jobs.enqueue(on, { kind, key: documentId, input: { documentId } })
}
