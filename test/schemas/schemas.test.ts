import { createHash } from 'node:crypto'
import { createWriteStream, globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { backup, restoreBackup } from '../../server/backup/index.ts'
import { openEmbedded } from '../../server/db/embedded/open.ts'
import { type Database, type Db, openDatabase, type Tables } from '../../server/db/index.ts'
import { defaultLimits } from '../../server/db/limits.ts'
import { createDialect } from '../../server/db/pool.ts'
import { openPostgres } from '../../server/db/postgres/open.ts'
import { createLog } from '../../server/log.ts'
import { createEmptyDatabase, DATABASES, type TestDatabase } from '../databases.ts'

/** The changes that migrations make to the rows of each release. Everything else must be unchanged. */
const changes: Record<string, Changes> = {
  '0.1.0': {
    conversations: withoutMissing('leaf_id', 'message gone'),
    question_groups: withoutMissing('document_id', 'document gone'),
    avee_updates: (row) =>
      without('indexed_at', 'due_at')(withoutMissing('document_id', 'document gone')(row)),
    turn_insights: (row) => ({ ...without('step', 'attempts', 'due_at')(row), follow_ups: [] }),
    document_pages: (row) => ({ ...row, words: null }),
    passages: without('document_id'),
    document_versions: without('document_id'),
    memory_turns: 'dropped',
    // Migrations add the turns that were waiting for extraction.
    turn_index: 'extended',
    passage_vectors: without('layer'),
    memories: without('forgotten_at'),
  },
}

type Kind = Database['kind']
type Contents = Map<string, TableRow[]>
type TableRow = Record<string, unknown>
/** The change of each table: dropped, extended by rows, or with each row changed. */
type Changes = Record<string, 'dropped' | 'extended' | ((row: TableRow) => TableRow | undefined)>

/** Returns a change that sets references to a missing row to null. */
function withoutMissing(column: string, name: string): (row: TableRow) => TableRow {
  return (row) => (row[column] === idOf(name) ? { ...row, [column]: null } : row)
}

function without(...columns: string[]): (row: TableRow) => TableRow {
  return (row) => Object.fromEntries(Object.entries(row).filter(([column]) => !columns.includes(column)))
}

/** Returns the id that fill.sql derives from a name. */
function idOf(name: string): string {
  const hash = createHash('md5').update(name).digest('hex')
  return hash.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

const folder = fileURLToPath(new URL('.', import.meta.url))
const versions = globSync('*/dump.sql.gz', { cwd: folder }).map((file) => path.dirname(file))
const log = createLog('silent')

/** Restores the database of a release and reads it. */
async function restore(kind: Kind, version: string): Promise<{ source: TestDatabase; before: Contents }> {
  const dump = gunzipSync(await readFile(path.join(folder, version, 'dump.sql.gz'))).toString()
  const source = await createEmptyDatabase(kind)
  const engine =
    source.url === undefined
      ? await openEmbedded({ dir: source.dir, log, limits: defaultLimits })
      : await openPostgres({ url: source.url, log, limits: { ...defaultLimits, maxConnections: 1 } })
  const db = new Kysely<Tables>({ dialect: createDialect(engine.pool) })
  await engine.pool.query(`${dump}; reset search_path`)
  const before = await contentsOf(db)
  await engine.stop()
  await db.destroy()
  await engine.close()
  return { source, before }
}

/** Returns all rows of all tables and views, sorted by their JSON text. */
async function contentsOf(db: Db): Promise<Contents> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_name not like 'kysely%' order by table_name`.execute(db)
  const contents: Contents = new Map()
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      select row_to_json(t)::text as row from ${sql.table(name)} as t order by 1`.execute(db)
    contents.set(
      name,
      rows.map(({ row }) => JSON.parse(row) as TableRow),
    )
  }
  return contents
}

const sorted = (rows: TableRow[]) => rows.map((row) => JSON.stringify(row)).toSorted()

/** Makes a backup, restores it into another database and reads that one. */
async function contentsOfRestored(database: Database, dataDir: string, kind: Kind): Promise<Contents> {
  const file = path.join(dataDir, 'test.backup')
  await backup({ database, dataDir }).write(createWriteStream(file), new AbortController().signal)
  await using target = await createEmptyDatabase(kind)
  await restoreBackup(file, { ...target, dataDir: target.dir, log })
  await using restored = await openDatabase({ ...target, log })
  return await contentsOf(restored.db)
}

describe.each(DATABASES)('a filled database of a release on %s', (kind) => {
  // Creating an embedded database and opening it twice takes several seconds.
  test.each(versions)(
    'keeps its contents when %s is migrated to the newest schema, and in a restored backup',
    async (version) => {
      const { source, before } = await restore(kind, version)
      await using _ = source
      await using database = await openDatabase({ ...source, log })
      const after = await contentsOf(database.db)
      const changed = changes[version] ?? {}
      for (const [table, rows] of before) {
        const change = changed[table]
        expect(rows.length, `${version} has rows in ${table}`).toBeGreaterThan(0)
        if (change === 'dropped') {
          expect(after.has(table), `${table} is dropped`).toBe(false)
          continue
        }
        const expected =
          typeof change === 'function' ? rows.map(change).filter((row) => row !== undefined) : rows
        const columns = Object.keys(expected[0] ?? {})
        const found = (after.get(table) ?? []).map((row) =>
          Object.fromEntries(columns.map((name) => [name, row[name]])),
        )
        if (change === 'extended')
          expect(sorted(found), table).toEqual(expect.arrayContaining(sorted(expected)))
        else expect(sorted(found), table).toEqual(sorted(expected))
      }
      const target = DATABASES.find((other) => other !== kind) ?? kind
      expect(await contentsOfRestored(database, source.dir, target), `restored into ${target}`).toEqual(after)
    },
    120_000,
  )
})
