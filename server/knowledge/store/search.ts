import { sql } from 'kysely'
import type { Layer } from '../../../contract/layers.ts'
import { type Database, type Db, likePatterns } from '../../db/index.ts'
import type { TermWeights } from '../../search/index.ts'

/** Documents of a type (pdf, docx …) that were added within a period; `to` is exclusive. */
export type DocumentFilter = {
  type?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
}

/** The avee and the layers of its documents that a statement may return. */
export type Scope = { aveeId: string; layers: Layer[]; filter?: DocumentFilter | undefined }

/** A search result. `id` is the row's; the meaning of `score` depends on the statement. */
export type RankedPassage = {
  id: string
  version: string
  aveeId: string
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
  /** The language of the document. */
  language: string | null
  score: number
  /** When the document was added. */
  createdAt: Date
}

/** Excludes versions that are being built or purged. There are rarely any. */
const isLive = ({ aveeId }: Scope) => sql<boolean>`
  passages.version <> all (array(select id from document_versions where avee_id = ${aveeId} and state <> 'live'))`

export const inLayers = ({ layers }: Scope, column: string) =>
  sql<boolean>`${sql.ref(column)} = any(${layers}::text[])`

/** Matches rows of the documents that the filter of a scope selects. */
export const isSelected = ({ aveeId, filter }: Scope, version: string) =>
  filter === undefined
    ? sql<boolean>`true`
    : sql<boolean>`${sql.ref(version)} in (
        select version from documents where avee_id = ${aveeId}
          and (${filter.type ?? null}::text is null or type = ${filter.type ?? null})
          and created_at >= coalesce(${filter.from ?? null}::timestamptz, '-infinity')
          and created_at < coalesce(${filter.to ?? null}::timestamptz, 'infinity'))`

/** The columns of `RankedPassage` except `score`. */
export const passageColumns = sql`
  passages.id, passages.version, passages.avee_id as "aveeId", documents.id as "documentId", documents.title, documents.filename, passages.layer, passages.n,
  passages.page, passages.start_offset as start, passages.end_offset as end, passages.heading, passages.text, documents.language,
  documents.created_at as "createdAt"`

/** Statistics of the documents of one language in the scope of a search. */
export type LibraryCounts = {
  language: string | null
  documents: number
  passages: number
  /** Identifies the versions of the documents. */
  checksum: string
  /** The vector spaces of the documents. */
  spaces: string[]
  /** Estimates of the number of the avee's vectors, and of all; the latter is -1 before the first analyze. */
  own_vectors: number
  all_vectors: number
  /** Identifies the documents of the avee that have vectors. */
  embedded_checksum: string | null
}

export const countPassagesByLanguage = (db: Db, { aveeId, layers }: Scope) =>
  db
    .selectFrom('documents')
    .select([
      'language',
      sql<number>`count(*)::int`.as('documents'),
      sql<number>`sum(passages)::int`.as('passages'),
      sql<string>`bit_xor(hashint8extended(version, 0))::text`.as('checksum'),
      sql<
        string[]
      >`coalesce(array_agg(distinct embedded_by) filter (where embedded_by is not null), '{}')`.as('spaces'),
      sql<number>`(select sum(passages)::int from documents where avee_id = ${aveeId})`.as('own_vectors'),
      sql<number>`(select reltuples from pg_class where oid = 'passage_vectors'::regclass)`.as('all_vectors'),
      sql<string | null>`(
        select bit_xor(hashint8(version) # hashtext(embedded_by))::text from documents where avee_id = ${aveeId})`.as(
        'embedded_checksum',
      ),
    ])
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
    .groupBy('language')

/** Counts the passages that contain each term, by hash. Omits terms without passages. */
export async function documentFrequencies(db: Db, scope: Scope, hashes: number[]) {
  const rows = await termsInScope(db, scope).where(sql<boolean>`term = any(${hashes}::int[])`).execute()
  return new Map(rows.map(({ term, stem, passages }) => [term, { stem, passages: Number(passages) }]))
}

