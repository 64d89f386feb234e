import { type Layer } from '../../../contract/layers.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { bm25Vectorizer, type DocumentNames, stemmerFor } from '../../search/index.ts'
import { type DocumentPassage, passageWithContext } from '../chunking/passage.ts'
import type { PageWord } from '../parsers/index.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import { insertVectors, listPassagesWithoutVector } from '../store/vectors.ts'
import {
  insertPages,
  insertPassages,
  insertSections,
  insertVersion,
  type NewPassage,
  type NewVersion,
} from '../store/versions.ts'
import { inAdaptiveBatches } from './adaptive-batches.ts'
import { assignSections } from './sections.ts'

/** The text of a document and its passages, ready to be stored. */
export type DocumentContent = {
  pages: { page: number; text: string; words?: PageWord[] | null }[]
  passages: DocumentPassage[]
  language: string | null
}

export type VersionTarget = NewVersion & { layer: Layer }

/** Passages per request to the embedding model. */
const embeddingBatchSize = 32

/**
 * Writes a version of a document; it is invisible until it is published. Returns its id, and the vector space in which
 * all of its passages have vectors, if any.
 */
export async function writeVersion(
  {
    database,
    log,
    embedder: model,
    indexes,
  }: { database: Database; log: Log; embedder: Embedder | undefined; indexes: VectorIndexes },
  target: VersionTarget,
  names: DocumentNames,
  content: DocumentContent,
  {
    signal,
    stored,
    embedded,
  }: { signal: AbortSignal; stored(done: number): void; embedded(done: number): void },
): Promise<{ version: string; embeddedBy: string | null }> {
  const { db } = database
  const version = await insertVersion(db, target)
  const pages = content.pages.map(({ page, text, words }) => ({ version, page, text, words: words ?? null }))
  await inAdaptiveBatches(pages, (batch) => insertPages(db, batch), signal)

  const vectorizer = bm25Vectorizer(target.aveeId, names, await stemmerFor(content.language))
  const sections = assignSections(content.passages)
  const bySection = Map.groupBy(content.passages, (_, index) => sections[index] ?? 0)
  const insertBatch = (batch: [number, DocumentPassage[]][]) =>
    insertSections(
      db,
      batch.map(([section, passages]) => ({ version, section, lex: vectorizer.section(passages) })),
    )
  await inAdaptiveBatches([...bySection], insertBatch, signal)

  let embedder = model
  let storedCount = 0
  let embeddedCount = 0
  let vectorLength = 0
  for (let first = 0; first < content.passages.length; first += embeddingBatchSize) {
    const batch = content.passages.slice(first, first + embeddingBatchSize)
    const vectors = embedder ? await embed(log, embedder, names.title, batch, signal) : undefined
    if (embedder && vectors) {
      vectorLength = vectors[0]?.length ?? 0
      await indexes.prepare(embedder.space, vectorLength)
      embeddedCount += batch.length
      embedded(embeddedCount)
    } else {
      // After a failure every batch would fail slowly; the embedding schedule completes the document later.
      embedder = undefined
    }
    const rows = batch.map((passage, index): { row: NewPassage; vector: Float32Array | undefined } => {
      const { terms, vector } = vectorizer.passage(passage.heading, passage.text)
      return {
        row: { ...passage, section: sections[first + index] ?? 0, terms, vector },
        vector: vectors?.[index],
      }
    })
    await inAdaptiveBatches(
      rows,
      async (part) => {
        const ids = await database.transaction((trx) =>
          insertPassages(
            trx,
            { ...target, version },
            part.map(({ row }) => row),
          ),
        )
        if (embedder)
          await insertVectors(
            db,
            embedder.space,
            part.flatMap(({ row, vector }) => {
              const passageId = ids.get(row.n)
              return vector && passageId !== undefined ? [{ passageId, vector }] : []
            }),
          )
        storedCount += part.length
        stored(storedCount)
      },
      signal,
    )
  }
  if (embedder && vectorLength > 0) indexes.buildWhenLarge(embedder.space, vectorLength)
  const complete = embedder !== undefined && embeddedCount === content.passages.length
  return { version, embeddedBy: complete ? (embedder?.space ?? null) : null }
}

/** Embeds the passages of a version that have no vector of the model. */
export async function embedMissingPassages(
  { database, indexes }: { database: Database; indexes: VectorIndexes },
  embedder: Embedder,
  document: { version: string; title: string },
  signal: AbortSignal,
  embedded: (count: number) => void,
): Promise<void> {
  for (;;) {
    const batch = await listPassagesWithoutVector(
      database.db,
      document.version,
      embedder.space,
      embeddingBatchSize,
    )
    if (batch.length === 0) return
    const vectors = await embedder.embed(
      batch.map((passage) => passageWithContext({ title: document.title, ...passage })),
      'passage',
      signal,
    )
    const rows = batch.flatMap(({ id }, index) => {
      const vector = vectors[index]
      return vector ? [{ passageId: id, vector }] : []
    })
    const vectorLength = rows[0]?.vector.length ?? 0
    await indexes.prepare(embedder.space, vectorLength)
    await inAdaptiveBatches(rows, (part) => insertVectors(database.db, embedder.space, part), signal)
    indexes.buildWhenLarge(embedder.space, vectorLength)
    embedded(rows.length)
  }
}

/** Returns undefined if the model fails. */
async function embed(
  log: Log,
  embedder: Embedder,
  title: string,
  passages: { heading: string | null; text: string }[],
  signal: AbortSignal,
): Promise<Float32Array[] | undefined> {
  try {
    return await embedder.embed(
      passages.map((passage) => passageWithContext({ title, ...passage })),
      'passage',
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    log.warn({ err: error }, 'embedding failed; the document is found by its terms and embedded later')
    return undefined
  }
}
