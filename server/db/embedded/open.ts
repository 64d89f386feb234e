import { mkdirSync } from 'node:fs'
import type { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { channels } from '../channels.ts'
import type { Db, Trx } from '../database.ts'
import type { Engine } from '../engine.ts'
import { directoryUnusable } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { createPool } from '../pool.ts'
import { CHORE_TIMES, type ChoreTimes, startChores } from './chores.ts'
import { databaseDirectory } from './directory.ts'
import { lockDirectory } from './lock.ts'
import { createDatabase, startSupervised } from './supervised.ts'

type Options = { dir: string; log: Log; limits: Limits; choreTimes?: ChoreTimes }

/**
 * Opens the PostgreSQL that is embedded in the data directory, making it first when there is none. It has one session,
 * so the pool has one connection, and whoever asks for it is served in order.
 */
export async function openEmbedded({ dir, log, limits, choreTimes = CHORE_TIMES }: Options): Promise<Engine> {
  makeDirectory(dir)
  const lock = lockDirectory(dir)
  try {
    const path = await databaseDirectory(dir, createDatabase)
    const supervised = startSupervised({ dir: path, log, limits })
    await supervised.open().catch((error: AppError) => {
      throw directoryUnusable(path, error.cause)
    })
    const pool = createPool(
      { max: 1, idleTimeoutMillis: 0, user: 'postgres', database: 'postgres', ssl: false },
      supervised.connect,
      { log, limits },
    )
    const chores = startChores(pool, supervised.stats, log, choreTimes)
    return {
      kind: 'embedded',
      pool,
      ...inProcess(),
      stats: () => ({ ...supervised.stats(), walBytesSinceCheckpoint: chores.walBytes() }),
      rest: chores.end,
      async close() {
        await supervised.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw directoryUnusable(dir, error)
  }
}

/**
 * Listening and notifying without a server, by the server's rule: what is sent in a transaction is delivered when that
 * has committed, and never if it does not.
 */
function inProcess(): Pick<Engine, 'transaction' | 'listen' | 'notify'> {
  const listening = channels()
  const sent = new WeakMap<Db, (() => void)[]>()
  return {
    async transaction<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T> {
      const later: (() => void)[] = []
      const result = await db.transaction().execute((trx) => {
        sent.set(trx, later)
        return work(trx)
      })
      for (const deliver of later) deliver()
      return result
    },
    async listen(channel, onPayload) {
      const remove = listening.add(channel, { onPayload, onReconnect: undefined })
      return async () => remove()
    },
    async notify(on, channel, payload) {
      const deliver = (): void => listening.deliver(channel, payload)
      if (!on.isTransaction) return deliver()
      const later = sent.get(on)
      if (later === undefined) throw new Error('notify() takes only a transaction that transaction() made.')
      later.push(deliver)
    },
  }
}
