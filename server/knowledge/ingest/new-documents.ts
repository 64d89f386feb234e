import type { Trx } from '../../db/index.ts'
import type { Batch, EventBody, RunContext, RunRecord } from '../../runs/index.ts'
import { ConflictError } from '../errors.ts'
import { countDocuments, type DocumentSource, findDocumentsLike } from '../store/documents.ts'
import { lockDocumentsOfAvee } from '../store/ingest-files.ts'
import type { IngestDependencies } from './dependencies.ts'
import { endsWith, type IngestInput } from './input.ts'
import { buildIndex, countResult, insertNew, type WrittenDocument } from './write-document.ts'

/** New documents of a run, and its events up to the result of the last. */
export type NewDocuments = { run: RunRecord<IngestInput>; events: EventBody[]; written: WrittenDocument[] }

/**
 * Commits new documents with the results of their files, and ends their runs with the last one; those of several runs in
 * the same transaction.
 */
export function newDocuments({ quota, telemetry, indexes }: IngestDependencies) {
  /** @throws ConflictError if one may repeat or replace a document or another of them */
  async function store(trx: Trx, groups: NewDocuments[]): Promise<void> {
    const bytes = documentsOf(groups).reduce((sum, document) => sum + Number(document.bytes), 0)
    for (const [aveeId, ofAvee] of byAvee(groups)) {
      const sources = documentsOf(ofAvee).map(sourceOf)
      // The driver sends both at once; the second reads after the first has locked.
      const [, existing] = await Promise.all([
        lockDocumentsOfAvee(trx, aveeId),
        findDocumentsLike(trx, aveeId, sources),
      ])
      if (firstKnown(sources, existing) >= 0) throw new ConflictError()
      // The avees may have the same owner.
      await quota.assertRoom(aveeId, bytes, trx)
    }
    await insertNew(trx, groups)
  }

  async function eventsOfEnd(trx: Trx, groups: NewDocuments[]): Promise<EventBody[][]> {
    const totals = new Map<string, number>()
    for (const aveeId of byAvee(groups).keys()) totals.set(aveeId, await countDocuments(trx, aveeId))
    return groups.map(({ run, written, events }) => {
      const { aveeId } = run.input
      const total_documents = (totals.get(aveeId) ?? 0) + written.length
      totals.set(aveeId, total_documents)
      return [...events, { done: true, total_documents }]
    })
  }

  const last: Batch<NewDocuments> = { ends: true, events: eventsOfEnd, store }
  const others: Batch<NewDocuments> = {
    ends: false,
    events: async (_, groups) => groups.map(({ events }) => events),
    store,
  }
  return {
    /** @throws ConflictError if one may repeat or replace a document; quota_exceeded */
    async commit(context: RunContext<IngestInput>, group: NewDocuments): Promise<void> {
      const isLast = endsWith(context.run.input, group.written.at(-1)?.index ?? -1)
      await context.commitTogether(isLast ? last : others, group)
      for (const document of group.written) {
        countResult(telemetry, document.result)
        buildIndex(indexes, document)
      }
    },
  }
}

const byAvee = (groups: NewDocuments[]) => Map.groupBy(groups, ({ run }) => run.input.aveeId)

const documentsOf = (groups: NewDocuments[]) =>
  groups.flatMap(({ written }) =>
    written.map(({ document }) => ({ ...document, sourceUrl: document.source_url ?? null })),
  )

/** The identity of a file's document; a file of a folder is identified by its URL alone. */
export const sourceOf = ({
  filename = null,
  sha256,
  sourceUrl,
}: Omit<DocumentSource, 'filename'> & { filename?: string | null | undefined }): DocumentSource => ({
  filename: sourceUrl === null ? filename : null,
  sha256,
  sourceUrl,
})

/** Returns the index of the first source that shares a value with an existing document or an earlier source, or -1. */
export function firstKnown(
  sources: DocumentSource[],
  existing: Awaited<ReturnType<typeof findDocumentsLike>>,
): number {
  const known = new Set(existing.flatMap(Object.values))
  return sources.findIndex((source) => {
    const names = Object.values(source).filter((name) => name !== null)
    const isKnown = names.some((name) => known.has(name))
    for (const name of names) known.add(name)
    return isKnown
  })
}
