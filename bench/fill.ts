import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { type Database, newId } from '../server/db/index.ts'
import { passageWithContext } from '../server/knowledge/chunking/passage.ts'
import { assignSections } from '../server/knowledge/ingest/sections.ts'
import { upsertDocument } from '../server/knowledge/store/documents.ts'
import { insertVectors } from '../server/knowledge/store/vectors.ts'
import { insertContent, insertVersion } from '../server/knowledge/store/versions.ts'
import type { Embedder } from '../server/models/index.ts'
import { bm25Vectorizer, stemmerFor } from '../server/search/index.ts'
import { syntheticDocument } from './synthetic.ts'

const passagesOfDocument = 250
/** The language of the stemmer. */
const language = 'eng'

/**
 * Stores synthetic documents with `passages` passages in total, faster than ingestion: in large batches, with the
 * document frequencies at the end. Returns the number of passages.
 */
export async function fill(
  database: Database,
  aveeId: string,
  options: { passages: number; embedder: Embedder | undefined; signal: AbortSignal },
): Promise<number> {
  const counts = new Map<number, { word: string; passages: number }>()
  let stored = 0
  for (let number = 1; stored < options.passages; number++) {
    const size = Math.min(passagesOfDocument, options.passages - stored)
    await database.transaction((trx) => insertDocument(trx, number, size))
    stored += size
  }
  await insertDocumentFrequencies()
  return stored

  async function insertDocument(
    trx: Parameters<Parameters<Database['transaction']>[0]>[0],
    number: number,
    size: number,
  ) {
    const { title, paragraphs } = syntheticDocument(number, size)
    const documentId = newId()
    const version = await insertVersion(trx, { aveeId, runId: newId(), file: 0 }, 'live')
    const text = paragraphs.join('\n\n')
    const vectorizer = bm25Vectorizer(aveeId, { title, filename: null }, await stemmerFor(language))
    const passages = paragraphs.map((text) => ({ page: null, heading: null, text }))
    const sections = assignSections(passages)
    const bySection = [...Map.groupBy(passages, (_, i) => sections[i] ?? 0)]
    const content = {
      pages: [{ page: 1, text }],
      sections: bySection.map(([section, some]) => ({ section, lex: vectorizer.section(some) })),
    }
    await insertContent(trx, { aveeId, version, layer: 'public', space: null }, content)
    let start = 0
    const rows = passages.map(({ text, heading }, i) => {
      const { terms, vector } = vectorizer.passage(heading, text)
      for (const [term, word] of terms)
        counts.set(term, { word, passages: (counts.get(term)?.passages ?? 0) + 1 })
      const from = start
      start += text.length + 2
      return {
        version,
        avee_id: aveeId,
        layer: 'public' as const,
        n: i + 1,
        page: null,
        section: sections[i] ?? 0,
        start_offset: from,
        end_offset: from + text.length,
        heading,
        text,
        terms: [...terms.keys()],
        lex: vector,
      }
    })
    const ids = await trx.insertInto('passages').values(rows).returning('id').execute()
    const vectors = await options.embedder?.embed(
      passages.map((passage) => passageWithContext({ title, ...passage })),
      'passage',
      options.signal,
    )
    if (options.embedder && vectors)
      await insertVectors(
        trx,
        options.embedder.space,
        ids.flatMap(({ id }, i) => {
          const vector = vectors[i]
          return vector ? [{ passageId: id, vector }] : []
        }),
      )
    await upsertDocument(trx, {
      id: documentId,
      avee_id: aveeId,
      version,
      layer: 'public',
      title,
      filename: null,
      type: 'txt',
      source: 'text',
      source_url: null,
      sha256: createHash('sha256').update(documentId).digest('hex'),
      pages: 1,
      passages: size,
      language,
      embedded_by: options.embedder?.space ?? null,
      bytes: Buffer.byteLength(text),
    })
  }

  async function insertDocumentFrequencies(): Promise<void> {
    const all = [...counts]
    await sql`
      insert into passage_terms (avee_id, layer, term, word, passages)
      select ${aveeId}::uuid, 'public', added.term, added.word, added.passages
      from unnest(
        ${all.map(([term]) => term)}::int[],
        ${all.map(([, { word }]) => word)}::text[],
        ${all.map(([, { passages }]) => passages)}::int[]
      ) as added (term, word, passages)
      on conflict (avee_id, term, layer) do update set passages = passage_terms.passages + excluded.passages
    `.execute(database.db)
  }
}
