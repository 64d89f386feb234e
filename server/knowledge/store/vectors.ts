import { sql } from 'kysely'
import type { Database, Db } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import { inLayers, isSelected, passageColumns, type RankedPassage, type Scope } from './search.ts'
import { indexedVectorType, isInSpace } from './vector-index.ts'

/**
 * Up to this number, an avee's vectors are compared one by one, which is exact and as fast as the index. If they are a
 * small part of all vectors, the limit is higher: the index then visits other avees' vectors first, which takes longer
 * and misses more (bench/search.ts).
 */
const maxScanned = 20_000
const smallPart = 0.1
const smallPartFactor = 3
/**
 * hnsw.ef_search, the candidates of the index, by the size of the avee. More candidates improve recall and take longer.
 */
const candidatesUpTo = [
  { vectors: 200_000, candidates: 600 },
  { vectors: Number.POSITIVE_INFINITY, candidates: 1_000 },
]

export async function insertVectors(
  db: Db,
  space: string,
  vectors: { passageId: string; vector: Float32Array }[],
): Promise<void> {
  if (vectors.length === 0) return
  await sql`
    insert into passage_vectors (passage_id, version, avee_id, model, embedding)
    select passages.id, passages.version, passages.avee_id, ${space}, added.embedding::vector
    from unnest(
      ${vectors.map(({ passageId }) => passageId)}::bigint[],
      ${vectors.map(({ vector }) => vectorLiteral(vector))}::text[]
    ) as added (id, embedding)
    join passages on passages.id = added.id
    on conflict (passage_id, model) do nothing
  `.execute(db)
}

/** Lists passages of a version that have no vector of the space, in order. */
export async function listPassagesWithoutVector(db: Db, version: string, space: string, limit: number) {
  return await db
    .selectFrom('passages')
    .select(['id', 'heading', 'text'])
    .where('version', '=', version)
    .where(
      sql<boolean>`not exists (select 1 from passage_vectors v where v.passage_id = passages.id and v.model = ${space})`,
    )
    .orderBy('n')
    .limit(limit)
    .execute()
}

/** Records that every passage of a version has a vector of the space. */
export async function markEmbedded(db: Db, version: string, space: string): Promise<void> {
  await db.updateTable('documents').set({ embedded_by: space }).where('version', '=', version).execute()
}

/** Lists the avees with documents that lack vectors of the space. */
export async function listAveesToEmbed(db: Db, space: string): Promise<string[]> {
  const rows = await lackingVectors(db, space).select('avee_id').distinct().execute()
  return rows.map((row) => row.avee_id)
}

export const findDocumentToEmbed = (db: Db, aveeId: string, space: string) =>
  lackingVectors(db, space).selectAll().where('avee_id', '=', aveeId).orderBy('id').executeTakeFirst()

const lackingVectors = (db: Db, space: string) =>
  db.selectFrom('documents').where('embedded_by', 'is distinct from', space)

/** Finds the owner of an avee, also of one that holds attachments. */
export async function findOwnerId(db: Db, aveeId: string): Promise<string | undefined> {
  const found = await db
    .selectFrom('all_avees')
    .select('owner_id')
    .where('id', '=', aveeId)
    .executeTakeFirst()
  return found?.owner_id
}

/** Deletes up to `limit` of an avee's vectors of other spaces; returns false if there were none. */
export async function deleteVectorsOfOtherSpaces(
  db: Db,
  aveeId: string,
  space: string,
  limit: number,
): Promise<boolean> {
  const { rows } = await sql`
    delete from passage_vectors
    where ctid = any(array(select ctid from passage_vectors where avee_id = ${aveeId} and model <> ${space} limit ${limit}))
    returning 1
  `.execute(db)
  return rows.length > 0
}

export type VectorQuery = {
  space: string
  vector: Float32Array
  limit: number
  /** Estimates of the number of the avee's vectors, and of all. */
  own: number
  all: number
  /** Identifies the avee's documents that have vectors. */
  checksum: string | null
}

/** Lists the documents of an avee all of whose passages have vectors of the space. */
export const listEmbeddedVersions = (db: Db, aveeId: string, space: string) =>
  db
    .selectFrom('documents')
    .select(['version', 'passages'])
    .where('avee_id', '=', aveeId)
    .where('embedded_by', '=', space)
    .execute()