/**
 * Finds indexed terms of similar length that begin with one of the given letters, and those of at least `minPartLength`
 * letters that contain the stem or are a part of it.
 */
export async function findSimilarTerms(
  db: Db,
  scope: Scope,
  wanted: {
    stem: string
    firstLetters: string[]
    minLength: number
    maxLength: number
    minPartLength: number
  },
) {
  const { stem, firstLetters, minLength, maxLength, minPartLength } = wanted
  const rows = await termsInScope(db, scope)
    .where(
      sql<boolean>`(left(word, 1) = any(${firstLetters}::text[]) and length(word) between ${minLength} and ${maxLength})
        or (length(word) >= ${minPartLength} and strpos(${stem}, word) > 0)
        or (length(${stem}) >= ${minPartLength} and strpos(word, ${stem}) > 0)`,
    )
    .execute()
  return rows.map(({ term, stem, passages }) => ({ hash: term, stem, passages: Number(passages) }))
}

const termsInScope = (db: Db, { aveeId, layers }: Scope) =>
  db
    .selectFrom('passage_terms')
    .select([
      'term',
      (eb) => eb.fn.min('word').as('stem'),
      (eb) => eb.fn.sum<string>('passages').as('passages'),
    ])
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
    .groupBy('term')

/** Up to this number of passages a scan of the avee is faster than the index (bench/search.ts). */
export const maxScannedPassages = 3_000

/**
 * Finds the passages with one of the `candidates` (hashes of the query's rare terms), ordered by their BM25 score plus
 * that of their section. `ids` restricts the search to these passages. `passages` is the number of passages in the
 * scope.
 */
export async function searchLexical(
  database: Pick<Database, 'kind' | 'db' | 'transaction'>,
  scope: Scope,
  query: {
    candidates: number[]
    ids?: string[]
    vector: string
    passages: number
    limit: number
    vectors: number
  },
): Promise<(RankedPassage & { lex: string | null })[]> {
  const { candidates, vector, limit } = query
  const scansAll = query.passages <= maxScannedPassages
  // Hashes belong to one avee, so the term index alone is selective. `is not distinct from` prevents the planner from
  // combining it with the index on avee_id.
  const isCandidate = query.ids
    ? sql`id = any(${query.ids}::bigint[]) and avee_id = ${scope.aveeId}`
    : scansAll
      ? sql`avee_id = ${scope.aveeId}`
      : sql`terms && ${candidates}::int[] and avee_id is not distinct from ${scope.aveeId}::uuid`
  const statement = sql<RankedPassage & { lex: string | null }>`
    with hit as materialized (
      select id, version, section, lex <#> ${vector}::sparsevec as distance
      from passages
      where ${isCandidate} and ${inLayers(scope, 'layer')} and ${isLive(scope)} and ${isSelected(scope, 'version')}
      order by distance
      limit ${limit}
    )
    , scored as (
      select hit.*, -hit.distance - coalesce(around.lex <#> ${vector}::sparsevec, 0) as score
      from hit
      left join document_sections as around on around.version = hit.version and around.section = hit.section
      where hit.distance < 0
    )
    , ranked as (
      select scored.*, row_number() over (order by score desc, id) as rank from scored
    )
    select ${passageColumns}, ranked.score, case when rank <= ${query.vectors} then passages.lex::text end as lex
    from ranked
    join passages on passages.id = ranked.id
    join documents on documents.version = ranked.version
    order by rank
  `
  if (scansAll || database.kind === 'embedded') return (await statement.execute(database.db)).rows
  return await database.transaction(async (trx) => {
    // The planner underestimates the cost of comparing arrays and would scan the table of all avees.
    await sql`set local enable_seqscan = off`.execute(trx)
    return (await statement.execute(trx)).rows
  })
}

/** Lists the documents of a scope with their numbers of passages. */
export const listVersions = (db: Db, { aveeId, layers }: Scope) =>
  db
    .selectFrom('documents')
    .select(['version', 'passages'])
    .where('avee_id', '=', aveeId)
    .where('layer', 'in', layers)
    .execute()

