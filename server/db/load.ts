import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import type pg from 'pg'
import type { Log } from '../log.ts'
import { openDirectory } from './embedded/open-pool.ts'
import { createDatabase } from './embedded/supervisor.ts'
import { databaseNotEmpty, migrationFailed, migrationUnknown, tableDiffers } from './errors.ts'
import { migrations } from './migrations/index.ts'
import { createDialect } from './pool.ts'
import { openPool } from './postgres/open.ts'
import {
  listColumns,
  quote,
  type Row,
  type Snapshot,
  summarizeTables,
  type TableSummary,
  unlimitedTime,
} from './snapshot.ts'

/** The maximum number of rows of a statement; PostgreSQL limits its parameters to 65,535. */
const rowsPerStatement = 200
const maxParameters = 65_535
/** Characters of rows per statement of several rows, and between two checkpoints, which delete the WAL. */
const maxStatementCharacters = 1 << 20
const checkpointCharacters = 64 << 20

/**
 * Fills an empty database, at `url` or by default in the directory `dir`/database, which must not exist, with the
 * contents of another one, in one transaction: the schema, the rows and all constraints. Then the number and the hashes
 * of rows are compared. The next `openDatabase` executes newer migrations. `onTable` is called before each table. A
 * database that an interrupted attempt has filled is only compared.
 * @throws AppError if the database has other contents, the other one is of a newer release, or the rows differ
 */
export async function loadSnapshot(
  target: { url?: string | undefined; dir: string; log: Log },
  snapshot: Snapshot,
  onTable: (table: TableSummary) => void = () => {},
): Promise<void> {
  const unknown = snapshot.migrations.find((name) => !Object.hasOwn(migrations, name))
  if (unknown !== undefined) throw migrationUnknown(unknown)
  await using opened = await openTarget(target)
  const client = await opened.pool.connect()
  let failed: Error | undefined
  try {
    const { rows } = await client.query<{ name: string }>(
      `select relname as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace limit 1`,
    )
    await client.query('begin')
    for (const setting of unlimitedTime) await client.query(setting)
    if (rows[0] === undefined) {
      await createSchema(opened.pool, client, snapshot.migrations.at(-1))
      await fill(client, snapshot, onTable, target.url === undefined)
    } else if ((await findDifference(client, snapshot)) !== undefined) throw databaseNotEmpty()
    await client.query('commit')
  } catch (error) {
    failed = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    client.release(failed)
  }
}

async function openTarget({ url, dir, log }: Parameters<typeof loadSnapshot>[0]) {
  if (url !== undefined) {
    const pool = await openPool({ url, log })
    return { pool, [Symbol.asyncDispose]: () => pool.end() }
  }
  const path = join(dir, 'database')
  await mkdir(path, { recursive: true, mode: 0o700 })
  await createDatabase(path)
  return openDirectory(path, log)
}

/** Executes the migrations up to `last` on the connection, within its transaction. */
async function createSchema(pool: pg.Pool, client: pg.PoolClient, last: string | undefined): Promise<void> {
  const connection = Object.assign(new EventEmitter(), {
    query: (statement: pg.QueryConfig) => client.query({ ...statement, name: undefined }),
    release() {},
  })
  const db = new Kysely({
    dialect: createDialect({ options: pool.options, connect: async () => connection, end: async () => {} }),
  })
  const known = Object.fromEntries(Object.entries(migrations).filter(([name]) => last && name <= last))
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => known },
    disableTransactions: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw migrationFailed(last ?? 'start', error)
}

async function fill(
  client: pg.PoolClient,
  snapshot: Snapshot,
  onTable: (table: TableSummary) => void,
  isEmbedded: boolean,
): Promise<void> {
  // Tables that refer to each other are filled in any order.
  const { rows: foreignKeys } = await client.query<{ table: string; name: string; definition: string }>(`
    select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`)
  for (const { table, name } of foreignKeys)
    await client.query(`alter table ${table} drop constraint ${name}`)

  let written = 0
  for (const table of snapshot.tables) {
    onTable(table)
    // Migrations may have inserted some of the rows.
    await client.query(`delete from ${quote(table.name)}`)
    for await (const block of snapshot.readRows(table)) {
      for (const rows of statementsOf(block)) {
        written += await insert(client, table, rows)
        if (!isEmbedded || written < checkpointCharacters) continue
        await client.query('checkpoint')
        written = 0
      }
    }
  }
  for (const { table, name, definition } of foreignKeys)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`)
  await continueIdentities(client)

  const different = await findDifference(client, snapshot)
  if (different !== undefined) throw tableDiffers(different)
}

/** Returns the name of the first table whose rows differ. */
async function findDifference(client: pg.PoolClient, { tables }: Snapshot): Promise<string | undefined> {
  const expected = new Map(tables.map((table) => [table.name, table]))
  for await (const { name, rows, checksum } of summarizeTables(client)) {
    const table = expected.get(name)
    if (table?.rows !== rows || table.checksum !== checksum) return name
    expected.delete(name)
  }
  return [...expected.keys()][0]
}

/** Splits rows into statements. */
function* statementsOf(rows: Row[]): Generator<Row[]> {
  let statement: Row[] = []
  let characters = 0
  for (const row of rows) {
    const size = sizeOf(row)
    const isFull =
      statement.length >= rowsPerStatement ||
      (statement.length + 1) * row.length > maxParameters ||
      characters + size > maxStatementCharacters
    if (isFull && statement.length > 0) {
      yield statement
      statement = []
      characters = 0
    }
    statement.push(row)
    characters += size
  }
  if (statement.length > 0) yield statement
}

const sizeOf = (row: Row): number => row.reduce((sum, value) => sum + (value?.length ?? 0), 0)

/** Returns the number of characters inserted. */
async function insert(client: pg.PoolClient, table: TableSummary, rows: Row[]): Promise<number> {
  const width = table.columns.length
  const places = rows.map(
    (_, row) => `(${table.columns.map((_, column) => `$${row * width + column + 1}`).join(',')})`,
  )
  const text = `insert into ${quote(table.name)} (${listColumns(table.columns)}) overriding system value values ${places.join(',')}`
  await client.query(text, rows.flat())
  return rows.reduce((sum, row) => sum + sizeOf(row), 0)
}

/** Sets the sequences of identity columns after the largest value. */
async function continueIdentities(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string; name: string }>(`
    select attrelid::regclass::text as table, quote_ident(attname) as column, attname as name
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where attidentity <> '' and relnamespace = current_schema()::regnamespace`)
  for (const { table, column, name } of rows)
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), coalesce(max(${column}), 0) + 1, false) from ${table}`,
      [table, name],
    )
}
