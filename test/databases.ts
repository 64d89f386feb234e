import { createHash } from 'node:crypto'
import { constants, existsSync, globSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
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

/** What a suite runs on: `for (const kind of DATABASES) describe(kind, …)`. The second needs a server, which is there in CI. */
export const DATABASES: Kind[] = server === undefined ? ['embedded'] : ['embedded', 'postgres']

/** A migrated, empty database that nobody has open yet. */
export type Place = {
  readonly kind: Kind
  readonly dir: string
  readonly url: string | undefined
  /** Environment variables with which a server process runs on it. */
  readonly settings: Record<string, string>
  /** Removes it; whoever had it open must have closed it. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes a place of its own in a fraction of a second: a copy of one that was migrated once. */
export async function freshPlace(kind: Kind): Promise<Place> {
  if (kind === 'postgres') return placeAt(kind, await copyOnServer())
  const place = await placeAt(kind, undefined)
  const template = path.join(await embeddedTemplate(), 'database')
  const mode = constants.COPYFILE_FICLONE
  await cp(template, path.join(place.dir, 'database'), { recursive: true, mode })
  return place
}

async function placeAt(kind: Kind, url: string | undefined): Promise<Place> {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-data-'))
  return {
    kind,
    dir,
    url,
    settings: { DATA_DIR: dir, ...(url === undefined ? {} : { DATABASE_URL: url }) },
    async [Symbol.asyncDispose]() {
      if (url !== undefined) await asAdmin((admin) => drop(admin, nameIn(url)))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A database on the server that nothing has been done to, migrations neither. */
export async function emptyPlace(): Promise<Place> {
  const name = nameOfOne()
  await asAdmin((admin) => admin.query(`create database ${name}`))
  return placeAt('postgres', addressOf(name))
}

/** An open store in a place of its own; both are gone after the disposal. Waits less than a real one for a connection. */
export async function freshDatabase(
  kind: Kind,
  limits: Partial<Limits> = {},
): Promise<Database & { readonly place: Place }> {
  const place = await freshPlace(kind)
  const log = createLog('silent')
  const database = await openDatabase({ ...place, log, limits: { wait: 5_000, ...limits } })
  return {
    ...database,
    place,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    },
  }
}

/** Takes every row out of every table, so that the next test begins anew. */
export async function emptyTables({ db }: Database): Promise<void> {
  const { rows } = await sql<{ all: string }>`
    select string_agg(format('%I', tablename), ', ') as all from pg_tables
    where schemaname = 'public' and tablename not like 'kysely\\_%'`.execute(db)
  await sql.raw(`truncate ${rows[0]?.all} restart identity cascade`).execute(db)
}

/** Another schema or another engine has another name. */
function templateName(): string {
  const hash = createHash('sha256')
  for (const file of globSync('server/db/migrations/*.ts', { cwd: root }).toSorted())
    hash.update(readFileSync(path.join(root, file)))
  hash.update(readFileSync(path.join(root, 'node_modules/@electric-sql/pglite/package.json')))
  return `gabee_template_${hash.digest('hex').slice(0, 12)}`
}

/** The data directory that embedded places are copies of; kept for the next run. */
async function embeddedTemplate(): Promise<string> {
  const cache = path.join(root, 'node_modules/.cache/gabee-test')
  const template = path.join(cache, templateName())
  if (existsSync(template)) return template
  await mkdir(cache, { recursive: true })
  const lock = await lockWhenFree(cache)
  try {
    if (existsSync(template)) return template
    const made = await mkdtemp(`${template}-`)
    const database = await openDatabase({ dir: made, log: createLog('silent') })
    await database[Symbol.asyncDispose]()
    await rename(made, template)
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

async function copyOnServer(): Promise<string> {
  const name = nameOfOne()
  await asAdmin(async (admin) => {
    const template = await serverTemplate(admin)
    await admin.query(`create database ${name} template ${template}`)
  })
  return addressOf(name)
}

async function serverTemplate(admin: pg.Client): Promise<string> {
  const template = templateName()
  await admin.query(`select pg_advisory_lock(hashtext($1))`, [template])
  try {
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [template])
    if (rowCount === 1) return template
    const made = `${template}_new`
    await drop(admin, made)
    await admin.query(`create database ${made}`)
    const database = await openDatabase({ url: addressOf(made), dir: tmpdir(), log: createLog('silent') })
    await database[Symbol.asyncDispose]()
    await admin.query(`alter database ${made} rename to ${template}`)
    return template
  } finally {
    await admin.query(`select pg_advisory_unlock(hashtext($1))`, [template])
  }
}

/** Works on the server that the tests were given, as a user who may make and drop databases. */
export async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
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

function addressOf(name: string): string {
  const url = new URL(server ?? '')
  url.pathname = name
  return url.href
}

const nameOfOne = (): string => `gabee_test_${newId().replaceAll('-', '')}`

/** The database's name in an address. */
const nameIn = (url: string): string => new URL(url).pathname.slice(1)
