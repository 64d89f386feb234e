import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import type { Db, Trx } from '../../db/index.ts'

/**
 * The versions of a document:
 *
 *   building ──(publish)──▶ live ──(replaced, removed)──▶ retired ──(its rows, batch by batch)──▶ gone
 *       └──────────(stopped, failed, crashed)───────────────┘
 *
 * Only live versions are seen. Words are counted when passages come and when they go.
 */
export type NewVersion = { aveeId: string; runId: string; file: number }

export async function insertVersion(db: Db | Trx, version: NewVersion): Promise<string> {
  const { id } = await db
    .insertInto('document_versions')
    .values({
      avee_id: version.aveeId,
      state: 'building',
      run_id: version.runId,
      file: version.file,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** What a run was building when it was interrupted or stopped: never to be seen. */
export async function retireUnpublished(db: Db | Trx, runId: string, file?: number): Promise<void> {
  await db
    .updateTable('document_versions')
    .set({ state: 'retired' })
    .where('run_id', '=', runId)
    .where('state', '=', 'building')
    .$if(file !== undefined, (from) => from.where('file', '=', file ?? 0))
    .execute()
}

/** Turns a version live; the one before it, if any, retires in the same moment. */
export async function publishVersion(trx: Trx, version: string, before?: string): Promise<void> {
  if (before !== undefined) await retireVersion(trx, before)
  await trx
    .updateTable('document_versions')
    .set({ state: 'live', run_id: null })
    .where('id', '=', version)
    .execute()
}

async function retireVersion(db: Db | Trx, version: string): Promise<void> {
  await db.updateTable('document_versions').set({ state: 'retired' }).where('id', '=', version).execute()
}

export async function insertPages(
  db: Db | Trx,
  version: string,
  pages: { page: number; text: string }[],
): Promise<void> {
  if (pages.length === 0) return
  await db
    .insertInto('document_pages')
    .values(pages.map(({ page, text }) => ({ version, page, text })))
    .execute()
}

export async function insertSections(
  db: Db | Trx,
  version: string,
  sections: { section: number; lex: string }[],
): Promise<void> {
  if (sections.length === 0) return
  await db
    .insertInto('document_sections')
    .values(sections.map(({ section, lex }) => ({ version, section, lex })))
    .execute()
}

export type NewPassage = {
  n: number
  page: number | null
  section: number
  start: number
  end: number
  heading: string | null
  text: string
  terms: Map<number, string>
  vector: string
}

/** Adds passages to a version and counts their words, in the caller's transaction. Returns the rows' ids by number. */
export async function insertPassages(
  trx: Trx,
  to: { version: string; aveeId: string; layer: Layer },
  passages: NewPassage[],
): Promise<Map<number, string>> {
  if (passages.length === 0) return new Map()
  const rows = await trx
    .insertInto('passages')
    .values(
      passages.map((passage) => ({
        version: to.version,
        avee_id: to.aveeId,
        layer: to.layer,
        n: passage.n,
        page: passage.page,
        section: passage.section,
        start_offset: passage.start,
        end_offset: passage.end,
        heading: passage.heading,
        text: passage.text,
        terms: [...passage.terms.keys()],
        lex: passage.vector,
      })),
    )
    .returning(['id', 'n'])
    .execute()
  await incrementDocumentFrequencies(
    trx,
    to,
    passages.map((passage) => passage.terms),
  )
  return new Map(rows.map(({ id, n }) => [n, id]))
}

/** Adds to the counts in the order of the hashes: two writers that take the same rows take them in the same order. */
async function incrementDocumentFrequencies(
  trx: Trx,
  of: { aveeId: string; layer: Layer },
  words: Map<number, string>[],
): Promise<void> {
  const counts = new Map<number, { word: string; passages: number }>()
  for (const each of words) {
    for (const [term, word] of each) {
      const count = counts.get(term)
      if (count) count.passages += 1
      else counts.set(term, { word, passages: 1 })
    }
  }
  const sorted = [...counts].sort(([a], [b]) => a - b)
  await sql`
    insert into passage_terms (avee_id, layer, term, word, passages)
    select ${of.aveeId}::uuid, ${of.layer}, added.term, added.word, added.passages
    from unnest(
      ${sorted.map(([term]) => term)}::int[],
      ${sorted.map(([, { word }]) => word)}::text[],
      ${sorted.map(([, { passages }]) => passages)}::int[]
    ) as added (term, word, passages)
    on conflict (avee_id, term, layer) do update set passages = passage_terms.passages + excluded.passages
  `.execute(trx)
}

/** A version that is no longer seen and still has rows; undefined when all are gone. Building ones of no running run count too. */
export async function findPurgeableVersion(db: Db): Promise<string | undefined> {
  const found = await db
    .selectFrom('document_versions')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('state', '=', 'retired'),
        eb.and([
          eb('state', '=', 'building'),
          eb.not(
            eb.exists(
              eb
                .selectFrom('runs')
                .select('runs.id')
                .whereRef('runs.id', '=', 'document_versions.run_id')
                .where('runs.status', '=', 'running'),
            ),
          ),
        ]),
      ]),
    )
    .orderBy('id')
    .executeTakeFirst()
  return found?.id
}