/** Returns the term weights of the passages numbered from `from` up to, but not including, `to`. */
export async function listTermWeights(
  db: Db,
  versions: string[],
  from: number,
  to: number,
): Promise<TermWeights[]> {
  const { rows } = await sql<{ id: string; lex: Buffer }>`
    select id, sparsevec_send(lex) as lex from passages
    where version = any(${versions}::bigint[]) and n >= ${from} and n < ${to}
  `.execute(db)
  return rows.map(({ id, lex }) => {
    // The binary format: dimensions, number of elements, an unused field, indexes from 0, values.
    const length = lex.readInt32BE(4)
    return {
      id,
      terms: Uint32Array.from({ length }, (_, i) => lex.readInt32BE(12 + 4 * i) + 1),
      weights: Float32Array.from({ length }, (_, i) => lex.readFloatBE(12 + 4 * (length + i))),
    }
  })
}

/** Scores passages against a query vector, by row id. */
export async function scorePassages(db: Db, ids: string[], vector: string): Promise<Map<string, number>> {
  // A function instead of the operator, because the statement is prepared and its best plan does not depend on the
  // vector.
  const { rows } = await sql<{ id: string; score: number }>`
    select id, inner_product(lex, ${vector}::sparsevec) as score from passages where id = any(${ids}::bigint[])
  `.execute(db)
  return new Map(rows.map(({ id, score }) => [id, score]))
}

/** Finds passages of live versions by number; omits others. */
export async function findPassagesByNumber(
  db: Db,
  scope: Scope,
  wanted: { version: string; n: number }[],
): Promise<RankedPassage[]> {
  const { rows } = await sql<RankedPassage>`
    select ${passageColumns}, 0 as score
    from unnest(${wanted.map(({ version }) => version)}::bigint[], ${wanted.map(({ n }) => n)}::int[]) as wanted (version, n)
    join passages on passages.version = wanted.version and passages.n = wanted.n
    join documents on documents.version = passages.version
    where passages.avee_id = ${scope.aveeId} and ${inLayers(scope, 'passages.layer')}
  `.execute(db)
  return rows
}

/** Lists the first passages of documents, at most `limit` of each. */
export async function listFirstPassages(
  db: Db,
  scope: Scope,
  documents: string[],
  limit: number,
): Promise<RankedPassage[]> {
  const { rows } = await sql<RankedPassage>`
    select ${passageColumns}, 0 as score
    from documents
    join passages on passages.version = documents.version and passages.n <= ${limit}
    where documents.id = any(${documents}::uuid[]) and passages.avee_id = ${scope.aveeId}
      and ${inLayers(scope, 'passages.layer')}
    order by passages.n, documents.id
  `.execute(db)
  return rows
}

/** Lists the first `limit` passages of a scope, newest documents first. */
export async function listPassages(db: Db, scope: Scope, limit: number): Promise<RankedPassage[]> {
  const { rows } = await sql<RankedPassage>`
    select ${passageColumns}, 0 as score
    from passages
    join documents on documents.version = passages.version
    where passages.avee_id = ${scope.aveeId} and ${inLayers(scope, 'passages.layer')}
    order by documents.id desc, passages.n
    limit ${limit}
  `.execute(db)
  return rows
}

/** Finds passages that contain a text literally, ignoring case, newest documents first. */
export async function searchLiteral(
  db: Db,
  scope: Scope,
  text: string,
  limit: number,
): Promise<RankedPassage[]> {
  const { rows } = await sql<RankedPassage>`
    select ${passageColumns}, 1 as score
    from passages
    join documents on documents.version = passages.version
    where passages.avee_id = ${scope.aveeId} and ${inLayers(scope, 'passages.layer')} and passages.text ilike any(${likePatterns(text)})
    order by documents.id desc, passages.n
    limit ${limit}
  `.execute(db)
  return rows
}
