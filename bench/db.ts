/**
 * What a commit costs: the embedded store, with every commit on the disk, beside a PostgreSQL server.
 *
 *     node bench/db.ts [postgres://user@host/postgres] [--dir DIR] [--commits 2000]
 *
 * The address is of a server whose user may create databases; a database of its own is made and dropped. DIR (default:
 * a temporary directory) should be on the disk that the figures are wanted for. Both stores are measured in turns.
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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string', default: tmpdir() }, commits: { type: 'string', default: '2000' } },
})
const commits = Number(values.commits)
const ROUNDS = 10
const [server] = positionals
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const at = (sorted: number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

/** Milliseconds of each call. */
async function timed(times: number, work: (i: number) => unknown): Promise<number[]> {
  const ms: number[] = []
  for (let i = 0; i < times; i++) {
    const started = performance.now()
    await work(i)
    ms.push(performance.now() - started)
  }
  return ms
}

function figures(ms: number[], each: number, unit: string): string {
  const sorted = ms.toSorted((a, b) => a - b)
  const perSecond = (1000 * each * ms.length) / ms.reduce((sum, one) => sum + one, 0)
  return `p50 ${at(sorted, 0.5).toFixed(2)}  p99 ${at(sorted, 0.99).toFixed(2)} ms  ${Math.round(perSecond)} ${unit}/s`
}

/** The floor under every commit: 8 kB over what is there already, and a sync. */
async function measureDisk(dir: string): Promise<string> {
  const file = openSync(path.join(dir, 'sync'), 'w+')
  const page = Buffer.alloc(8192)
  for (let i = 0; i < 64; i++) writeSync(file, page, 0, page.length, i * page.length)
  fdatasyncSync(file)
  const ms = await timed(500, (i) => {
    writeSync(file, page, 0, page.length, (i % 64) * page.length)
    fdatasyncSync(file)
  })
  closeSync(file)
  return figures(ms, 1, 'syncs')
}

type Append = (rows: number) => Promise<void>

/** Appends to a run's log, as every token does. */
async function appending({ db }: Database): Promise<Append> {
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

type Measurement = { name: string; each: number; unit: string; work: (store: Database) => unknown }

const measurements = (appends: Map<Database, Append>): Measurement[] => [
  { name: 'commit of 1 row', each: 1, unit: 'rows', work: (store) => appends.get(store)?.(1) },
  { name: 'commit of 64 rows', each: 64, unit: 'rows', work: (store) => appends.get(store)?.(64) },
  {
    name: 'transaction of 2 statements',
    each: 1,
    unit: 'transactions',
    work: (store) =>
      store.transaction(async (trx) => {
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
    say(
      `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, Node ${process.version}`,
    )
    say(`disk under ${values.dir}: write 8 kB and sync: ${await measureDisk(dir)}`)

    const stores: Database[] = []
    await openDatabase({ dir, log }).then((first) => first[Symbol.asyncDispose]())
    const started = performance.now()
    stores.push(await openDatabase({ dir, log }))
    say(`embedded: open an existing database: ${Math.round(performance.now() - started)} ms`)
    if (admin !== undefined && server !== undefined) {
      await admin.connect()
      await admin.query(`create database ${own}`)
      const url = new URL(server)
      url.pathname = own
      stores.push(await openDatabase({ url: url.href, dir, log }))
      const { rows } = await admin.query<{ all: string }>(
        `select string_agg(name || '=' || setting, ' ') as all from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit')`,
      )
      say(`postgres: ${rows[0]?.all}`)
    }

    const appends = new Map<Database, Append>()
    for (const store of stores) appends.set(store, await appending(store))
    for (const { name, each, unit, work } of measurements(appends)) {
      const ms = new Map<Database, number[]>(stores.map((store) => [store, []]))
      for (let round = 0; round < ROUNDS; round++)
        for (const [store, all] of ms) all.push(...(await timed(commits / ROUNDS, () => work(store))))
      for (const [{ kind }, all] of ms) say(`${`${kind}: ${name}`.padEnd(40)} ${figures(all, each, unit)}`)
    }
    for (const store of stores) await store[Symbol.asyncDispose]()
    await admin?.query(`drop database ${own}`)
  } finally {
    await admin?.end()
    await rm(dir, { recursive: true, force: true })
  }
}

await main()
