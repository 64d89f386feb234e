/**
 * Measures the time from a kill -9 to a healthy server with the embedded database, by the WAL that the kill leaves since
 * the last checkpoint.
 *
 *     node bench/recovery.ts [--mb 8,16,32,64] [--rounds 3]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../scripts/services/start.ts'
import { defaultSchedule } from '../server/db/embedded/maintenance.ts'
import { openEmbedded } from '../server/db/embedded/open.ts'
import { newId, openDatabase } from '../server/db/index.ts'
import { defaultLimits } from '../server/db/limits.ts'
import { createLog } from '../server/log.ts'
import { fixed, print } from './data.ts'

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '8,16,32,64' },
    rounds: { type: 'string', default: '3' },
    /** Set in the process to be killed. */
    fill: { type: 'string' },
    wal: { type: 'string' },
  },
})
const log = createLog('error')

/** Appends events of many runs in small commits, as answers do, without any checkpoint, then reports and waits. */
async function fill(dir: string, bytes: number): Promise<void> {
  const limits = defaultLimits
  await (await openDatabase({ dir, log }))[Symbol.asyncDispose]()
  // Most files of a database are older than the last checkpoint.
  const old = new Date(Date.now() - 3_600_000)
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }))
    await utimes(path.join(entry.parentPath, entry.name), old, old)
  const schedule = { ...defaultSchedule, tickMs: 3_600_000 }
  const engine = await openEmbedded({ dir, log, limits, schedule })
  const { pool } = engine
  const user = newId()
  await pool.query(`insert into users (id, display_name) values ('${user}', 'Bench')`)
  await pool.query(`
    insert into runs (id, kind, user_id, input) select gen_random_uuid(), 'chat', '${user}', '{}' from generate_series(1, 200)`)
  await pool.query('checkpoint')
  const walBytes = () => engine.stats()['walBytes'] ?? 0
  const start = walBytes()
  for (let n = 1; walBytes() - start < bytes; n += 1)
    await pool.query(`
      with written as (insert into run_events (run_id, n, data)
        select id, ${n}, '{"token":" some words of an answer"}' from runs)
      update runs set last_event = ${n}`)
  process.stdout.write('filled\n')
  setInterval(() => {}, 1_000)
}

async function measure(mb: number): Promise<number> {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-bench-'))
  const child = spawn(process.execPath, [import.meta.filename, '--fill', dir, '--wal', `${mb << 20}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const killed = performance.now()
  const port = await freePort()
  const server = spawn(process.execPath, [path.join(import.meta.dirname, '../server/main.ts')], {
    env: { ...process.env, DATA_DIR: dir, PORT: `${port}`, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while (!(await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok) await pause(10)
  const ms = performance.now() - killed
  server.kill('SIGKILL')
  await once(server, 'exit')
  await rm(dir, { recursive: true, force: true })
  return ms
}

if (values.fill !== undefined) await fill(values.fill, Number(values.wal))
else {
  print('| WAL since the last checkpoint, MB | healthy after, ms (each round) |\n| --- | --- |')
  for (const mb of values.mb.split(',').map(Number)) {
    const rounds: number[] = []
    for (let round = 0; round < Number(values.rounds); round += 1) rounds.push(await measure(mb))
    print(`| ${mb} | ${rounds.map((ms) => fixed(ms, 0)).join(', ')} |`)
  }
}
