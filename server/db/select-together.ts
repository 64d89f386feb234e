import type { Expression, ShallowDehydrateObject } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { Db } from './database.ts'

type RowsOf<Query> = Query extends Expression<infer Row> ? ShallowDehydrateObject<Row>[] : never

/** Reads the rows of several queries in one statement. They come as JSON: dates are strings. */
export async function selectTogether<Queries extends Record<string, Expression<unknown>>>(
  db: Db,
  queries: Queries,
): Promise<{ [Name in keyof Queries]: RowsOf<Queries[Name]> }> {
  const columns = Object.entries(queries).map(([name, query]) => jsonArrayFrom(query).as(name))
  const row = await db.selectNoFrom(columns).executeTakeFirstOrThrow()
  return row as { [Name in keyof Queries]: RowsOf<Queries[Name]> }
}
