import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { restoreBackup } from '../../server/backup/index.ts'
import { openDirectory } from '../../server/db/embedded/open-pool.ts'
import { type Db, loadSnapshot, openDatabase, type Snapshot } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import { startApp, type TestApp } from '../app.ts'
import { ask, createConversation, registerUser, uploadFiles } from '../builders.ts'
import { createEmptyDatabase, DATABASES } from '../databases.ts'
import { startOllama } from '../model-servers.ts'

const log = createLog('silent')
const text = (word: string) => `# Lighthouse\n\nThe keeper writes ${word} every evening.\n`

/** Returns the rows of finished answers and their events, by id, as JSON texts. */
async function finishedRows(db: Db): Promise<Map<string, string>> {
  const { rows } = await sql<{ id: string; row: string }>`
    select id::text, row_to_json(m)::text as row from messages m where status = 'complete'
    union all
    select run_id || ' ' || n, row_to_json(e)::text from run_events e join runs on runs.id = run_id
    where runs.status = 'complete' and kind = 'chat'`.execute(db)
  return new Map(rows.map(({ id, row }) => [id, row]))
}

/** Runs a command in a process; `ended` resolves to its exit code and outputs. */
function gabee(settings: Record<string, string | undefined>, ...args: string[]) {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, ['server/main.ts', ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH, HOME, NODE_COMPILE_CACHE, PORT: '1', OLLAMA_BASE_URL: 'http://127.0.0.1:9', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = async () => {
    const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')])
    return { code: child.exitCode, result: out === '' ? undefined : (JSON.parse(out) as unknown), err }
  }
  return { child, ended: end() }
}

/** Returns the rows of all tables as JSON texts. */
async function rowsOf({ tables, readRows }: Snapshot): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const table of tables) {
    const rows = (await Array.fromAsync(readRows(table))).flat()
    found[table.name] = rows.map((row) => JSON.stringify(row)).toSorted()
  }
  return found
}

/** Moves a server with one document to PostgreSQL. */
async function checkMove(app: TestApp): Promise<void> {
  await using target = await createEmptyDatabase('postgres')
  const { url = '' } = target
  const { dir } = app.database
  const move = (port = '1') => gabee({ DATA_DIR: dir, PORT: port }, 'move', '--to', url, '--json')
  const whileServing = await move(new URL(app.url).port).ended
  expect(whileServing).toMatchObject({ code: 1, err: expect.stringContaining('Stop it first') as string })
  await app.app[Symbol.asyncDispose]()

  expect(await move().ended).toMatchObject({ code: 0, err: '' })
  {
    await using original = await openDatabase({ dir, log })
    await using moved = await openDatabase({ url, dir, log })
    await original.readSnapshot(async (snapshot) => {
      expect(await moved.readSnapshot(rowsOf)).toEqual(await rowsOf(snapshot))
      // A database that an interrupted command has filled is only compared.
      const moveAgain = () => loadSnapshot({ url, dir, log }, snapshot)
      await moveAgain()
      await sql`update users set display_name = 'Changed'`.execute(moved.db)
      await expect(moveAgain()).rejects.toMatchObject({ code: 'database_not_empty' })
    })
    // The migration that creates this table will be executed again, and fail.
    await sql`delete from kysely_migration where name >= '033-own-tools'`.execute(original.db)
  }
  const failed = await move().ended
  expect(failed).toMatchObject({ code: 1, err: expect.stringContaining('migration') as string })
  await using copy = await openDirectory(path.join(dir, 'database'), log)
  const { rows } = await copy.pool.query('select title from documents')
  expect(rows).toEqual([{ title: 'Lighthouse' }])
}

test('the commands back up a server that answers questions, restore it row by row, and move it', async () => {
  await using ollama = await startOllama()
  ollama.always('/api/chat', { delayMs: 2 })
  await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, RUN_LEASE_MS: '15000' }, 'embedded')
  const { client } = await registerUser(app)
  await uploadFiles(client, [{ name: 'keeper.md', content: text('notes') }])
  const conversations = await Promise.all(
    Array.from({ length: 8 }, () => createConversation(client, 'local')),
  )
  await Promise.all(conversations.map(({ id }) => ask(client, id, 'What does the keeper write?')))
  const before = await finishedRows(app.app.database.db)

  let isDone = false
  const asking = conversations.map(async ({ id }) => {
    const ends: unknown[] = []
    while (!isDone) {
      const last = (await ask(client, id, 'Does the keeper write?')).at(-1)?.data
      ends.push(last?.['error'] ?? last?.['event'])
    }
    return ends
  })
  const file = path.join(app.database.dir, 'test.backup')
  const connection = { GABEE_URL: app.url, GABEE_API_KEY: client.token }
  const backup = await gabee(connection, 'backup', file, '--json').ended
  isDone = true
  expect(backup).toMatchObject({ code: 0, result: { path: file, files: 1, damaged: [] }, err: '' })
  const ends = (await Promise.all(asking)).flat()
  expect(new Set(ends)).toEqual(new Set(['complete']))
  const after = await finishedRows(app.app.database.db)

  await using target = await createEmptyDatabase(DATABASES.at(-1) ?? 'embedded')
  const interrupted = gabee(target.settings, 'restore', file)
  await expect
    .poll(() => existsSync(path.join(target.dir, 'restoring/files')), { timeout: 60_000 })
    .toBe(true)
  interrupted.child.kill('SIGKILL')
  await interrupted.ended
  const restoredBy = await gabee(target.settings, 'restore', file, '--json').ended
  expect(restoredBy).toMatchObject({ code: 0, result: { files: 1 }, err: '' })
  expect(restoredBy.result).toMatchObject({ rows: (backup.result as { rows: number }).rows })
  expect((await readdir(target.dir)).toSorted()).toContain('files')
  await using restored = await openDatabase({ ...target, log })
  const found = await finishedRows(restored.db)
  expect([...before].every(([id, row]) => found.get(id) === row)).toBe(true)
  expect([...found].every(([id, row]) => after.get(id) === row)).toBe(true)

  // A backup is refused if it is incomplete, was changed, or would overwrite data.
  const restore = (from: string, dataDir: string) => restoreBackup(from, { ...target, dataDir, log })
  await expect(restore(file, app.database.dir)).rejects.toMatchObject({ code: 'data_dir_in_use' })
  await expect(restore(file, target.dir)).rejects.toMatchObject({ code: 'data_dir_not_empty' })
  const other = path.join(target.dir, 'other')
  await sql`update users set display_name = 'Changed'`.execute(restored.db)
  if (target.url) await expect(restore(file, other)).rejects.toMatchObject({ code: 'database_not_empty' })
  const bytes = await readFile(file)
  await writeFile(file, bytes.subarray(0, -1_000))
  await expect(restore(file, other)).rejects.toMatchObject({ code: 'backup_unreadable' })
  const position = bytes.indexOf(text('notes'))
  await writeFile(file, bytes.fill('X', position, position + 1))
  await expect(restore(file, other)).rejects.toMatchObject({ code: 'backup_damaged' })
  expect((await readdir(other)).filter((name) => !name.startsWith('database.lock'))).toEqual([])

  if (DATABASES.includes('postgres')) await checkMove(app)
}, 240_000)
