import { sql } from 'kysely'
import type { Database, Db, Trx } from '../../db/index.ts'
import { vectorLiteral } from '../../search/index.ts'
import {
  inLayers,
  isLive,
  passageColumns,
  type RankedPassage,
  type RankedRow,
  type Scope,
  toRankedPassage,
} from './search.ts'
import { indexedVectorType, isInSpace } from './vector-index.ts'

/**
 * Up to so many vectors of an avee are compared one by one: exact, and about as quick as an index. Where they are a small
 * part of all, up to three times as many: an index looks at the others' first, which takes longer and misses more.
 */
const exactUpTo = { embedded: 10_000, postgres: 20_000 }
const moreInSmallPart = 3
const smallPart = 0.1
/** How many neighbours an index looks at; more is surer and slower, and of very many more are needed. */
const indexEffort = 600
const veryMany = 200_000
const mostEffort = 1_000

export async function insertVectors(
  db: Db | Trx,
  space: string,
  vectors: { passageId: string; vector: Float32Array }[],
): Promise<void> {
  if (vectors.length === 0) return
  await sql`
    insert into passage_vectors (passage_id, version, avee_id, layer, model, embedding)
    select passages.id, passages.version, passages.avee_id, passages.layer, ${space}, added.embedding::vector
    from unnest(
      ${vectors.map(({ passageId }) => passageId)}::bigint[],
      ${vectors.map(({ vector }) => vectorLiteral(vector))}::text[]
    ) as added (id, embedding)
    join passages on passages.id = added.id
    on conflict (passage_id, model) do nothing
  `.execute(db)
}

/** Passages of a version that have no vector in the space yet, in order. */
export async function listPassagesWithoutVector(
  db: Db,
  version: string,
  space: string,
  limit: number,
): Promise<{ id: string; heading: string | null; text: string }[]> {
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

/** Notes that every passage of a version has a vector of the space. */
export async function markEmbedded(db: Db | Trx, version: string, space: string): Promise<void> {
  await db.updateTable('documents').set({ embedded_by: space }).where('version', '=', version).execute()
}

/** Avees with live documents that have not all their vectors in the space. */
export async function listAveesToEmbed(db: Db, space: string): Promise<string[]> {
  const rows = await db
    .selectFrom('documents')
    .select('avee_id')
    .distinct()
    .where((eb) => eb.or([eb('embedded_by', 'is', null), eb('embedded_by', '<>', space)]))
    .execute()
  return rows.map((row) => row.avee_id)
}

/** A space in which some document of an avee has its vectors still, instead of in this one. */
export async function findPreviousSpace(db: Db, aveeId: string, space: string): Promise<string | undefined> {
  const found = await db
    .selectFrom('documents')
    .select('embedded_by')
    .where('avee_id', '=', aveeId)
    .where('embedded_by', '<>', space)
    .executeTakeFirst()
  return found?.embedded_by ?? undefined
}

export async function findDocumentToEmbed(
  db: Db,
  aveeId: string,
  space: string,
): Promise<{ id: string; version: string; title: string; passages: number } | undefined> {
  return await db
    .selectFrom('documents')
    .select(['id', 'version', 'title', 'passages'])
    .where('avee_id', '=', aveeId)
    .where((eb) => eb.or([eb('embedded_by', 'is', null), eb('embedded_by', '<>', space)]))
    .orderBy('id')
    .executeTakeFirst()
}

/** Whose the avee is: the one for whom its documents are embedded. */
export async function findOwnerId(db: Db, aveeId: string): Promise<string | undefined> {
  const found = await db.selectFrom('avees').select('owner_id').where('id', '=', aveeId).executeTakeFirst()
  return found?.owner_id
}

/** Deletes up to `limit` vectors of other spaces from an avee that has all of its own; false when there are none left. */
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

/**
 * The passages nearest in meaning, `score` being the cosine. A small set is compared one by one; a large one goes
 * through the index, which keeps looking until it has enough of this avee's.
 */
export async function searchVectors(
  database: Database,
  scope: Scope,
  query: { space: string; vector: Float32Array; limit: number },
): Promise<RankedPassage[]> {
  const { space, limit } = query
  const vector = vectorLiteral(query.vector)
  const cast = indexedVectorType(query.vector.length)
  const distance = sql`(embedding::${cast}) <=> ${vector}::${cast}`
  const where = sql`
    avee_id = ${scope.aveeId} and ${isInSpace(space, query.vector.length)}
    and ${inLayers(scope, 'layer')} and ${isLive(scope, 'passage_vectors')}`
  const stored = await vectorsOf(database.db, scope.aveeId)
  const few = isFew(stored, exactUpTo[database.kind])
  const effort = stored.own > veryMany ? mostEffort : indexEffort
  const nearest = few
    ? // The fence keeps an index out that would look at other avees' vectors first.
      sql`
        select passage_id, ${distance} as distance
        from (select passage_id, embedding from passage_vectors where ${where} offset 0) as own
        order by distance limit ${limit}`
    : sql`
        select passage_id, ${distance} as distance from passage_vectors
        where ${where} order by ${distance} limit ${limit}`
  const statement = sql<RankedRow>`
    with nearest as materialized (${nearest})
    select ${passageColumns}, 1 - nearest.distance as score
    from nearest
    join passages on passages.id = nearest.passage_id
    join documents on documents.version = passages.version
    order by nearest.distance, passages.id
  `
  if (few) return (await statement.execute(database.db)).rows.map(toRankedPassage)
  return await database.transaction(async (trx) => {
    await sql`
      select set_config('hnsw.ef_search', ${`${effort}`}, true), set_config('hnsw.iterative_scan', 'strict_order', true)
    `.execute(trx)
    return (await statement.execute(trx)).rows.map(toRankedPassage)
  })
}

/** About how many vectors an avee has, and all together; the latter is what the database last counted, -1 before. */
async function vectorsOf(db: Db, aveeId: string): Promise<{ own: number; all: number }> {
  const { rows } = await sql<{ own: string; every: number }>`
    select
      (select coalesce(sum(passages), 0) from documents where avee_id = ${aveeId}) as own,
      (select reltuples from pg_class where oid = 'passage_vectors'::regclass) as every
  `.execute(db)
  return { own: Number(rows[0]?.own ?? 0), all: Number(rows[0]?.every ?? -1) }
}

const isFew = ({ own, all }: { own: number; all: number }, few: number) =>
  own <= few || (own <= moreInSmallPart * few && own < smallPart * all)
