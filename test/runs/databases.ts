import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type Database, openDatabase } from '../../server/db/index.ts'
import { log } from './room.ts'

export type Store = {
  /** A connection of a further node; where there can be one process only, the same again. */
  another(): Promise<Database>
  database: Database
  close(): Promise<void>
}

export const engines = ['embedded', 'postgres'] as const

export async function openStore(engine: (typeof engines)[number]): Promise<Store> {
  const dir = await mkdtemp(path.join(tmpdir(), 'gabee-runs-'))
  const url = engine === 'postgres' ? await newDatabase() : undefined
  const open = async () => openDatabase({ dir, log, ...(url && { url }) })
  const database = await open()
  const opened = [database]
  return {
    database,
    async another() {
      if (engine === 'embedded') return database
      const next = await open()
      opened.push(next)
      return next
    },
    async close() {
      for (const each of opened) await each[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export async function newDatabase(): Promise<string> {
  const address = new URL(process.env['TEST_DATABASE_URL'] ?? '')
  const client = new pg.Client(address.href)
  await client.connect()
  const name = `runs_${process.pid}_${Math.random().toString(36).slice(2)}`
  await client.query(`create database ${name}`)
  await client.end()
  address.pathname = name
  return address.href
}
