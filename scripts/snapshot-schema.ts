// Writes test/schemas/<version>/dump.sql.gz: the schema that the migrations create, filled by fill.sql in the same
// folder.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import packageJson from '../package.json' with { type: 'json' }
import { migrate } from '../server/db/migrate.ts'
import { migrations } from '../server/db/migrations/index.ts'
import { createLog } from '../server/log.ts'
import { findPostgresWithVector } from './services/find.ts'
import { startServices } from './services/start.ts'

const { values } = parseArgs({
  options: {
    /** The release of the schema. */
    version: { type: 'string', default: packageJson.version },
    /** Its last migration; the newest by default. */
    through: { type: 'string', default: Object.keys(migrations).toSorted().at(-1) ?? '' },
  },
})
const folder = fileURLToPath(new URL(`../test/schemas/${values.version}/`, import.meta.url))

// The dump covers a whole database, so it needs its own server.
delete process.env['TEST_DATABASE_URL']
const services = await startServices()
try {
  const url = services.env['TEST_DATABASE_URL']
  if (url === undefined)
    throw new Error('This command needs PostgreSQL with pgvector; run "npm run services".')
  await fill(url)
  const sql = withoutClientSettings(await dump(url))
  await writeFile(path.join(folder, 'dump.sql.gz'), gzipSync(sql, { level: 9 }))
} finally {
  await services.stop()
}

async function fill(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url })
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  try {
    const released = Object.entries(migrations).filter(([name]) => name <= values.through)
    await migrate(db, Object.fromEntries(released), createLog('warn'))
    await pool.query(await readFile(path.join(folder, 'fill.sql'), 'utf8'))
    const { rows } = await pool.query<{ name: string }>(`
      select tablename as name from pg_tables
      where schemaname = 'public' and tablename not like 'kysely%'
        and (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I', tablename), false, true, '')))[1]::text = '0'`)
    if (rows.length > 0)
      throw new Error(`fill.sql has no row for ${rows.map(({ name }) => name).join(', ')}.`)
  } finally {
    await db.destroy()
  }
}

async function dump(url: string): Promise<string> {
  const program = path.join(findPostgresWithVector()?.bin ?? '', 'pg_dump')
  const options = ['--inserts', '--rows-per-insert=100', '--no-owner', '--no-privileges', '--no-comments']
  const { stdout } = await promisify(execFile)(program, [...options, url], { maxBuffer: 1 << 28 })
  return stdout
}

/** Removes what only psql or this version of PostgreSQL understands: meta-commands and settings. */
function withoutClientSettings(sql: string): string {
  return sql.replaceAll(/^\\(un)?restrict .*\n/gm, '').replaceAll(/^SET [a-z_]+ = .*;\n/gm, '')
}
