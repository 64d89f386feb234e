import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Db } from '../../db/index.ts'
import type { Log } from '../../log.ts'

/** A space is indexed from this number of vectors on. */
const indexedFrom = 10_000
/** pgvector's limits: an HNSW index takes vectors up to 2,000 dimensions, half-precision ones up to 4,000. */
const maxVectorDimensions = 2_000
const maxHalfVectorDimensions = 4_000

/** With these, a search among 50,000 vectors finds 95 % of the nearest ten (bench/search.ts); with fewer links, 93 %. */
const indexParameters = 'm = 24, ef_construction = 128'

/** Returns the type in which vectors of this many dimensions are indexed and compared. */
export const indexedVectorType = (dimensions: number) =>
  sql.raw(dimensions <= maxVectorDimensions ? `vector(${dimensions})` : `halfvec(${dimensions})`)

/** Selects the vectors of a space. With literals instead of parameters, the planner matches the partial index. */
export const isInSpace = (space: string, dimensions: number) =>
  sql<boolean>`model = ${sql.lit(space)} and vector_dims(embedding) = ${sql.lit(dimensions)}`

const nameOf = (space: string, dimensions: number) =>
  `passage_vectors_hnsw_${createHash('sha256').update(`${space} ${dimensions}`).digest('hex').slice(0, 16)}`

/**
 * Builds the index of each vector space on PostgreSQL, concurrently, once the space is large enough. The embedded
 * database has no index: vectors are compared in memory, and inserting one into an index would take 5 ms.
 */
export function vectorIndexes({ database, log }: { database: Database; log: Log }) {
  const { db, kind } = database
  const known = new Set<string>()
  let building: Promise<void> | undefined

  async function create(space: string, dimensions: number): Promise<void> {
    const name = nameOf(space, dimensions)
    const method = dimensions <= maxVectorDimensions ? 'vector_cosine_ops' : 'halfvec_cosine_ops'
    const index = sql`
      create index concurrently if not exists ${sql.raw(name)}
      on passage_vectors using hnsw ((embedding::${indexedVectorType(dimensions)}) ${sql.raw(method)})
      with (${sql.raw(indexParameters)})
      where ${isInSpace(space, dimensions)}`
    await db.connection().execute(async (connection) => {
      const { rows } = await sql<{ locked: boolean }>`
        select pg_try_advisory_lock(hashtext(${name})) as locked`.execute(connection)
      if (!rows[0]?.locked) return
      try {
        await sql`set statement_timeout = 0`.execute(connection)
        await dropInvalid(connection, name)
        await index.execute(connection)
      } finally {
        await sql`reset statement_timeout`.execute(connection)
        await sql`select pg_advisory_unlock(hashtext(${name}))`.execute(connection)
      }
    })
  }

  return {
    /** Builds the index in the background, if there are enough vectors; called after vectors were stored. */
    buildWhenLarge(space: string, dimensions: number): void {
      const key = `${space} ${dimensions}`
      if (kind === 'embedded' || known.has(key) || dimensions > maxHalfVectorDimensions) return
      building ??= (async () => {
        if ((await countUpTo(db, space, indexedFrom)) < indexedFrom) return
        await create(space, dimensions)
        known.add(key)
      })()
        .catch((error: unknown) =>
          log.warn({ err: error }, 'the vector index could not be built; retrying with the next document'),
        )
        .finally(() => {
          building = undefined
        })
    },

    /** Resolves when no index is being built. */
    idle: (): Promise<void> => building ?? Promise.resolve(),
  }
}

export type VectorIndexes = ReturnType<typeof vectorIndexes>

/** Creates the indexes of vectors that were stored without them. */
export async function createVectorIndexes(parts: { database: Database; log: Log }): Promise<void> {
  const { rows } = await sql<{ space: string; dimensions: number }>`
    select distinct model as space, vector_dims(embedding) as dimensions from passage_vectors`.execute(
    parts.database.db,
  )
  const indexes = vectorIndexes(parts)
  for (const { space, dimensions } of rows) {
    indexes.buildWhenLarge(space, dimensions)
    await indexes.idle()
  }
}

/** An interrupted build leaves an invalid index, which PostgreSQL updates but never uses. */
async function dropInvalid(db: Db, name: string): Promise<void> {
  const { rows } = await sql<{ valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`.execute(db)
  if (rows[0]?.valid === false) await sql`drop index ${sql.raw(name)}`.execute(db)
}

async function countUpTo(db: Db, space: string, limit: number): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from (select 1 from passage_vectors where model = ${space} limit ${limit}) as counted`.execute(
    db,
  )
  return Number(rows[0]?.count ?? 0)
}
