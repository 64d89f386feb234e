import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestDatabase } from '../../../test/databases.ts'
import { createLog } from '../../log.ts'
import { defaultLimits } from '../limits.ts'
import { openDatabase } from '../open.ts'
import { prepareDirectory } from './directory.ts'
import { openEmbedded } from './open.ts'

const log = createLog('silent')
const entryPoint = new URL('../index.ts', import.meta.url)
const logging = new URL('../../log.ts', import.meta.url)

/** Opens the database in another process; returns the output of that process. */
async function openInOtherProcess(dir: string): Promise<string> {
  const program = `
    import { openDatabase } from ${JSON.stringify(entryPoint)}
    import { createLog } from ${JSON.stringify(logging)}
    try {
      const database = await openDatabase({ dir: ${JSON.stringify(dir)}, log: createLog('silent') })
      await database[Symbol.asyncDispose]()
      console.log('opened')
    } catch (error) {
      console.log(error.code + ': ' + error.message)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
  await once(child, 'close')
  return output.trim()
}

describe('a data directory', () => {
  test('is locked by one process until it closes the database', async () => {
    await using source = await createTestDatabase('embedded')
    const database = await openDatabase({ ...source, log })
    const refusal = await openInOtherProcess(source.dir)
    expect(refusal).toMatch(/^data_dir_in_use: Another server is using the data directory .*DATA_DIR/)
    expect(refusal).toContain(source.dir)
    await database.ping()
    await database[Symbol.asyncDispose]()
    expect(await openInOtherProcess(source.dir)).toBe('opened')
  })

  test('can be open once within a process', async () => {
    await using source = await createTestDatabase('embedded')
    const database = await openDatabase({ ...source, log })
    await expect(openDatabase({ ...source, log })).rejects.toMatchObject({ code: 'data_dir_in_use' })
    await database[Symbol.asyncDispose]()
    await (await openDatabase({ ...source, log }))[Symbol.asyncDispose]()
  })

  test('of another version of PostgreSQL is rejected and left unlocked', async () => {
    await using source = await createTestDatabase('embedded')
    writeFileSync(path.join(source.dir, 'database/PG_VERSION'), '17\n')
    const refused = {
      code: 'data_dir_version',
      message: expect.stringMatching(/PostgreSQL 17, .* reads version 18/),
    }
    await expect(openDatabase({ ...source, log })).rejects.toMatchObject(refused)
    await expect(openDatabase({ ...source, log })).rejects.toMatchObject(refused)
  })

  test('that is damaged is rejected with the message of the database', async () => {
    await using source = await createTestDatabase('embedded')
    writeFileSync(path.join(source.dir, 'database/global/pg_control'), Buffer.alloc(8192))
    await expect(openDatabase({ ...source, log })).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringMatching(/database.*\((PANIC|FATAL): .*\)\. /),
    })
  })

  test('that is a file is rejected', async () => {
    await using source = await createTestDatabase('embedded')
    const file = path.join(source.dir, 'file')
    writeFileSync(file, '')
    await expect(openDatabase({ dir: file, log })).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringContaining(file),
    })
  })

  test('contains a complete database or none', async () => {
    await using source = await createTestDatabase('embedded')
    const dir = path.join(source.dir, 'new')
    mkdirSync(path.join(dir, 'database.new/base'), { recursive: true })
    const failing = prepareDirectory(dir, async (temporary) => {
      expect(readdirSync(temporary)).toEqual([])
      writeFileSync(path.join(temporary, 'PG_VERSION'), '18')
      throw new Error('power cut')
    })
    await expect(failing).rejects.toThrow('power cut')
    expect(existsSync(path.join(dir, 'database'))).toBe(false)

    const created = await prepareDirectory(dir, async (temporary) =>
      writeFileSync(path.join(temporary, 'PG_VERSION'), '18'),
    )
    expect(created).toBe(path.join(dir, 'database'))
    expect(readdirSync(dir)).toEqual(['database'])
  })

  test('restores the copy that was made before a change', async () => {
    await using source = await createTestDatabase('embedded')
    const { pool, copy, stop, close } = await openEmbedded({ ...source, log, limits: defaultLimits })
    await copy?.keep()
    await pool.query('create table change (n int)')
    await stop()
    await pool.end()
    await close()
    expect(readdirSync(source.dir).toSorted()).toEqual(['database', 'database.lock'])
    await using database = await openDatabase({ ...source, log })
    const { rows } = await sql<{ name: string | null }>`select to_regclass('change') as name`.execute(
      database.db,
    )
    expect(rows).toEqual([{ name: null }])
  })

  test.skipIf(process.platform === 'win32')(
    'cannot be read by other users of the machine',
    async () => {
      await using source = await createTestDatabase('embedded')
      const dir = path.join(source.dir, 'new')
      await (await openDatabase({ dir, log }))[Symbol.asyncDispose]()
      expect(statSync(dir).mode & 0o777).toBe(0o700)
      expect(statSync(path.join(dir, 'database')).mode & 0o777).toBe(0o700)
    },
    90_000,
  )
})
