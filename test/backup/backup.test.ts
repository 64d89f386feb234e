import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { restoreBackup } from '../../server/backup/index.ts'
import { type Db, openDatabase } from '../../server/db/index.ts'
import { createLog } from '../../server/log.ts'
import { startApp } from '../app.ts'
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

test('a backup of a server that answers questions is restored row by row, with its files', async () => {
  await using ollama = await startOllama()
  ollama.always('/api/chat', { delayMs: 2 })
  await using app = await startApp({ OLLAMA_BASE_URL: ollama.url, RUN_LEASE_MS: '15000' })
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
  const response = await client.fetch('/admin/backup', { method: 'POST' })
  const file = path.join(app.database.dir, 'test.backup')
  await writeFile(file, Buffer.from(await response.arrayBuffer()))
  isDone = true
  const ends = (await Promise.all(asking)).flat()
  expect(new Set(ends)).toEqual(new Set(['complete']))
  const after = await finishedRows(app.app.database.db)
  const { body: metrics } = await app.get<string>('/metrics')
  expect(metrics).toMatch(/^gabee_runs\{kind="chat",status="complete"\} \d+$/m)
  expect(metrics).toMatch(/^gabee_database\{figure="connections"\} 1$/m)

  await using target = await createEmptyDatabase(DATABASES.at(-1) ?? 'embedded')
  const { files } = await restoreBackup(file, { ...target, dataDir: target.dir, log })
  await using restored = await openDatabase({ ...target, log })
  const found = await finishedRows(restored.db)
  expect(files).toBe(1)
  expect([...before].every(([id, row]) => found.get(id) === row)).toBe(true)
  expect([...found].every(([id, row]) => after.get(id) === row)).toBe(true)

  // A backup is refused if it is incomplete, was changed, or would replace something.
  const restore = (from: string, dataDir: string) => restoreBackup(from, { ...target, dataDir, log })
  await expect(restore(file, app.database.dir)).rejects.toMatchObject({ code: 'data_dir_in_use' })
  await expect(restore(file, target.dir)).rejects.toMatchObject({ code: 'data_dir_not_empty' })
  const other = path.join(target.dir, 'other')
  if (target.url) await expect(restore(file, other)).rejects.toMatchObject({ code: 'database_not_empty' })
  const bytes = await readFile(file)
  await writeFile(file, bytes.subarray(0, -1_000))
  await expect(restore(file, other)).rejects.toMatchObject({ code: 'backup_unreadable' })
  const position = bytes.indexOf(text('notes'))
  await writeFile(file, bytes.fill('X', position, position + 1))
  await expect(restore(file, other)).rejects.toMatchObject({ code: 'backup_damaged' })
  expect((await readdir(other)).filter((name) => !name.startsWith('database.lock'))).toEqual([])
}, 120_000)