/** Lists vectors of versions ordered by passage id, starting after one of them. */
export async function listVectors(
  db: Db,
  versions: string[],
  { space, dimensions, after, limit }: { space: string; dimensions: number; after: string; limit: number },
): Promise<{ id: string; version: string; vector: number[] }[]> {
  const { rows } = await sql<{ id: string; version: string; embedding: string }>`
    select passage_id as id, version, embedding::text as embedding
    from passage_vectors
    where version = any(${versions}::bigint[]) and passage_id > ${after} and ${isInSpace(space, dimensions)}
    order by passage_id limit ${limit}
  `.execute(db)
  return rows.map(({ embedding, ...row }) => ({ ...row, vector: JSON.parse(embedding) as number[] }))
}

/** Ranks the given passages in the scope by cosine similarity, which is their score. */
export async function scorePassagesByVector(
  db: Db,
  scope: Scope,
  { space, vector, limit }: VectorQuery,
  ids: string[],
): Promise<RankedPassage[]> {
  // A function instead of the operator, because the statement is prepared and its best plan does not depend on the
  // vector.
  const { rows } = await sql<RankedPassage>`
    select ${passageColumns}, 1 - nearest.distance as score
    from (
      select passage_id, cosine_distance(embedding, ${vectorLiteral(vector)}::vector) as distance
      from passage_vectors
      where passage_id = any(${ids}::bigint[]) and avee_id = ${scope.aveeId}
        and ${isInSpace(space, vector.length)} and exists (${visibleDocuments(scope)})
      order by distance limit ${limit}
    ) as nearest
    join passages on passages.id = nearest.passage_id
    join documents on documents.version = passages.version
    order by nearest.distance, passages.id
  `.execute(db)
  return rows
}

/** Joins the documents of vectors: excludes versions that are not live, and supplies the current layer. */
const visibleDocuments = (scope: Scope) => sql`
  select from documents
  where documents.version = passage_vectors.version
    and ${inLayers(scope, 'documents.layer')} and ${isSelected(scope, 'documents.version')}`

/** Finds the nearest passages by cosine similarity, which is their score. */
export async function searchVectors(
  database: Pick<Database, 'kind' | 'db'>,
  scope: Scope,
  query: Omit<VectorQuery, 'checksum'>,
): Promise<RankedPassage[]> {
  const { space, limit } = query
  const vector = vectorLiteral(query.vector)
  const type = indexedVectorType(query.vector.length)
  const distance = sql`(embedding::${type}) <=> ${vector}::${type}`
  const own = sql`avee_id = ${scope.aveeId} and ${isInSpace(space, query.vector.length)}`
  const documents = visibleDocuments(scope)
  const candidates = candidatesUpTo.find(({ vectors }) => query.own <= vectors)?.candidates
  const nearest =
    database.kind === 'embedded' || isSmall(query)
      ? // `offset 0` prevents the planner from using the index, which would visit other avees' vectors first.
        sql`
        select passage_id, ${distance} as distance
        from (select passage_id, embedding from passage_vectors where ${own} and exists (${documents}) offset 0) as own
        order by distance limit ${limit}`
      : // `offset 0` prevents the planner from joining the documents, which would read all vectors before sorting them.
        // The settings are evaluated once, before the index is read.
        sql`
        select passage_id, ${distance} as distance from passage_vectors
        where ${own} and exists (${documents} offset 0) and (
          select set_config('hnsw.ef_search', ${`${candidates}`}, true) ||
            set_config('hnsw.iterative_scan', 'strict_order', true)
        ) is not null
        order by ${distance} limit ${limit}`
  const { rows } = await sql<RankedPassage>`
    with nearest as materialized (${nearest})
    select ${passageColumns}, 1 - nearest.distance as score
    from nearest
    join passages on passages.id = nearest.passage_id
    join documents on documents.version = passages.version
    order by nearest.distance, passages.id
  `.execute(database.db)
  return rows
}

const isSmall = ({ own, all }: { own: number; all: number }) =>
  own <= maxScanned || (own <= smallPartFactor * maxScanned && own < smallPart * all)
