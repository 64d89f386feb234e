import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import pg from 'pg'
import type { Database, Log } from './database.ts'
import { startEngine } from './embedded/engine.ts'
import { LIMITS, type Limits } from './limits.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { dialect } from './pool.ts'
import type { Tables } from './tables.ts'

export async function openDatabase({
  url,
  dir,
  log,
  limits: some,
}: {
  url?: string
  dir: string
  log: Log
  limits?: Partial<Limits>
}): Promise<Database> {
  const limits = { ...LIMITS, ...some }
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const engine = url === undefined ? startEngine({ dir: join(dir, 'database'), log, limits }) : undefined
  const pool = new pg.Pool(
    engine === undefined
      ? { connectionString: url, max: 10, connectionTimeoutMillis: limits.wait }
      : {
          max: 1,
          user: 'postgres',
          database: 'postgres',
          stream: engine.connect,
          idleTimeoutMillis: 0,
          connectionTimeoutMillis: limits.wait,
        },
  )
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection was lost'))
  const db = new Kysely<Tables>({ dialect: dialect(pool) })
  await migrate(db, migrations, log)
  const listeners = new Map<string, Set<(payload: string) => void>>()
  const waiting = new WeakMap<object, (() => void)[]>()
  const deliver = (channel: string, payload: string) => {
    for (const listener of listeners.get(channel) ?? []) listener(payload)
  }
  return {
    kind: engine === undefined ? 'postgres' : 'embedded',
    db,
    async transaction(work) {
      const after: (() => void)[] = []
      const result = await db.transaction().execute((trx) => {
        waiting.set(trx, after)
        return work(trx)
      })
      for (const send of after) send()
      return result
    },
    async listen(channel, onPayload) {
      const all = listeners.get(channel) ?? new Set()
      listeners.set(channel, all.add(onPayload))
      return async () => {
        all.delete(onPayload)
      }
    },
    async notify(on, channel, payload) {
      const after = waiting.get(on)
      if (after === undefined) deliver(channel, payload)
      else after.push(() => deliver(channel, payload))
    },
    async ping() {
      await pool.query('select 1')
    },
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await engine?.close()
    },
  }
}
