import { sql } from 'kysely'
import { type Layer } from '../../../contract/layers.ts'
import { type Db, likePatterns, type Trx } from '../../db/index.ts'

/** Whose documents, and how far into them: part of every statement here. */
export type Scope = { aveeId: string; layers: Layer[] }

/** A passage as a search finds it. `id` is the row's; `score` means what the arm that found it says. */
export type FoundPassage = {
  id: string
  version: string
  documentId: string
  title: string
  filename: string | null
  layer: Layer
  n: number
  page: number | null
  start: number
  end: number
  heading: string | null
  text: string
  score: number
}

type FoundRow = {
  id: string
  version: string
  document_id: string
  title: string
  filename: string | null
  layer: Layer
  n: number
  page: number | null
  start_offset: number
  end_offset: number
  heading: string | null
  text: string
  score: number
}

/** Versions that are being built or taken away are in no search. Nearly always there are none. */
const seen = ({ aveeId }: Scope, table: 'passages' | 'passage_vectors') => sql<boolean>`
  ${sql.ref(`${table}.version`)} <> all (array(select id from document_versions where avee_id = ${aveeId} and state <> 'live'))`

const inLayers = ({ layers }: Scope, column: string) =>
  sql<boolean>`${sql.ref(column)} = any(${layers}::text[])`

const columns = sql`
  passages.id, passages.version, passages.document_id, documents.title, documents.filename, passages.layer, passages.n,
  passages.page, passages.start_offset, passages.end_offset, passages.heading, passages.text`

const found = (row: FoundRow): FoundPassage => ({
  id: row.id,
  version: row.version,
  documentId: row.document_id,
  title: row.title,
  filename: row.filename,
  layer: row.layer,
  n: row.n,
  page: row.page,
  start: row.start_offset,
  end: row.end_offset,
  heading: row.heading,
  text: row.text,
  score: Number(row.score),
})

/** How many passages there are in each language. */
export async function languagesIn(
  db: Db,
  scope: Scope,
): Promise<{ language: string | null; passages: number }[]> {
  const rows = await db
    .selectFrom('documents')
    .select(['language', (eb) => eb.fn.sum<string>('passages').as('passages')])
    .where('avee_id', '=', scope.aveeId)
    .where('layer', 'in', scope.layers)
    .groupBy('language')
    .execute()
  return rows.map(({ language, passages }) => ({ language, passages: Number(passages) }))
}

/** How many passages hold each of these words; a word that none holds is left out. */
export async function holdersOf(
  db: Db,
  scope: Scope,
  terms: number[],
): Promise<Map<number, { word: string; passages: number }>> {
  if (terms.length === 0) return new Map()
  const rows = await db
    .selectFrom('passage_terms')
    .select([
      'term',
      (eb) => eb.fn.min('word').as('word'),
      (eb) => eb.fn.sum<string>('passages').as('passages'),
    ])
    .where('avee_id', '=', scope.aveeId)
    .where(sql<boolean>`term = any(${terms}::int[])`)
    .where('layer', 'in', scope.layers)
    .groupBy('term')
    .execute()
  return new Map(rows.map(({ term, word, passages }) => [term, { word, passages: Number(passages) }]))
}

/** Words of about this length that begin with one of these letters, for the search of what was meant by a misspelt one. */
export async function wordsLike(
  db: Db,
  scope: Scope,
  like: { first: string[]; shortest: number; longest: number },
): Promise<{ term: number; word: string; passages: number }[]> {
  const rows = await db
    .selectFrom('passage_terms')
    .select([
      'term',
      (eb) => eb.fn.min('word').as('word'),
      (eb) => eb.fn.sum<string>('passages').as('passages'),
    ])
    .where('avee_id', '=', scope.aveeId)
    .where('layer', 'in', scope.layers)
    .where(sql<boolean>`left(word, 1) = any(${like.first}::text[])`)
    .where(sql<boolean>`length(word) between ${like.shortest} and ${like.longest}`)
    .groupBy('term')
    .execute()
  return rows.map(({ term, word, passages }) => ({ term, word, passages: Number(passages) }))
}

