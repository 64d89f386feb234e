import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Db } from '../../db/index.ts'
import type { Log } from '../../log.ts'

/** From so many vectors of a space on PostgreSQL searches them through an index. */
const indexedFrom = 10_000
/** The widest vectors that pgvector indexes as they are; wider ones are compared at half precision, up to twice that. */
const widestVector = 2_000
const widestHalf = 4_000

/**
 * Of 50,000 vectors these find 96 % and more of the nearest ten, looking as far as a search does (`bench/search.ts`);
 * half as many links find less than 90 %. Adding a vector costs the embedded store 5 ms with them, ten with PostgreSQL's.
 */
const graphs = {
  embedded: 'with (m = 16, ef_construction = 64)',
  postgres: 'with (m = 24, ef_construction = 128)',
}

/** The type in which vectors of this width are compared. */
export const indexedVectorType = (dimensions: number) =>
  sql.raw(dimensions <= widestVector ? `vector(${dimensions})` : `halfvec(${dimensions})`)

/** The vectors of one space and width, in words that the planner can match with the index's own. */
export const isInSpace = (space: string, dimensions: number) =>
  sql<boolean>`model = ${sql.lit(space)} and vector_dims(embedding) = ${sql.lit(dimensions)}`

const nameOf = (space: string, dimensions: number) =>
  `passage_vectors_hnsw_${createHash('sha256').update(`${space} ${dimensions}`).digest('hex').slice(0, 16)}`

/**
 * Sees to the index of each vector space.
 *
 * Embedded, building one over what is there would hold everybody up for many seconds, so it is made while the space is
 * empty and grows with it. PostgreSQL builds it beside the others' work when there is enough to search.
 */
export function vectorIndexes({ database, log }: { database: Database; log: Log }) {
  const { db, kind } = database
  const known = new Set<string>()
  let building: Promise<void> | undefined

  async function create(space: string, dimensions: number): Promise<void> {
    const name = nameOf(space, dimensions)
    const method = dimensions <= widestVector ? 'vector_cosine_ops' : 'halfvec_cosine_ops'
    const index = sql`
      create index ${sql.raw(kind === 'postgres' ? 'concurrently' : '')} if not exists ${sql.raw(name)}
      on passage_vectors using hnsw ((embedding::${indexedVectorType(dimensions)}) ${sql.raw(method)})
      ${sql.raw(graphs[kind])}
      where ${isInSpace(space, dimensions)}`
    if (kind === 'embedded') return void (await index.execute(db))
    await db.connection().execute(async (connection) => {
      const { rows } = await sql<{
        mine: boolean
      }>`select pg_try_advisory_lock(hashtext(${name})) as mine`.execute(connection)
      if (!rows[0]?.mine) return
      try {
        await sql`set statement_timeout = 0`.execute(connection)
        await dropBroken(connection, name)
        await index.execute(connection)
      } finally {
        await sql`reset statement_timeout`.execute(connection)
        await sql`select pg_advisory_unlock(hashtext(${name}))`.execute(connection)
      }
    })
  }

  return {
    /** Called before the first vectors of a space are stored. */
    async prepare(space: string, dimensions: number): Promise<void> {
      const key = `${space} ${dimensions}`
      if (kind !== 'embedded' || known.has(key) || dimensions > widestHalf) return
      await create(space, dimensions)
      known.add(key)
    },

    /** Called when vectors have been stored. Builds in the background. */
    buildWhenLarge(space: string, dimensions: number): void {
      const key = `${space} ${dimensions}`
      if (kind === 'embedded' || known.has(key) || dimensions > widestHalf) return
      building ??= (async () => {
        if ((await countUpTo(db, space, indexedFrom)) < indexedFrom) return
        await create(space, dimensions)
        known.add(key)
      })()
        .catch((error: unknown) =>
          log.warn({ err: error }, 'the index of the vectors could not be built; it is tried again'),
        )
        .finally(() => {
          building = undefined
        })
    },

    /** Resolves when nothing is being built. */
    idle: (): Promise<void> => building ?? Promise.resolve(),
  }
}

export type VectorIndexes = ReturnType<typeof vectorIndexes>

/** A building that was interrupted leaves an index that is kept up and never used. */
async function dropBroken(db: Db, name: string): Promise<void> {
  const { rows } = await sql<{ valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${name})`.execute(db)
  if (rows[0]?.valid === false) await sql`drop index ${sql.raw(name)}`.execute(db)
}

async function countUpTo(db: Db, space: string, most: number): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from (select 1 from passage_vectors where model = ${space} limit ${most}) as counted`.execute(
    db,
  )
  return Number(rows[0]?.count ?? 0)
}
