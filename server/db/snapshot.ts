import type pg from 'pg'

/** The rows of a table: their number, and the sum of a 60-bit hash of each row as PostgreSQL prints it, in any order. */
export type TableSummary = { name: string; columns: string[]; rows: string; checksum: string }

/** A value as PostgreSQL prints it. */
export type Row = (string | null)[]

/** The contents of a database at one moment. */
export type Snapshot = {
  /** Names of the executed migrations, in order. */
  migrations: string[]
  tables: TableSummary[]
  /** Yields the rows of a table in blocks. Only one table may be read at a time. */
  readRows(table: TableSummary): AsyncIterable<Row[]>
}

/** Rows per round trip: the texts of pages and vectors are tens of kilobytes each. */
const rowsPerBlock = 200

/** Makes the text of values the same on every server. */
const printSettings = [
  `set local timezone = 'UTC'`,
  `set local datestyle = 'ISO, MDY'`,
  `set local intervalstyle = 'postgres'`,
  `set local bytea_output = 'hex'`,
  `set local extra_float_digits = 1`,
]
export const unlimitedTime = [
  'set local statement_timeout = 0',
  'set local idle_in_transaction_session_timeout = 0',
]

const TABLES = `
  select relname as name, array_agg(attname::text order by attnum) as columns
  from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
  where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname not like 'kysely\\_%'
  group by relname order by relname`

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const listColumns = (columns: string[]): string => columns.map(quote).join(', ')

/** Counts and hashes the rows of all tables, in the order of their names. */
export async function* summarizeTables(client: pg.ClientBase): AsyncGenerator<TableSummary> {
  for (const setting of printSettings) await client.query(setting)
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(TABLES)
  for (const { name, columns } of tables) {
    const { rows } = await client.query<{ rows: string; checksum: string }>(`
      select count(*)::text as rows, coalesce(sum(('x' || left(
        encode(sha256(convert_to(row(${listColumns(columns)})::text, 'UTF8')), 'hex'), 15))::bit(60)::int8), 0)::text as checksum
      from ${quote(name)}`)
    yield { name, columns, rows: rows[0]?.rows ?? '0', checksum: rows[0]?.checksum ?? '0' }
  }
}

/** Calls `work` with the contents of the database at one moment, in one transaction. */
export async function readSnapshot<T>(pool: pg.Pool, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failed: Error | undefined
  try {
    await client.query('begin isolation level repeatable read, read only')
    for (const setting of unlimitedTime) await client.query(setting)
    const { rows: migrations } = await client.query<{ name: string }>(
      'select name from kysely_migration order by name',
    )
    const snapshot: Snapshot = {
      migrations: migrations.map(({ name }) => name),
      tables: await Array.fromAsync(summarizeTables(client)),
      readRows: (table) => readRows(client, table),
    }
    const result = await work(snapshot)
    await client.query('commit')
    return result
  } catch (error) {
    failed = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    client.release(failed)
  }
}

async function* readRows(client: pg.ClientBase, { name, columns }: TableSummary): AsyncGenerator<Row[]> {
  await client.query(
    `declare snapshot no scroll cursor for select ${listColumns(columns)} from ${quote(name)}`,
  )
  for (;;) {
    const { rows } = await client.query<Row>({
      text: `fetch ${rowsPerBlock} from snapshot`,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    })
    if (rows.length > 0) yield rows
    if (rows.length < rowsPerBlock) break
  }
  await client.query('close snapshot')
}