/** An avee with no more passages than this is looked through whole, which is then quicker than any index. */
const wholeUpTo = 3_000

/**
 * The best passages by words: those that hold one of `candidates` (the question's rare words), in the order of their
 * own BM25 score plus that of the section around them. `passages` is how many there are in the scope.
 */
export async function searchWords(
  trx: Trx,
  scope: Scope,
  question: { candidates: number[]; vector: string; passages: number; limit: number },
): Promise<FoundPassage[]> {
  const { candidates, vector, limit } = question
  const isFew = question.passages <= wholeUpTo
  // The hashes are the avee's own, so that their lists need no help from its index; what cannot use it does not try.
  const among = isFew
    ? sql`avee_id = ${scope.aveeId}`
    : sql`terms && ${candidates}::int[] and avee_id is not distinct from ${scope.aveeId}::uuid`
  const statement = sql<FoundRow>`
    with hit as materialized (
      select id, version, section, -(lex <#> ${vector}::sparsevec) as own
      from passages
      where ${among} and ${inLayers(scope, 'layer')} and ${seen(scope, 'passages')}
      order by lex <#> ${vector}::sparsevec
      limit ${limit}
    )
    select ${columns}, hit.own - coalesce(around.lex <#> ${vector}::sparsevec, 0) as score
    from hit
    join passages on passages.id = hit.id
    join documents on documents.version = hit.version
    left join document_sections as around on around.version = hit.version and around.section = hit.section
    where hit.own > 0
    order by score desc, passages.id
  `
  // The planner takes comparing arrays for cheap and would read the whole table.
  if (!isFew) await sql`set local enable_seqscan = off`.execute(trx)
  return (await statement.execute(trx)).rows.map(found)
}

/** The vectors of passages, in text form, by row id. */
export async function vectorsOf(db: Db, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; lex: string }>`
    select id, lex::text as lex from passages where id = any(${ids}::bigint[])
  `.execute(db)
  return new Map(rows.map(({ id, lex }) => [id, lex]))
}

/** The scores of these passages against another vector, by row id. */
export async function scoresOf(db: Db, ids: string[], vector: string): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; score: number }>`
    select id, -(lex <#> ${vector}::sparsevec) as score from passages where id = any(${ids}::bigint[])
  `.execute(db)
  return new Map(rows.map(({ id, score }) => [id, Number(score)]))
}

/** Passages of live versions by their number, in a scope: the neighbours of what was found. */
export async function passagesByNumber(
  db: Db,
  scope: Scope,
  wanted: { version: string; n: number }[],
): Promise<FoundPassage[]> {
  if (wanted.length === 0) return []
  const { rows } = await sql<FoundRow>`
    select ${columns}, 0 as score
    from unnest(${wanted.map(({ version }) => version)}::bigint[], ${wanted.map(({ n }) => n)}::int[]) as wanted (version, n)
    join passages on passages.version = wanted.version and passages.n = wanted.n
    join documents on documents.version = passages.version
    where passages.avee_id = ${scope.aveeId} and ${inLayers(scope, 'passages.layer')}
  `.execute(db)
  return rows.map(found)
}

/** Passages that hold a text as it stands, as an editor finds it. */
export async function searchLiteral(
  db: Db,
  scope: Scope,
  text: string,
  limit: number,
): Promise<FoundPassage[]> {
  const { rows } = await sql<FoundRow>`
    select ${columns}, 1 as score
    from passages
    join documents on documents.version = passages.version
    where passages.avee_id = ${scope.aveeId} and ${inLayers(scope, 'passages.layer')} and passages.text ilike any(${likePatterns(text)})
    order by documents.id desc, passages.n
    limit ${limit}
  `.execute(db)
  return rows.map(found)
}

export { columns as passageColumns, type FoundRow, found as foundPassage, inLayers, seen }
