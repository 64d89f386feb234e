/**
 * Measures commits and reads: the embedded database, which syncs every commit to disk, and a PostgreSQL server.
 *
 *     node bench/db.ts [postgres://user@host/postgres] [--dir DIR] [--commits 2000]
 *
 * The URL is that of a server whose user can create databases; a temporary database is created and dropped. DIR
 * (default: a temporary directory) should be on the disk to measure. Rounds alternate between both databases.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import pg from 'pg'
import { type Database, newId, openDatabase } from '../server/db/index.ts'
import { createLog } from '../server/log.ts'
import { print, quantile } from './data.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string', default: tmpdir() }, commits: { type: 'string', default: '2000' } },
})
const commits = Number(values.commits)
const rounds = 10
const [server] = positionals

/** Returns the milliseconds of each call. */
async function measure(times: number, work: (i: number) => unknown): Promise<number[]> {
  const ms: number[] = []
  for (let i = 0; i < times; i++) {
    const started = performance.now()
    await work(i)
    ms.push(performance.now() - started)
  }
  return ms
}

function figures(ms: number[], each: number, unit: string): string {
  const perSecond = (1000 * each * ms.length) / ms.reduce((sum, one) => sum + one, 0)
  return `p50 ${quantile(ms, 0.5).toFixed(2)}  p99 ${quantile(ms, 0.99).toFixed(2)} ms  ${Math.round(perSecond)} ${unit}/s`
}

/** Measures the minimum of every commit: overwriting 8 kB and a sync. */
async function measureDisk(dir: string): Promise<string> {
  const file = openSync(path.join(dir, 'sync'), 'w+')
  const page = Buffer.alloc(8192)
  for (let i = 0; i < 64; i++) writeSync(file, page, 0, page.length, i * page.length)
  fdatasyncSync(file)
  const ms = await measure(500, (i) => {
    writeSync(file, page, 0, page.length, (i % 64) * page.length)
    fdatasyncSync(file)
  })
  closeSync(file)
  return figures(ms, 1, 'syncs')
}

type Append = (rows: number) => Promise<void>

/** Creates a run and returns a function that appends events to its log, as tokens do. */
async function createAppend({ db }: Database): Promise<Append> {
  const user = newId()
  const run = newId()
  await sql`insert into users (id, display_name) values (${user}, 'bench')`.execute(db)
  await sql`insert into runs (id, kind, user_id, input) values (${run}, 'bench', ${user}, '{}')`.execute(db)
  let n = 0
  return async (rows) => {
    const numbers = Array.from({ length: rows }, () => ++n)
    const data = numbers.map((number) => JSON.stringify({ token: ` word ${number}` }))
    await sql`insert into run_events (run_id, n, data)
      select ${run}, * from unnest(${numbers}::int[], ${data}::text[])`.execute(db)
  }
}

type Measurement = { name: string; each: number; unit: string; work: (database: Database) => unknown }

const measurements = (appends: Map<Database, Append>): Measurement[] => [
  { name: 'commit of 1 row', each: 1, unit: 'rows', work: (database) => appends.get(database)?.(1) },
  { name: 'commit of 64 rows', each: 64, unit: 'rows', work: (database) => appends.get(database)?.(64) },
  {
    name: 'transaction of 2 statements',
    each: 1,
    unit: 'transactions',
    work: (database) =>
      database.transaction(async (trx) => {
        await sql`update users set display_name = 'bench' where display_name = 'bench'`.execute(trx)
        await sql`update runs set last_event = last_event + 1 where kind = 'bench'`.execute(trx)
      }),
  },
  {
    name: 'read one row',
    each: 1,
    unit: 'reads',
    work: ({ db }) => db.selectFrom('users').selectAll().where('display_name', '=', 'bench').execute(),
  },
]

async function main(): Promise<void> {
  const dir = await mkdtemp(path.join(values.dir, 'gabee-bench-'))
  const own = `gabee_bench_${newId().replaceAll('-', '')}`
  const admin = server === undefined ? undefined : new pg.Client(server)
  const log = createLog('warn')
  try {
    print(
      `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, Node ${process.version}`,
    )
    print(`disk under ${values.dir}: write 8 kB and sync: ${await measureDisk(dir)}`)

    const databases: Database[] = []
    await openDatabase({ dir, log }).then((first) => first[Symbol.asyncDispose]())
    const started = performance.now()
    databases.push(await openDatabase({ dir, log }))
    print(`embedded: open an existing database: ${Math.round(performance.now() - started)} ms`)
    if (admin !== undefined && server !== undefined) {
      await admin.connect()
      await admin.query(`create database ${own}`)
      const url = new URL(server)
      url.pathname = own
      databases.push(await openDatabase({ url: url.href, dir, log }))
      const { rows } = await admin.query<{ all: string }>(
        `select string_agg(name || '=' || setting, ' ') as all from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit')`,
      )
      print(`postgres: ${rows[0]?.all}`)
    }

    const appends = new Map<Database, Append>()
    for (const database of databases) appends.set(database, await createAppend(database))
    for (const { name, each, unit, work } of measurements(appends)) {
      const ms = new Map<Database, number[]>(databases.map((database) => [database, []]))
      for (let round = 0; round < rounds; round++)
        for (const [database, all] of ms) all.push(...(await measure(commits / rounds, () => work(database))))
      for (const [{ kind }, all] of ms) print(`${`${kind}: ${name}`.padEnd(40)} ${figures(all, each, unit)}`)
    }
    for (const database of databases) await database[Symbol.asyncDispose]()
    await admin?.query(`drop database ${own}`)
  } finally {
    await admin?.end()
    await rm(dir, { recursive: true, force: true })
  }
}

await main()
