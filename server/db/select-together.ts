import type { Expression, ShallowDehydrateObject } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { Db } from './database.ts'

export type Queries = Record<string, Expression<unknown>>
type RowsOf<Query> = Query extends Expression<infer Row> ? ShallowDehydrateObject<Row>[] : never

/** The rows of several queries that were read in one statement. They are JSON, so dates are strings. */
export type RowsTogether<Each extends Queries> = { [Name in keyof Each]: RowsOf<Each[Name]> }

/** The columns of a statement that reads the rows of these queries. */
export const columnsOf = (queries: Queries) =>
  Object.entries(queries).map(([name, query]) => jsonArrayFrom(query).as(name))

/** Reads the rows of several queries in one statement. */
export async function selectTogether<Each extends Queries>(
  db: Db,
  queries: Each,
): Promise<RowsTogether<Each>> {
  const row = await db.selectNoFrom(columnsOf(queries)).executeTakeFirstOrThrow()
  return row as RowsTogether<Each>
}
