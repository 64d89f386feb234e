import { type Layer } from '../../../contract/layers.ts'
import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { bm25Vectorizer, type DocumentNames, stemmerFor } from '../../search/index.ts'
import { passageWithContext } from '../chunking/passage.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import { insertVectors, listPassagesWithoutVector } from '../store/vectors.ts'
import {
  insertPages,
  insertPassages,
  insertSections,
  insertVersion,
  type NewPassage,
} from '../store/versions.ts'
import { inAdaptiveBatches } from './adaptive-batches.ts'
import { assignSections } from './sections.ts'

/** A document's text with its passages, ready to be stored. */
export type DocumentContent = {
  pages: { page: number; text: string }[]
  passages: {
    n: number
    page: number | null
    start: number
    end: number
    heading: string | null
    text: string
  }[]
  language: string | null
}

export type VersionTarget = { documentId: string; aveeId: string; layer: Layer; runId: string; file: number }

/** Passages that are embedded at a time. */
const embedBatch = 32

/**
 * Writes a version of a document, unseen until it is published. Returns its id, and the vector space in which all of
 * it has vectors, if it has.
 */
export async function writeVersion(
  rooms: { database: Database; log: Log; embedder: Embedder | undefined; indexes: VectorIndexes },
  place: VersionTarget,
  naming: DocumentNames,
  content: DocumentContent,
  {
    signal,
    stored,
    embedded,
  }: { signal: AbortSignal; stored(done: number): void; embedded(done: number): void },
): Promise<{ version: string; embeddedBy: string | null }> {
  const { database } = rooms
  const { db } = database
  const version = await insertVersion(db, place)
  await inAdaptiveBatches(content.pages, (pages) => insertPages(db, version, pages), signal)

  const weigh = bm25Vectorizer(place.aveeId, naming, await stemmerFor(content.language))
  const sections = assignSections(content.passages)
  const bySection = Map.groupBy(content.passages, (_, index) => sections[index] ?? 0)
  await inAdaptiveBatches(
    [...bySection],
    (some) =>
      insertSections(
        db,
        version,
        some.map(([section, passages]) => ({ section, lex: weigh.section(passages) })),
      ),
    signal,
  )

  let { embedder } = rooms
  let done = 0
  let withVectors = 0
  let width = 0
  for (let first = 0; first < content.passages.length; first += embedBatch) {
    const batch = content.passages.slice(first, first + embedBatch)
    const vectors = embedder ? await embed(rooms.log, embedder, naming.title, batch, signal) : undefined
    if (embedder && vectors) {
      width = vectors[0]?.length ?? 0
      await rooms.indexes.prepare(embedder.space, width)
      withVectors += batch.length
      embedded(withVectors)
    } else {
      // Once it has failed it would fail, slowly, for every batch; the background makes up for it.
      embedder = undefined
    }
    const rows = batch.map((passage, index): { row: NewPassage; vector: Float32Array | undefined } => {
      const { terms, vector } = weigh.passage(passage.heading, passage.text)
      return {
        row: { ...passage, section: sections[first + index] ?? 0, terms, vector },
        vector: vectors?.[index],
      }
    })
    await inAdaptiveBatches(
      rows,
      async (some) => {
        const ids = await database.transaction((trx) =>
          insertPassages(
            trx,
            { ...place, version },
            some.map(({ row }) => row),
          ),
        )
        if (embedder)
          await insertVectors(
            db,
            embedder.space,
            some.flatMap(({ row, vector }) => {
              const passageId = ids.get(row.n)
              return vector && passageId !== undefined ? [{ passageId, vector }] : []
            }),
          )
        done += some.length
        stored(done)
      },
      signal,
    )
  }
  if (embedder && width > 0) rooms.indexes.buildWhenLarge(embedder.space, width)
  const complete = embedder !== undefined && withVectors === content.passages.length
  return { version, embeddedBy: complete ? (embedder?.space ?? null) : null }
}

/** Gives the passages of a version the vectors they lack. */
export async function embedMissingPassages(
  { database, indexes }: { database: Database; indexes: VectorIndexes },
  embedder: Embedder,
  document: { version: string; title: string },
  signal: AbortSignal,
  embedded: (count: number) => void,
): Promise<void> {
  for (;;) {
    const batch = await listPassagesWithoutVector(database.db, document.version, embedder.space, embedBatch)
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
    const width = rows[0]?.vector.length ?? 0
    await indexes.prepare(embedder.space, width)
    await inAdaptiveBatches(rows, (some) => insertVectors(database.db, embedder.space, some), signal)
    indexes.buildWhenLarge(embedder.space, width)
    embedded(rows.length)
  }
}

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
    log.warn({ err: error }, 'embedding failed; the document is found by its words until it is made up for')
    return undefined
  }
}
