import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Database, openDatabase } from '../../server/db/index.ts'
import { openTestDatabase } from '../databases.ts'
import { log } from './runs.ts'

export type TestCluster = {
  database: Database
  /** Opens the database for another node; returns the same one when it is embedded. */
  another(): Promise<Database>
  close(): Promise<void>
}

export async function openCluster(kind: Database['kind']): Promise<TestCluster> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase(kind))
  const opened = stack.move()
  return {
    database,
    async another() {
      const { url } = database.source
      if (url === undefined) return database
      const dir = await mkdtemp(path.join(tmpdir(), 'gabee-node-'))
      opened.defer(async () => rm(dir, { recursive: true, force: true }))
      return opened.use(await openDatabase({ url, dir, log }))
    },
    close: async () => opened.disposeAsync(),
  }
}
