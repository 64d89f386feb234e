import { type Insertable, type RawBuilder, sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import type { Db, Tables, Trx } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import type { DocumentPassage } from '../chunking/passage.ts'
import type { PageWord } from '../parsers/index.ts'

/** Kind of the jobs that build versions without a run; the key is the document's id. */
export const reindexJobKind = 'knowledge.reindex'

/**
 * The versions of a document:
 *
 *     building ──(publish)──▶ live ──(replaced, deleted)──▶ retired ──(rows, in batches)──▶ purged
 *        └───────────(stopped, failed, crashed)────────────────┘
 *
 * Only live versions are visible. Document frequencies are updated when passages are inserted and when they are purged.
 */
export type NewVersion = {
  aveeId: string
  /** The run that builds the version; for a reindexing job, the id of its document. */
  runId: string
  /** The index of the file in the run. */
  file: number
}

/** Inserts a version that a run builds, or a live one if it is written in one transaction. Returns its id. */
export async function insertVersion(
  db: Db,
  { aveeId, runId, file }: NewVersion,
  state: 'building' | 'live',
): Promise<string> {
  const { id } = await db
    .insertInto('document_versions')
    .values({ avee_id: aveeId, state, run_id: state === 'live' ? null : runId, file })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Retires the unpublished versions of a run (or reindexing job), or of one of its files. */
export async function retireUnpublished(db: Db, runId: string, file?: number): Promise<void> {
  await db
    .updateTable('document_versions')
    .set({ state: 'retired' })
    .where('run_id', '=', runId)
    .where('state', '=', 'building')
    .$if(file !== undefined, (from) => from.where('file', '=', file ?? 0))
    .execute()
}

/** Makes a version live. */
export async function publishVersion(trx: Trx, version: string): Promise<void> {
  const live = { state: 'live', run_id: null } as const
  await trx.updateTable('document_versions').set(live).where('id', '=', version).execute()
}

export async function retireVersion(db: Db, version: string): Promise<void> {
  await db.updateTable('document_versions').set({ state: 'retired' }).where('id', '=', version).execute()
}

type NewPage = { page: number; text: string; words?: PageWord[] | null }
type NewSection = { section: number; lex: string }
export type NewPassage = DocumentPassage & {
  section: number
  terms: Map<number, string>
  /** In pgvector's text form. */
  vector: string
  embedding: Float32Array | undefined
}

/** New rows of a version. */
export type NewContent = { pages?: NewPage[]; sections?: NewSection[]; passages?: NewPassage[] }

/** The avee and layer of a document, and the space of its vectors. */
export type ContentTarget = { aveeId: string; layer: Layer; space: string | null }

/** Adds content to a version of a document of the avee, in one statement. */
export async function insertContent(
  db: Db,
  { version, ...to }: ContentTarget & { version: string },
  content: NewContent,
): Promise<void> {
  await sql`
    with versions (version, i) as (select ${version}::bigint, 0), ${contentInsertion([{ i: 0, ...to, content }])}
  `.execute(db)
}

export type NewDocument = Omit<Insertable<Tables['documents']>, 'version'> & { id: string; layer: Layer }

/** A new document of a file of a run, with its content. */
export type AddedDocument = {
  runId: string
  file: number
  document: NewDocument
  space: string | null
  content: NewContent
}

/**
 * Inserts documents of files of runs with their live versions and contents, and ends the protection of their originals,
 * in one statement.
 */
export async function insertDocuments(trx: Trx, added: AddedDocument[]): Promise<void> {
  const documents = added.map(({ document }, i) => ({ i, ...document }))
  const contents = added.map(({ document, space, content }, i) => ({
    i,
    aveeId: document.avee_id,
    layer: document.layer,
    space,
    content,
  }))
  await sql`
    with versions as (
      insert into document_versions (avee_id, state, file)
      select avee_id, 'live', i
      from unnest(${documents.map(({ avee_id }) => avee_id)}::uuid[], ${columnOf(documents, ({ i }) => i)}::int[])
        as added (avee_id, i)
      returning id as version, file as i
    ), added_documents as (
      insert into documents (id, avee_id, version, layer, title, filename, type, source, source_url, sha256, bytes, pages,
        passages, language, embedded_by)
      select id, avee_id, version, layer, title, filename, type, source, source_url, sha256, bytes, pages,
        passages, language, embedded_by
      from unnest(
        ${columnOf(documents, ({ i }) => i)}::int[],
        ${columnOf(documents, ({ id }) => id)}::uuid[],
        ${columnOf(documents, ({ avee_id }) => avee_id)}::uuid[],
        ${columnOf(documents, ({ layer }) => layer)}::text[],
        ${columnOf(documents, ({ title }) => title)}::text[],
        ${columnOf(documents, ({ filename }) => filename)}::text[],
        ${columnOf(documents, ({ type }) => type)}::text[],
        ${columnOf(documents, ({ source }) => source)}::text[],
        ${columnOf(documents, ({ source_url }) => source_url)}::text[],
        ${columnOf(documents, ({ sha256 }) => sha256)}::text[],
        ${columnOf(documents, ({ bytes }) => bytes)}::bigint[],
        ${columnOf(documents, ({ pages }) => pages)}::int[],
        ${columnOf(documents, ({ passages }) => passages)}::int[],
        ${columnOf(documents, ({ language }) => language)}::text[],
        ${columnOf(documents, ({ embedded_by }) => embedded_by)}::text[]
      ) as added (i, id, avee_id, layer, title, filename, type, source, source_url, sha256, bytes, pages, passages,
        language, embedded_by)
      join versions using (i)
    ), unpinned as (
      delete from ingest_files
      using unnest(
        ${added.map(({ runId }) => runId)}::uuid[],
        ${columnOf(added, ({ file }) => file)}::int[]
      ) as added (run_id, file)
      where ingest_files.run_id = added.run_id and ingest_files.file = added.file
    ), ${contentInsertion(contents)}
  `.execute(trx)
}

/**
 * The end of a statement that inserts pages, sections and passages, with the document frequencies of the passages and
 * their vectors. Its common table expression `versions` has the id of each version.
 */
function contentInsertion(
  added: (ContentTarget & { i: number; content: NewContent })[],
): RawBuilder<unknown> {
  const rowsOf = <Item>(items: (content: NewContent) => Item[] | undefined) =>
    added.flatMap(({ content, ...to }) => (items(content) ?? []).map((item) => ({ ...to, ...item })))
  const pages = rowsOf((content) => content.pages)
  const sections = rowsOf((content) => content.sections)
  const passages = rowsOf((content) => content.passages)
  const counts = countTerms(passages)
  const embedded = passages.filter(({ space, embedding }) => space !== null && embedding !== undefined)
  return sql`
    added_pages as (
      insert into document_pages (version, page, text, words)
      select version, page, text, words::jsonb
      from unnest(
        ${columnOf(pages, ({ i }) => i)}::int[],
        ${columnOf(pages, ({ page }) => page)}::int[],
        ${columnOf(pages, ({ text }) => text)}::text[],
        ${columnOf(pages, ({ words }) => (words ? JSON.stringify(words) : null))}::text[]
      ) as added (i, page, text, words)
      join versions using (i)
    ), added_sections as (
      insert into document_sections (version, section, lex)
      select version, section, lex::sparsevec
      from unnest(
        ${columnOf(sections, ({ i }) => i)}::int[],
        ${columnOf(sections, ({ section }) => section)}::int[],
        ${columnOf(sections, ({ lex }) => lex)}::text[]
      ) as added (i, section, lex)
      join versions using (i)
    ), added_terms as (
      insert into passage_terms (avee_id, layer, term, word, passages)
      select avee_id, layer, term, word, passages
      from unnest(
        ${columnOf(counts, ({ aveeId }) => aveeId)}::uuid[],
        ${columnOf(counts, ({ layer }) => layer)}::text[],
        ${columnOf(counts, ({ term }) => term)}::int[],
        ${columnOf(counts, ({ word }) => word)}::text[],
        ${columnOf(counts, ({ passages }) => passages)}::int[]
      ) as added (avee_id, layer, term, word, passages)
      on conflict (avee_id, term, layer) do update set passages = passage_terms.passages + excluded.passages
    ), added_passages as (
      insert into passages
        (version, avee_id, layer, n, page, section, start_offset, end_offset, heading, text, terms, lex)
      select version, avee_id, layer, n, page, section, start_offset, end_offset, heading, text,
        terms::int[], lex::sparsevec
      from unnest(
        ${columnOf(passages, ({ i }) => i)}::int[],
        ${columnOf(passages, ({ aveeId }) => aveeId)}::uuid[],
        ${columnOf(passages, ({ layer }) => layer)}::text[],
        ${columnOf(passages, ({ n }) => n)}::int[],
        ${columnOf(passages, ({ page }) => page)}::int[],
        ${columnOf(passages, ({ section }) => section)}::int[],
        ${columnOf(passages, ({ start }) => start)}::int[],
        ${columnOf(passages, ({ end }) => end)}::int[],
        ${columnOf(passages, ({ heading }) => heading)}::text[],
        ${columnOf(passages, ({ text }) => text)}::text[],
        ${columnOf(passages, ({ terms }) => `{${[...terms.keys()].join(',')}}`)}::text[],
        ${columnOf(passages, ({ vector }) => vector)}::text[]
      ) as added (i, avee_id, layer, n, page, section, start_offset, end_offset, heading, text, terms, lex)
      join versions using (i)
      returning id, version, avee_id, n
    )
    insert into passage_vectors (passage_id, version, avee_id, model, embedding)
    select added_passages.id, version, avee_id, added.space, added.embedding::vector
    from unnest(
      ${columnOf(embedded, ({ i }) => i)}::int[],
      ${columnOf(embedded, ({ space }) => space)}::text[],
      ${columnOf(embedded, ({ n }) => n)}::int[],
      ${columnOf(embedded, ({ embedding = new Float32Array() }) => vectorLiteral(embedding))}::text[]
    ) as added (i, space, n, embedding)
    join versions using (i)
    join added_passages using (version, n)`
}

/** The values of a column of rows to insert, as a parameter. */
function columnOf<Item, Value>(items: Item[], value: (item: Item) => Value): RawBuilder<unknown> {
  const values = items.map(value)
  // The driver takes much longer for an array of numbers than for a text.
  return sql`${values.every((each) => typeof each === 'number') ? `{${values.join(',')}}` : values}`
}

/**
 * Counts the passages with each term by avee and layer, in the order of the primary key, so that concurrent writers cannot
 * deadlock.
 */
function countTerms(passages: (NewPassage & ContentTarget)[]) {
  const targets = Map.groupBy(passages, ({ aveeId, layer }) => `${aveeId} ${layer}`)
  const counts = [...targets.values()].flatMap((within) => {
    const byTerm = new Map<
      number,
      { aveeId: string; layer: Layer; term: number; word: string; passages: number }
    >()
    for (const { aveeId, layer, terms } of within)
      for (const [term, word] of terms) {
        const count = byTerm.get(term)
        if (count) count.passages += 1
        else byTerm.set(term, { aveeId, layer, term, word, passages: 1 })
      }
    return [...byTerm.values()]
  })
  return counts.sort(
    (a, b) =>
      (a.aveeId === b.aveeId ? 0 : a.aveeId < b.aveeId ? -1 : 1) ||
      a.term - b.term ||
      (a.layer < b.layer ? -1 : 1),
  )
}

/** Finds a retired version, or one that is building although its run or job no longer runs. */
export async function findPurgeableVersion(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from document_versions as version
    where state = 'retired' or (
      state = 'building'
      and not exists (select from runs where runs.id = version.run_id and status = 'running')
      and not exists (
        select from jobs where kind = ${reindexJobKind} and state = 'running' and key = version.run_id::text))
    order by id limit 1
  `.execute(db)
  return rows[0]?.id
}

/**
 * Deletes up to `limit` passages of a retired version and updates the document frequencies. Returns false if none are
 * left for this caller; the version is then deleted, unless another transaction has locked its last passages.
 */
export async function purgePassages(trx: Trx, version: string, limit: number): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('passages')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('passages')
        .select('passages.id')
        .where('version', '=', version)
        .orderBy('n')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returning(['avee_id', 'layer', 'terms'])
    .execute()
  const [first] = deleted
  if (!first) {
    await sql`
      delete from document_versions
      where id = ${version} and not exists (select from passages where version = ${version})`.execute(trx)
    return false
  }
  const counts = new Map<number, number>()
  for (const { terms } of deleted) for (const hash of terms) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  await moveDocumentFrequencies(trx, { aveeId: first.avee_id, from: first.layer, to: null }, counts)
  return true
}

/** Moves a document to another layer, with the document frequencies of its terms. */
export async function changeLayer(
  trx: Trx,
  document: { id: string; aveeId: string; version: string; from: Layer; to: Layer },
): Promise<void> {
  const moved = { layer: document.to, updated_at: new Date() }
  await trx.updateTable('documents').set(moved).where('id', '=', document.id).execute()
  await movePassages(trx, document)
}

/**
 * The layer of a passage in the index. Documents in the trash have a separate one, so that no search finds or counts
 * them.
 */
type IndexedLayer = Layer | 'trash'

/** Moves the passages of a version to another layer, with the document frequencies of their terms. */
export async function movePassages(
  trx: Trx,
  { version, aveeId, from, to }: { version: string; aveeId: string; from: IndexedLayer; to: IndexedLayer },
): Promise<void> {
  await sql`update passages set layer = ${to} where version = ${version}`.execute(trx)
  const { rows } = await sql<{ term: number; passages: number }>`
    select term, count(*)::int as passages from passages, unnest(terms) as term where version = ${version} group by term
  `.execute(trx)
  await moveDocumentFrequencies(
    trx,
    { aveeId, from, to },
    new Map(rows.map(({ term, passages }) => [term, passages])),
  )
}

/** Moves document frequencies between layers, by hash; with `to` null it only subtracts them. */
async function moveDocumentFrequencies(
  trx: Trx,
  { aveeId, from, to }: { aveeId: string; from: IndexedLayer; to: IndexedLayer | null },
  counts: Map<number, number>,
): Promise<void> {
  const sorted = [...counts].sort(([a], [b]) => a - b)
  const terms = sorted.map(([term]) => term)
  const passages = sorted.map(([, count]) => count)
  // In the same order as contentInsertion.
  await sql`
    select 1 from passage_terms where avee_id = ${aveeId} and term = any(${terms}::int[])
    order by term, layer for update
  `.execute(trx)
  if (to !== null) {
    await sql`
      insert into passage_terms (avee_id, layer, term, word, passages)
      select avee_id, ${to}, moved.term, known.word, moved.passages
      from unnest(${terms}::int[], ${passages}::int[]) as moved (term, passages)
      join passage_terms as known on known.avee_id = ${aveeId} and known.term = moved.term and known.layer = ${from}
      order by moved.term
      on conflict (avee_id, term, layer) do update set passages = passage_terms.passages + excluded.passages
    `.execute(trx)
  }
  await sql`
    update passage_terms set passages = passage_terms.passages - moved.passages
    from unnest(${terms}::int[], ${passages}::int[]) as moved (term, passages)
    where avee_id = ${aveeId} and layer = ${from} and passage_terms.term = moved.term
  `.execute(trx)
  await sql`
    delete from passage_terms
    where avee_id = ${aveeId} and layer = ${from} and term = any(${terms}::int[]) and passages <= 0
  `.execute(trx)
}

export const listPages = (db: Db, version: string): Promise<{ page: number; text: string }[]> =>
  db
    .selectFrom('document_pages')
    .select(['page', 'text'])
    .where('version', '=', version)
    .orderBy('page')
    .execute()

/** Returns a page with the passage that begins closest to an offset; undefined if there is no such page. */
export const findPage = (db: Db, version: string, page: number, offset: number) =>
  passagesOf(db, version)
    .clearOrderBy()
    .innerJoin('document_pages', 'document_pages.version', 'passages.version')
    .select('document_pages.text as pageText')
    .where('document_pages.page', '=', page)
    .where(sql<boolean>`coalesce(passages.page, document_pages.page) = document_pages.page`)
    .orderBy(sql`abs(start_offset - ${offset})`)
    .executeTakeFirst()

/** Returns the recognized words of a page; null if its text was not recognized, undefined if there is no such page. */
export async function findPageWords(db: Db, version: string, page: number) {
  const row = await db
    .selectFrom('document_pages')
    .select('words')
    .where('version', '=', version)
    .where('page', '=', page)
    .executeTakeFirst()
  return row?.words
}

/** About half a page: of MMLongBench-Doc's pages with the answer in a figure, 3 of 5 have less, 1 has less than 1,000. */
const maxPoorCharacters = 2_000

/** A page to send to models as an image; `isRecognized` if its text was recognized (OCR). */
export type PageForImage = { documentId: string; page: number; sha256: string; isRecognized: boolean }

/** Lists the given pages of PDFs whose text was recognized or is short. */
export async function listPagesForImages(
  db: Db,
  pages: { documentId: string; page: number }[],
  layers: Layer[],
): Promise<PageForImage[]> {
  if (pages.length === 0) return []
  return await db
    .selectFrom('documents')
    .innerJoin('document_pages', 'document_pages.version', 'documents.version')
    .select(['documents.id as documentId', 'document_pages.page', 'sha256'])
    .select(sql<boolean>`words is not null`.as('isRecognized'))
    .where(
      sql<boolean>`(documents.id, document_pages.page) in (
        select * from unnest(${pages.map((each) => each.documentId)}::uuid[], ${pages.map((each) => each.page)}::int[])
      )`,
    )
    .where('documents.layer', 'in', layers)
    .where('type', '=', 'pdf')
    .where(sql<boolean>`words is not null or length(document_pages.text) < ${maxPoorCharacters}`)
    .execute()
}

/** Lists the pages with their recognized words. */
export const listPagesWithWords = (db: Db, version: string) =>
  db
    .selectFrom('document_pages')
    .select(['page', 'text', 'words'])
    .where('version', '=', version)
    .orderBy('page')
    .execute()

const passagesOf = (db: Db, version: string) =>
  db
    .selectFrom('passages')
    .select(['n', 'passages.page', 'start_offset as start', 'end_offset as end', 'heading', 'passages.text'])
    .where('passages.version', '=', version)
    .orderBy('n')

/** Lists a passage and its neighbours, by number. */
export const listNeighbours = (db: Db, version: string, n: number) =>
  passagesOf(db, version)
    .where('n', 'in', [n - 1, n, n + 1])
    .execute()

/** Lists all passages of a version, in order. */
export const listPassages = (db: Db, version: string) => passagesOf(db, version).execute()

/** Points a document to another version with the same content. */
export async function switchVersion(
  trx: Trx,
  documentId: string,
  version: string,
  embeddedBy: string | null,
): Promise<void> {
  const switched = { version, embedded_by: embeddedBy }
  await trx.updateTable('documents').set(switched).where('id', '=', documentId).execute()
}