/**
 * Deletes up to `limit` passages of a retired version and takes their words off the counts, in one transaction.
 * False when there was none left and the version itself is gone.
 */
export async function purgePassages(trx: Trx, version: string, limit: number): Promise<boolean> {
  const gone = await trx
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
  const [first] = gone
  if (!first) {
    const left = await trx
      .selectFrom('passages')
      .select('id')
      .where('version', '=', version)
      .limit(1)
      .executeTakeFirst()
    // Somebody else is at the rest.
    if (left) return false
    await trx.deleteFrom('document_versions').where('id', '=', version).execute()
    return false
  }
  const counts = new Map<number, number>()
  for (const { terms } of gone) for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  await moveDocumentFrequencies(trx, { aveeId: first.avee_id, from: first.layer, to: null }, counts)
  return true
}

/** Gives all passages of a document another layer, with their vectors and the counts of their words. */
export async function changeLayer(
  trx: Trx,
  document: { id: string; aveeId: string; version: string; from: Layer; to: Layer },
): Promise<void> {
  const { version, from, to, aveeId } = document
  await trx
    .updateTable('documents')
    .set({ layer: to, updated_at: new Date() })
    .where('id', '=', document.id)
    .execute()
  await trx.updateTable('passages').set({ layer: to }).where('version', '=', version).execute()
  await trx.updateTable('passage_vectors').set({ layer: to }).where('version', '=', version).execute()
  const { rows } = await sql<{ term: number; passages: string }>`
    select term, count(*) as passages from passages, unnest(terms) as term where version = ${version} group by term
  `.execute(trx)
  await moveDocumentFrequencies(
    trx,
    { aveeId, from, to },
    new Map(rows.map(({ term, passages }) => [term, Number(passages)])),
  )
}

async function moveDocumentFrequencies(
  trx: Trx,
  where: { aveeId: string; from: Layer; to: Layer | null },
  counts: Map<number, number>,
): Promise<void> {
  const sorted = [...counts].sort(([a], [b]) => a - b)
  const terms = sorted.map(([term]) => term)
  const passages = sorted.map(([, count]) => count)
  // In the order of the hashes, like those who count up.
  await sql`
    select 1 from passage_terms where avee_id = ${where.aveeId} and term = any(${terms}::int[])
    order by term, layer for update
  `.execute(trx)
  if (where.to !== null) {
    await sql`
      insert into passage_terms (avee_id, layer, term, word, passages)
      select avee_id, ${where.to}, moved.term, known.word, moved.passages
      from unnest(${terms}::int[], ${passages}::int[]) as moved (term, passages)
      join passage_terms as known on known.avee_id = ${where.aveeId} and known.term = moved.term and known.layer = ${where.from}
      order by moved.term
      on conflict (avee_id, term, layer) do update set passages = passage_terms.passages + excluded.passages
    `.execute(trx)
  }
  await sql`
    update passage_terms set passages = passage_terms.passages - moved.passages
    from unnest(${terms}::int[], ${passages}::int[]) as moved (term, passages)
    where avee_id = ${where.aveeId} and layer = ${where.from} and passage_terms.term = moved.term
  `.execute(trx)
  await sql`
    delete from passage_terms
    where avee_id = ${where.aveeId} and layer = ${where.from} and term = any(${terms}::int[]) and passages <= 0
  `.execute(trx)
}

export async function listPages(db: Db, version: string): Promise<{ page: number; text: string }[]> {
  return await db
    .selectFrom('document_pages')
    .select(['page', 'text'])
    .where('version', '=', version)
    .orderBy('page')
    .execute()
}

/** One passage and its neighbours, by number. */
export async function listNeighbours(db: Db, version: string, n: number) {
  return await db
    .selectFrom('passages')
    .select(['n', 'page', 'start_offset', 'end_offset', 'heading', 'text'])
    .where('version', '=', version)
    .where('n', '>=', n - 1)
    .where('n', '<=', n + 1)
    .orderBy('n')
    .execute()
}

/** All passages of a version, as they were cut. */
export async function listPassages(db: Db, version: string) {
  const rows = await db
    .selectFrom('passages')
    .select(['n', 'page', 'start_offset', 'end_offset', 'heading', 'text'])
    .where('version', '=', version)
    .orderBy('n')
    .execute()
  return rows.map(({ n, page, start_offset, end_offset, heading, text }) => ({
    n,
    page,
    start: start_offset,
    end: end_offset,
    heading,
    text,
  }))
}

/** Shows another version of a document that says the same. */
export async function switchVersion(
  trx: Trx,
  documentId: string,
  version: string,
  embeddedBy: string | null,
): Promise<void> {
  await trx
    .updateTable('documents')
    .set({ version, embedded_by: embeddedBy })
    .where('id', '=', documentId)
    .execute()
}
