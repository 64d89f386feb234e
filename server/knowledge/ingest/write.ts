import { type Layer } from '../../../contract/layers.ts'
import type { Database, Trx } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import { bm25Vectorizer, type DocumentNames, stemmerFor } from '../../search/index.ts'
import { type DocumentPassage, passageWithContext } from '../chunking/passage.ts'
import type { PageWord } from '../parsers/index.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import { insertVectors, listPassagesWithoutVector } from '../store/vectors.ts'
import {
  insertContent,
  insertVersion,
  type NewContent,
  type NewPassage,
  type NewVersion,
  publishVersion,
  retireVersion,
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
/** A version of up to this many passages is inserted in the transaction that publishes it. */
export const maxPassagesAtOnce = 8

export type WrittenVersion = {
  /** The vector space in which all passages have vectors, if any. */
  embeddedBy: string | null
  /** Makes the version live, replaces the `previous` one, and returns its id. */
  publish(trx: Trx, previous: string | undefined): Promise<string>
  /** Rows to insert when the version is published; undefined if they are already inserted. */
  content?: NewContent
}

/** Writes a version of a document; it is invisible until it is published. */
export async function writeVersion(
  {
    database: { db },
    log,
    embedder,
    indexes,
  }: { database: Database; log: Log; embedder: Embedder | undefined; indexes: VectorIndexes },
  target: VersionTarget,
  names: DocumentNames,
  { pages, passages, language }: DocumentContent,
  {
    signal,
    stored,
    embedded,
  }: { signal: AbortSignal; stored(done: number): void; embedded(done: number): void },
): Promise<WrittenVersion> {
  const vectorizer = bm25Vectorizer(target.aveeId, names, await stemmerFor(language))
  const sectionOf = assignSections(passages)
  const sections = [...Map.groupBy(passages, (_, index) => sectionOf[index] ?? 0)].map(
    ([section, within]) => ({ section, within }),
  )
  const pageStarts = new Map(passages.toReversed().map(({ page, text }) => [page, text]))
  const toSections = (batch: typeof sections) =>
    batch.map(({ section, within }) => ({ section, lex: vectorizer.section(within) }))
  const pageStartOf = ({ page, text }: DocumentPassage) => {
    const start = page === null ? undefined : pageStarts.get(page)
    return start === text ? undefined : start
  }
  const to = { aveeId: target.aveeId, layer: target.layer }
  let space = embedder?.space ?? null
  let vectorLength = 0
  let storedCount = 0

  async function toRows(first: number): Promise<NewPassage[]> {
    const batch = passages.slice(first, first + embeddingBatchSize)
    const vectors = embedder && space ? await embed(log, embedder, names.title, batch, signal) : undefined
    if (vectors && space) {
      vectorLength = vectors[0]?.length ?? 0
      embedded(first + batch.length)
    } else {
      // After a failure, every batch would probably time out; the embedding schedule completes the document later.
      space = null
    }
    return batch.map((passage, index) => ({
      ...passage,
      ...vectorizer.passage(passage.heading, passage.text, pageStartOf(passage)),
      section: sectionOf[first + index] ?? 0,
      embedding: vectors?.[index],
    }))
  }

  if (passages.length <= maxPassagesAtOnce) {
    const content = { pages, sections: toSections(sections), passages: await toRows(0) }
    stored(passages.length)
    return {
      embeddedBy: space,
      content,
      async publish(trx, previous) {
        if (previous !== undefined) await retireVersion(trx, previous)
        const version = await insertVersion(trx, target, 'live')
        await insertContent(trx, { ...to, version, space }, content)
        if (space) indexes.buildWhenLarge(space, vectorLength)
        return version
      },
    }
  }

  const version = await insertVersion(db, target, 'building')
  const insert = (content: NewContent) => insertContent(db, { ...to, version, space }, content)
  await inAdaptiveBatches(pages, (batch) => insert({ pages: batch }), signal)
  await inAdaptiveBatches(sections, (batch) => insert({ sections: toSections(batch) }), signal)
  for (let first = 0; first < passages.length; first += embeddingBatchSize) {
    await inAdaptiveBatches(
      await toRows(first),
      async (batch) => {
        await insert({ passages: batch })
        storedCount += batch.length
        stored(storedCount)
      },
      signal,
    )
  }
  if (space) indexes.buildWhenLarge(space, vectorLength)
  return {
    embeddedBy: space,
    async publish(trx, previous) {
      if (previous !== undefined) await retireVersion(trx, previous)
      await publishVersion(trx, version)
      return version
    },
  }
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
