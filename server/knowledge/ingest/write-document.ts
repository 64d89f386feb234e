import type { IngestResult } from '../../../contract/knowledge.ts'
import { newId, type Trx } from '../../db/index.ts'
import type { RunRecord } from '../../runs/index.ts'
import type { Telemetry } from '../../telemetry/index.ts'
import type { ReadOutcome } from '../parsers/index.ts'
import type { DocumentRow } from '../store/documents.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import { insertDocuments, type NewDocument } from '../store/versions.ts'
import type { AcceptedFile, IngestInput } from './input.ts'
import { recordInFolder } from './local-files.ts'
import type { Progress } from './progress.ts'
import type { FileContent } from './read-ahead.ts'
import { type WrittenVersion, writeVersion } from './write.ts'

/** A written version, with its document and the result of its file, by the index of the file in the run. */
export type WrittenDocument = WrittenVersion & { index: number; document: NewDocument; result: IngestResult }

/** Writes the version of a parsed file; `existing` is the document that it replaces. */
export async function writeDocument(
  dependencies: Parameters<typeof writeVersion>[0],
  {
    run,
    index,
    file,
    content,
    outcome: { document, passages, language },
    existing,
  }: {
    run: RunRecord<IngestInput>
    index: number
    file: AcceptedFile
    content: FileContent
    outcome: Extract<ReadOutcome, { ok: true }>
    existing?: DocumentRow | undefined
  },
  progress: Progress,
  signal: AbortSignal,
): Promise<WrittenDocument> {
  const { aveeId, source } = run.input
  const pages = document.pages.length
  const total = passages.length
  progress.report('parse', `Read ${count(pages, 'page')}`, pages, pages)
  progress.report('chunk', `Split into ${count(total, 'passage')}`, total, total)

  const id = existing?.id ?? newId()
  const layer = run.input.layer ?? existing?.layer ?? run.input.usualLayer
  const title = content.title ?? document.title ?? withoutExtension(file.filename ?? file.name)
  const written = await writeVersion(
    dependencies,
    { aveeId, layer, runId: run.id, file: index },
    { title, filename: file.filename },
    { pages: document.pages, passages, language },
    {
      signal,
      stored: (done) => progress.report('store', `Stored ${done} of ${count(total, 'passage')}`, done, total),
      embedded: (done) =>
        progress.report('embed', `Embedded ${done} of ${count(total, 'passage')}`, done, total),
    },
  )
  return {
    ...written,
    index,
    document: {
      id,
      avee_id: aveeId,
      layer,
      title,
      filename: file.filename,
      type: document.type,
      source,
      source_url: content.sourceUrl,
      sha256: content.sha256,
      bytes: content.bytes,
      pages,
      passages: total,
      language,
      embedded_by: written.embeddedBy,
    },
    result: {
      success: true,
      filename: file.name,
      message: `${existing ? 'Replaced' : 'Added'} ${file.name}: ${count(pages, 'page')}, ${count(total, 'passage')}.`,
      doc_id: id,
      chunks: total,
      pages,
      ...(existing ? { replaced: true } : {}),
    },
  }
}

/** Inserts new documents of runs with their content, and records the outcomes of their files. */
export async function insertNew(
  trx: Trx,
  added: { run: RunRecord<IngestInput>; written: WrittenDocument[] }[],
): Promise<void> {
  await insertDocuments(
    trx,
    added.flatMap(({ run, written }) =>
      written.map(({ index, document, embeddedBy, content = {} }) => ({
        runId: run.id,
        file: index,
        document,
        space: embeddedBy,
        content,
      })),
    ),
  )
  for (const { run, written } of added) {
    const outcomes = written.map(({ index, document }) => ({ index, documentId: document.id, problem: null }))
    await recordInFolder(trx, run, outcomes)
  }
}

/** Builds the vector index after documents of `insertNew` were committed, if there are enough vectors. */
export function buildIndex(indexes: VectorIndexes, { embeddedBy, content }: WrittenDocument): void {
  const dimensions = content?.passages?.[0]?.embedding?.length
  if (embeddedBy !== null && dimensions !== undefined) indexes.buildWhenLarge(embeddedBy, dimensions)
}

export function countResult(telemetry: Telemetry, result: IngestResult): void {
  const { success, replaced, duplicate, chunks = 0 } = result
  const outcome = !success ? 'failed' : duplicate ? 'duplicate' : replaced ? 'replaced' : 'added'
  telemetry.ingestedDocuments.inc({ outcome })
  if (success && !duplicate) telemetry.ingestedPassages.inc(chunks)
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

export const withoutExtension = (name: string) => name.replace(/(?<=.)\.[^.\s/]{1,12}$/u, '')
