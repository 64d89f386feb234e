import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readdirSync, renameSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestDatabase, openTestDatabase } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { openDatabase } from '../open.ts'

const log = createLog('silent')
const put = (key: string) => sql`insert into settings (key, value) values (${key}, '{}')`

describe('committed data', () => {
  test('is synced to disk by each commit, while reading does not sync', async () => {
    await using database = await openTestDatabase('embedded')
    const syncs = () => database.stats()['syncs'] ?? 0
    for (const key of ['a', 'b', 'c']) {
      const before = syncs()
      await put(key).execute(database.db)
      expect(syncs()).toBeGreaterThan(before)
    }
    const before = syncs()
    await sql`select * from settings`.execute(database.db)
    expect(syncs()).toBe(before)
  })

  test('survives a kill of the process, which can restart at once', async () => {
    await using source = await createTestDatabase('embedded')
    const program = `
      import { openDatabase } from ${JSON.stringify(new URL('../index.ts', import.meta.url))}
      import { createLog } from ${JSON.stringify(new URL('../../log.ts', import.meta.url))}
      const { sql } = await import(${JSON.stringify(import.meta.resolve('kysely'))})
      const database = await openDatabase({ dir: ${JSON.stringify(source.dir)}, log: createLog('silent') })
      for (let i = 0; ; i++) {
        const key = process.argv[1] + '-' + i
        await database.transaction(async (trx) => {
          await sql\`insert into settings (key, value) values (\${key}, '{}')\`.execute(trx)
          await sql\`insert into settings (key, value) values (\${'copy of ' + key}, '{}')\`.execute(trx)
        })
        console.log(key)
        if (i % 20 === 10) await sql\`checkpoint\`.execute(database.db)
      }`
    const acknowledged: string[] = []
    for (const [round, killAfter] of [7, 80].entries()) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, `round-${round}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      let received = 0
      for await (const key of createInterface(child.stdout)) {
        acknowledged.push(key)
        if (++received === killAfter) child.kill('SIGKILL')
      }
      await exit

      await using database = await openDatabase({ ...source, log })
      const { rows } = await sql<{ key: string }>`select key from settings`.execute(database.db)
      const stored = new Set(rows.map(({ key }) => key))
      expect(acknowledged.filter((key) => !stored.has(key))).toEqual([])
      const withoutCopy = [...stored].filter(
        (key) => !stored.has(key.startsWith('copy of ') ? key.slice('copy of '.length) : `copy of ${key}`),
      )
      expect(withoutCopy).toEqual([])
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(87)
  }, 90_000)

  test('is not synced again after a kill if it is older than the last checkpoint', async () => {
    await using source = await createTestDatabase('embedded')
    await using database = await openDatabase({ ...source, log })
    await put('a').execute(database.db)
    await using killed = await createTestDatabase('embedded')
    cpSync(source.dir, killed.dir, { recursive: true })
    const anHourAgo = Date.now() / 1_000 - 3_600
    for (const entry of readdirSync(killed.dir, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && entry.name !== 'pg_control')
        utimesSync(path.join(entry.parentPath, entry.name), anHourAgo, anHourAgo)
    await using restarted = await openDatabase({ ...killed, log })
    const { rows } = await sql<{ key: string }>`select key from settings`.execute(restarted.db)
    expect(rows).toEqual([{ key: 'a' }])
    expect(restarted.stats()['syncs']).toBeLessThan(200)
  })

  test('survives a failure of the engine, which serves the next statement', async () => {
    await using database = await openTestDatabase('embedded')
    await put('before').execute(database.db)
    const wal = path.join(database.source.dir, 'database/pg_wal')
    renameSync(wal, `${wal}-moved`)
    // The engine stops when the directory for the next WAL segment is missing.
    const failing = (async () => {
      for (;;)
        await sql`select pg_switch_wal() from (select pg_logical_emit_message(true, '', 'x')) as message`.execute(
          database.db,
        )
    })()
    await expect(failing).rejects.toMatchObject({ status: 503, code: 'database_away' })
    renameSync(`${wal}-moved`, wal)

    await put('after').execute(database.db)
    const { rows } = await sql<{ key: string }>`select key from settings order by key`.execute(database.db)
    expect(rows.map(({ key }) => key)).toEqual(['after', 'before'])
    expect(database.stats()['restarts']).toBe(1)
  })
})
