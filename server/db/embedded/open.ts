import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AppError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { createChannels } from '../channels.ts'
import type { Db, Trx } from '../database.ts'
import type { Engine } from '../engine.ts'
import { directoryUnusable } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { readSnapshot } from '../snapshot.ts'
import { copyDatabase } from './copy.ts'
import { prepareDirectory } from './directory.ts'
import { lockDirectory } from './lock.ts'
import { defaultSchedule, type MaintenanceSchedule, startMaintenance } from './maintenance.ts'
import { createEmbeddedPool, openDirectory } from './open-pool.ts'
import { shareConnection } from './shared-connection.ts'
import { createDatabase, startEngine } from './supervisor.ts'

type Options = { dir: string; log: Log; limits: Limits; schedule?: MaintenanceSchedule }

/**
 * Opens the PostgreSQL embedded in the data directory, creating it if needed. It has one session, so the pool has one
 * connection, which serves callers in order.
 */
export async function openEmbedded({
  dir,
  log,
  limits,
  schedule = defaultSchedule,
}: Options): Promise<Engine> {
  makeDirectory(dir)
  const lock = lockDirectory(dir)
  try {
    deleteCopies(dir)
    const path = await prepareDirectory(dir, createDatabase)
    const engine = startEngine({ dir: path, log, limits })
    await engine.open().catch((error: AppError) => {
      throw directoryUnusable(path, error.cause)
    })
    const pool = createEmbeddedPool(engine, { log, limits })
    const maintenance = startMaintenance(pool, engine.stats, log, schedule)
    const connections = shareConnection(pool, limits.connectTimeoutMs)
    let isCopyKept = false
    return {
      kind: 'embedded',
      pool,
      connections,
      ...createInProcessNotifications(),
      stats: () => ({
        ...engine.stats(),
        waiting: pool.waitingCount + connections.waitingCount(),
        walBytesSinceCheckpoint: maintenance.walBytes(),
      }),
      purge: maintenance.purge,
      stop: maintenance.stop,
      async readSnapshot(work) {
        const copy = join(dir, snapshotName)
        try {
          await copyDatabase(path, copy, maintenance.betweenCheckpoints)
          await using opened = await openDirectory(copy, log)
          return await readSnapshot(opened.pool, work)
        } finally {
          deleteCopies(dir)
        }
      },
      copy: {
        async keep() {
          await copyDatabase(path, join(dir, copyName), maintenance.betweenCheckpoints)
          isCopyKept = true
        },
        async delete() {
          isCopyKept = false
          deleteCopies(dir)
        },
      },
      async close() {
        await engine.close()
        if (isCopyKept) {
          rmSync(path, { recursive: true })
          renameSync(join(dir, copyName), path)
        }
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Copies of the database in the data directory: of its contents at one moment, and from before a migration. */
const snapshotName = 'database.snapshot'
const copyName = 'database.before-migration'

/** Also deletes copies that a crash has left behind, because they contain rows that were deleted since. */
function deleteCopies(dir: string): void {
  for (const name of [snapshotName, copyName]) rmSync(join(dir, name), { recursive: true, force: true })
}

function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw directoryUnusable(dir, error)
  }
}

/**
 * Implements notifications within the process by PostgreSQL's rule: a payload that is sent in a transaction is delivered
 * after its commit, and never after a rollback.
 */
function createInProcessNotifications(): Pick<Engine, 'transaction' | 'listen' | 'notify'> {
  const channels = createChannels()
  const deliveriesOf = new WeakMap<Db, (() => void)[]>()
  return {
    async transaction<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T> {
      const deliveries: (() => void)[] = []
      const result = await db.transaction().execute((trx) => {
        deliveriesOf.set(trx, deliveries)
        return work(trx)
      })
      for (const deliver of deliveries) deliver()
      return result
    },
    async listen(channel, onPayload) {
      const remove = channels.add(channel, { onPayload, onReconnect: undefined })
      return async () => remove()
    },
    async notify(on, channel, payload) {
      const deliver = (): void => channels.deliver(channel, payload)
      if (!on.isTransaction) return deliver()
      const deliveries = deliveriesOf.get(on)
      if (deliveries === undefined)
        throw new Error('notify() requires a transaction that transaction() started.')
      deliveries.push(deliver)
    },
  }
}
