import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import pg from 'pg'
import { lockDirectory } from '../server/db/embedded/lock.ts'
import { type Database, newId, openDatabase } from '../server/db/index.ts'
import type { Limits } from '../server/db/limits.ts'
import { AppError } from '../server/errors.ts'
import { createLog } from '../server/log.ts'

type Kind = Database['kind']

const root = fileURLToPath(new URL('..', import.meta.url))
const server = process.env['TEST_DATABASE_URL']

/** The databases that a suite runs on: `describe.each(DATABASES)`. PostgreSQL requires a server, which CI provides. */
export const DATABASES: Kind[] = server === undefined ? ['embedded'] : ['embedded', 'postgres']

/**
 * For suites that test more than SQL: PostgreSQL if there is a server, which takes half the time. They run on both
 * every night (`TEST_ALL_DATABASES`).
 */
export const ONE_DATABASE: Kind[] = process.env['TEST_ALL_DATABASES'] ? DATABASES : DATABASES.slice(-1)

/** For tests that need any database. */
export const ANY_DATABASE: Kind = ONE_DATABASE[0] ?? 'embedded'

/** A migrated, empty database that is not open yet. */
export type TestDatabase = {
  readonly kind: Kind
  readonly dir: string
  readonly url: string | undefined
  /** Environment variables for a server process that uses it. */
  readonly settings: Record<string, string>
  /** Deletes it. It must be closed. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Creates a database by copying one that is migrated once per schema. */
export async function createTestDatabase(kind: Kind): Promise<TestDatabase> {
  if (kind === 'postgres') return describeDatabase(kind, await copyServerTemplate())
  const database = await describeDatabase(kind, undefined)
  const template = path.join(await embeddedTemplate(), 'database')
  // Node's asynchronous copy of its thousand files takes five times as long.
  cpSync(template, path.join(database.dir, 'database'), { recursive: true })
  return database
}

async function describeDatabase(kind: Kind, url: string | undefined): Promise<TestDatabase> {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-data-'))
  return {
    kind,
    dir,
    url,
    settings: { DATA_DIR: dir, ...(url === undefined ? {} : { DATABASE_URL: url }) },
    async [Symbol.asyncDispose]() {
      if (url !== undefined) await withAdminClient((admin) => drop(admin, databaseNameIn(url)))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Creates a database without any migration; the embedded one is created when it is opened. */
export async function createEmptyDatabase(kind: Kind): Promise<TestDatabase> {
  if (kind === 'embedded') return describeDatabase(kind, undefined)
  const name = newDatabaseName()
  await withAdminClient((admin) => admin.query(`create database ${name}`))
  return describeDatabase('postgres', databaseUrl(name))
}

/** Creates and opens a database; disposing closes and deletes it. The connection timeout is shorter than in production. */
export async function openTestDatabase(
  kind: Kind,
  limits: Partial<Limits> = {},
): Promise<Database & { readonly source: TestDatabase }> {
  const source = await createTestDatabase(kind)
  const log = createLog('silent')
  const database = await openDatabase({ ...source, log, limits: { connectTimeoutMs: 20_000, ...limits } })
  return {
    ...database,
    source,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]()
    },
  }
}

/** Deletes every row of every table. */
export async function truncateTables({ db }: Database): Promise<void> {
  const { rows } = await sql<{ all: string }>`
    select string_agg(format('%I', tablename), ', ') as all from pg_tables
    where schemaname = 'public' and tablename not like 'kysely\\_%'`.execute(db)
  await sql.raw(`truncate ${rows[0]?.all} restart identity cascade`).execute(db)
}

/** Returns a name that changes with the schema and the database engine. */
function templateName(): string {
  const hash = createHash('sha256')
  for (const file of globSync('server/db/migrations/*.ts', { cwd: root }).toSorted())
    hash.update(readFileSync(path.join(root, file)))
  hash.update(readFileSync(path.join(root, 'node_modules/@electric-sql/pglite/package.json')))
  return `gabee_template_${hash.digest('hex').slice(0, 12)}`
}

/** Returns the data directory that embedded databases are copied from; it is cached between runs. */
async function embeddedTemplate(): Promise<string> {
  const cache = path.join(root, 'node_modules/.cache/gabee-test')
  const template = path.join(cache, templateName())
  if (existsSync(template)) return template
  await mkdir(cache, { recursive: true })
  const lock = await lockWhenFree(cache)
  try {
    if (existsSync(template)) return template
    const created = await mkdtemp(`${template}-`)
    const database = await openDatabase({ dir: created, log: createLog('silent') })
    await database[Symbol.asyncDispose]()
    await rename(created, template)
    return template
  } finally {
    lock.release()
  }
}

async function lockWhenFree(dir: string): Promise<ReturnType<typeof lockDirectory>> {
  for (;;) {
    try {
      return lockDirectory(dir)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'data_dir_in_use')) throw error
      await delay(50)
    }
  }
}

async function copyServerTemplate(): Promise<string> {
  const name = newDatabaseName()
  await withAdminClient(async (admin) => {
    const template = await serverTemplate(admin)
    await admin.query(`create database ${name} template ${template}`)
  })
  return databaseUrl(name)
}

async function serverTemplate(admin: pg.Client): Promise<string> {
  const template = templateName()
  await admin.query(`select pg_advisory_lock(hashtext($1))`, [template])
  try {
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [template])
    if (rowCount === 1) return template
    const created = `${template}_new`
    await drop(admin, created)
    await admin.query(`create database ${created}`)
    const database = await openDatabase({
      url: databaseUrl(created),
      dir: tmpdir(),
      log: createLog('silent'),
    })
    await database[Symbol.asyncDispose]()
    await admin.query(`alter database ${created} rename to ${template}`)
    return template
  } finally {
    await admin.query(`select pg_advisory_unlock(hashtext($1))`, [template])
  }
}

/** Runs `work` with a connection that may create and drop databases. */
export async function withAdminClient<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

async function drop(admin: pg.Client, name: string): Promise<void> {
  await admin.query(`drop database if exists ${name} with (force)`)
}

function databaseUrl(name: string): string {
  const url = new URL(server ?? '')
  url.pathname = name
  return url.href
}

const newDatabaseName = (): string => `gabee_test_${newId().replaceAll('-', '')}`

/** Returns the database name of a connection URL. */
const databaseNameIn = (url: string): string => new URL(url).pathname.slice(1)
