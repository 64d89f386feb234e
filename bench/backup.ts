/**
 * Measures a backup while questions are answered, and its restore, with the commands.
 *
 *     node bench/backup.ts [--gigabytes 1] [--url postgres://user@host/postgres]
 *
 * Half of the data are original files of 4 MB, half are messages of 4 KB of random text. Without a URL the database is
 * embedded; the URL is that of a server whose user can create databases. Questions are asked one at a time of a
 * scripted model that sends 20 tokens, one every 20 ms. Needs four times the disk space.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import pg from 'pg'
import { type Database, type Db, newId, openDatabase } from '../server/db/index.ts'
import { originals } from '../server/knowledge/index.ts'
import { upsertDocument } from '../server/knowledge/store/documents.ts'
import { insertVersion } from '../server/knowledge/store/versions.ts'
import { createLog } from '../server/log.ts'
import { askStream, createConversation } from '../test/builders.ts'
import type { TestClient } from '../test/client.ts'
import { readEvents } from '../test/events.ts'
import { startOllama } from '../test/model-servers.ts'
import { startServer } from '../test/server-process.ts'
import { fixed, print, quantile } from './data.ts'

const { values } = parseArgs({
  options: { gigabytes: { type: 'string', default: '1' }, url: { type: 'string' } },
})
const bytes = Number(values.gigabytes) * 1e9
const fileBytes = 4e6
const messageBytes = 4_096
const messagesPerStatement = 2_000
const log = createLog('error')

await using stack = new AsyncDisposableStack()
const dir = await mkdtemp(path.join(tmpdir(), 'gabee-bench-'))
stack.defer(() => rm(dir, { recursive: true, force: true }))

/** Creates an empty database for a data directory. */
async function createTarget(name: string): Promise<Record<string, string>> {
  const dataDir = path.join(dir, name)
  await mkdir(dataDir)
  if (values.url === undefined) return { DATA_DIR: dataDir }
  const database = `gabee_bench_${process.pid}_${name}`
  const execute = async (statement: string) => {
    const client = new pg.Client({ connectionString: values.url })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await execute(`create database ${database}`)
  stack.defer(() => execute(`drop database ${database} with (force)`))
  const url = new URL(values.url)
  url.pathname = database
  return { DATA_DIR: dataDir, DATABASE_URL: url.href }
}

async function writeFiles(database: Database, dataDir: string, aveeId: string): Promise<void> {
  const { pathOf } = originals(dataDir)
  for (let n = 0; n < bytes / 2 / fileBytes; n += 1) {
    const content = randomBytes(fileBytes)
    const sha256 = createHash('sha256').update(content).digest('hex')
    await mkdir(path.dirname(pathOf(sha256)), { recursive: true })
    await writeFile(pathOf(sha256), content)
    await database.transaction(async (trx) => {
      const version = await insertVersion(trx, { aveeId, runId: newId(), file: 0 }, 'live')
      await upsertDocument(trx, {
        id: newId(),
        avee_id: aveeId,
        version,
        layer: 'public',
        title: `File ${n}`,
        filename: `${n}.pdf`,
        type: 'pdf',
        source: 'upload',
        source_url: null,
        sha256,
        bytes: fileBytes,
        pages: 0,
        passages: 0,
        language: null,
        embedded_by: null,
      })
    })
  }
}

async function writeMessages(db: Db, conversation: string): Promise<void> {
  for (let n = 0; n < bytes / 2 / messageBytes; n += messagesPerStatement)
    await sql`
      insert into messages (id, conversation_id, layer_used, status, role, content)
      select gen_random_uuid(), ${conversation}, 'public', 'complete', 'user',
        (select string_agg(md5(random()::text || m), '') from generate_series(1, ${messageBytes / 32}::int) as m where n > 0)
      from generate_series(1, ${messagesPerStatement}::int) as n`.execute(db)
}

/** Asks until `work` ends, at least five times. Returns the times to the first token, and between two tokens, in ms. */
async function during(client: TestClient, work: Promise<unknown>) {
  const figures = { first: [] as number[], gaps: [] as number[] }
  let isDone = false
  const ended = work.finally(() => {
    isDone = true
  })
  ended.catch(() => undefined)
  for (let n = 0; n < 5 || !isDone; n += 1) {
    const { id } = await createConversation(client, 'local')
    let last = performance.now()
    let isFirst = true
    for await (const { data } of readEvents(await askStream(client, id, `Question ${n}?`))) {
      if (data['token'] === undefined) continue
      const now = performance.now()
      ;(isFirst ? figures.first : figures.gaps).push(now - last)
      isFirst = false
      last = now
    }
  }
  await ended
  return figures
}

/** Runs a command; resolves with the seconds that it took. */
async function gabee(settings: Record<string, string>, ...args: string[]): Promise<number> {
  const startedAt = performance.now()
  const child: ChildProcess = spawn(process.execPath, ['server/main.ts', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error(`${args[0]} ended with ${child.exitCode}.`)
  return (performance.now() - startedAt) / 1_000
}

await using ollama = await startOllama()
ollama.always('/api/chat', { tokens: Array.from({ length: 20 }, (_, i) => ` word${i}`), delayMs: 20 })
const source = await createTarget('source')
const settings = { ...source, OLLAMA_BASE_URL: ollama.url, LIMIT_QUESTIONS_PER_MINUTE: '0' }
let databaseBytes = 0
{
  // The first start creates the owner and their avee.
  await using server = await startServer(settings)
  const { avee_id: aveeId, id } = await createConversation(server, 'local')
  await server.stop()
  await using database = await openDatabase({
    dir: source['DATA_DIR'] ?? '',
    url: source['DATABASE_URL'],
    log,
  })
  await writeFiles(database, source['DATA_DIR'] ?? '', aveeId)
  await writeMessages(database.db, id)
  const { rows } = await sql<{ size: string }>`select pg_database_size(current_database()) as size`.execute(
    database.db,
  )
  databaseBytes = Number(rows[0]?.size)
}
const file = path.join(dir, 'bench.backup')
let backupSeconds = 0
{
  await using server = await startServer(settings)
  const before = await during(server, Promise.resolve())
  const meanwhile = await during(
    server,
    gabee({ GABEE_URL: server.url }, 'backup', file).then((seconds) => {
      backupSeconds = seconds
    }),
  )
  const row = (delays: number[]) =>
    [0.5, 0.99, 1].map((share) => `${fixed(quantile(delays, share), 0)} ms`).join(' | ')
  print('| answers | p50 | p99 | max |\n| --- | --- | --- | --- |')
  print(`| first token, before | ${row(before.first)} |`)
  print(`| first token, during the backup | ${row(meanwhile.first)} |`)
  print(`| between tokens, before | ${row(before.gaps)} |`)
  print(`| between tokens, during the backup | ${row(meanwhile.gaps)} |`)
}
const restoreSeconds = await gabee(await createTarget('target'), 'restore', file)
const gigabytes = (size: number) => `${fixed(size / 1e9, 1)} GB`
print(
  `database ${gigabytes(databaseBytes)}, files ${gigabytes(bytes / 2)}, backup ${gigabytes((await stat(file)).size)}; ` +
    `backup ${fixed(backupSeconds, 0)} s, restore ${fixed(restoreSeconds, 0)} s`,
)
