import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, openSync, readdirSync, renameSync, utimesSync, writeSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestDatabase, openTestDatabase } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { openDatabase } from '../open.ts'
import { DurableNodeFS } from './durable-fs.ts'
import { gauge, newGauges } from './gauges.ts'
import { openPglite } from './pglite.ts'
import { queryRequest } from './requests.ts'
import { createSessionServer } from './session-server.ts'

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

  test('is synced once for statements that wait together, and always before their responses', async () => {
    await using source = await createTestDatabase('embedded')
    const gauges = newGauges()
    const options = { statementTimeoutMs: 0, onLine: () => {} }
    const { engine, fs } = await openPglite(path.join(source.dir, 'database'), gauges, options)
    const count = 20
    const syncsBefore: number[] = []
    const done = Promise.withResolvers<void>()
    const syncs = () => Number(gauges[gauge.syncs])
    const sessions = createSessionServer(engine, fs, gauges, {
      onResponse(session, bytes) {
        expect(Buffer.from(bytes).toString('latin1')).toContain('INSERT 0 1')
        expect(fs.isSyncDue).toBe(false)
        syncsBefore.push(syncs())
        if (session === count) done.resolve()
      },
      onBroken: (thrown) => {
        throw thrown
      },
    })
    const before = syncs()
    for (let i = 1; i <= count; i++)
      sessions.handle(i, queryRequest(`insert into settings (key, value) values ('${i}', '{}')`))
    await done.promise
    expect(syncsBefore).toHaveLength(count)
    expect(Math.min(...syncsBefore)).toBeGreaterThan(before)
    expect(syncs() - before).toBeLessThan(count)
    await sessions.close()
  })

  test('is synced before any other file changes', async () => {
    await using source = await createTestDatabase('embedded')
    const fs = new DurableNodeFS(source.dir, newGauges())
    const calls: string[] = []
    const record = (name: string) => () => calls.push(`${name}, ${fs.isSyncDue ? 'not synced' : 'synced'}`)
    const names = ['mknod', 'rename', 'rmdir', 'setattr', 'symlink', 'unlink'] as const
    const node_ops = Object.fromEntries(names.map((name) => [name, record(name)]))
    const stream_ops: Record<string, (...values: unknown[]) => unknown> = {
      write: record('write'),
      close: record('close'),
      setattr: record('setattr'),
    }
    const { emscriptenOpts } = await fs.init(undefined as never, {})
    const patch = (emscriptenOpts.preRun as ((module: object) => void)[]).at(-1)
    patch?.({ FS: { filesystems: { NODEFS: { node_ops, stream_ops } } } })
    fs.opened()

    const [segment, table] = ['pg_wal/000000010000000000000001', 'base/1'].map((name, i) => ({
      path: `/pglite/data/${name}`,
      nfd: openSync(path.join(source.dir, `file-${i}`), 'w'),
    }))
    if (segment === undefined || table === undefined) throw new Error('Two files were opened.')
    const commit = () => {
      stream_ops['write']?.(segment, new Uint8Array(1), 0, 1, 0)
      writeSync(segment.nfd, 'x')
      stream_ops['fsync']?.(segment)
      expect(fs.isSyncDue).toBe(true)
    }
    commit()
    commit()
    expect(calls.splice(0)).toEqual(['write, synced', 'write, not synced'])
    const others = [
      () => stream_ops['write']?.(table, new Uint8Array(1), 0, 1, 0),
      () => stream_ops['setattr']?.(table, {}),
      () => stream_ops['close']?.(segment),
      ...names.map((name) => () => node_ops[name]?.()),
    ]
    for (const change of others) {
      commit()
      calls.length = 0
      change()
      expect(calls).toEqual([expect.stringMatching(/, synced$/)])
    }
    commit()
    closeSync(segment.nfd)
    expect(() => fs.sync()).toThrow('EBADF')
    closeSync(table.nfd)
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
  })

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
