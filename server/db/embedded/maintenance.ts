import type { Pool, PoolClient } from 'pg'
import type { Log } from '../../log.ts'
import type { SupervisedEngine } from './supervisor.ts'

/** When maintenance runs. */
export const defaultSchedule = {
  tickMs: 1_000,
  /** WAL bytes from which a checkpoint runs when the database has been idle for `pauseMs`: a checkpoint of this size is quick. */
  pauseCheckpointBytes: 8 << 20,
  pauseMs: 500,
  /**
   * WAL bytes from which a checkpoint runs even while statements wait; limits the WAL that recovery after a crash
   * reads.
   */
  maxWalBytes: 64 << 20,
  /** PostgreSQL's default `checkpoint_timeout`. */
  maxCheckpointIntervalMs: 5 * 60_000,
  /** Tables are vacuumed when the database has been idle for `idleMs`, or for `pauseMs` after `maxVacuumIntervalMs`. */
  idleMs: 10_000,
  maxVacuumIntervalMs: 10 * 60_000,
  /**
   * A purge rewrites a table up to this size, about half a second of work, when the database has been idle for
   * `pauseMs`; a larger one after `idleMs` for each such part, because it blocks everything else for longer.
   */
  pausePurgeBytes: 16 << 20,
  /** A large table is rewritten after this time at the latest, in any pause. */
  maxPurgeDelayMs: 24 * 60 * 60_000,
}

export type MaintenanceSchedule = typeof defaultSchedule

/** Selects tables by the thresholds of autovacuum (PostgreSQL documentation, section 24.1.6). */
const TABLES_TO_VACUUM = `
  with tables as (
    select format('%I.%I', s.schemaname, s.relname) as name, greatest(c.reltuples, 0) as rows,
      s.n_dead_tup as dead, s.n_ins_since_vacuum as inserted, s.n_mod_since_analyze as changed
    from pg_stat_user_tables s join pg_class c on c.oid = s.relid
  )
  select name, dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows as vacuum, changed > 50 + 0.1 * rows as analyze
  from tables
  where dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows or changed > 50 + 0.1 * rows
  order by dead desc`

/** Selects the tables with pages, and their deleted and changed rows, the smallest first. A crash resets the counts. */
const CHANGED_TABLES = `
  select format('%I.%I', schemaname, relname) as name, pg_total_relation_size(relid)::float8 as bytes,
    (n_tup_del + n_tup_upd)::float8 as changes
  from pg_stat_user_tables where pg_relation_size(relid) > 0 order by bytes`

type ChangedTable = { name: string; bytes: number; changes: number }
type TableToVacuum = { name: string; vacuum: boolean; analyze: boolean }

/**
 * Runs checkpoints, vacuum and analyze, because the embedded engine has no background processes. They share the only
 * session with other statements, and run when the database is idle unless they are overdue.
 */
export function startMaintenance(
  pool: Pool,
  stats: SupervisedEngine['stats'],
  log: Log,
  schedule: MaintenanceSchedule,
) {
  let lastUse = performance.now()
  let lastVacuum = performance.now()
  let lastCheckpoint = { at: performance.now(), walBytes: 0 }
  let running: Promise<void> | undefined
  let isOwnUse = false

  const onUse = (): void => {
    if (!isOwnUse) lastUse = performance.now()
  }
  pool.on('acquire', onUse).on('release', onUse)
  const isIdleFor = (ms: number): boolean =>
    pool.waitingCount === 0 && pool.idleCount === pool.totalCount && performance.now() - lastUse >= ms

  /** The engine counts from its start, at which recovery ends with a checkpoint. */
  function walBytes(): number {
    const now = stats().walBytes
    if (now < lastCheckpoint.walBytes) lastCheckpoint = { at: performance.now(), walBytes: 0 }
    return now - lastCheckpoint.walBytes
  }

  function isCheckpointDue(): boolean {
    const written = walBytes()
    if (written >= schedule.maxWalBytes) return true
    if (written > 0 && performance.now() - lastCheckpoint.at >= schedule.maxCheckpointIntervalMs) return true
    return written >= schedule.pauseCheckpointBytes && isIdleFor(schedule.pauseMs)
  }

  function isVacuumDue(): boolean {
    if (lastUse < lastVacuum) return false
    const isLate = performance.now() - lastVacuum >= schedule.maxVacuumIntervalMs
    return isIdleFor(isLate ? schedule.pauseMs : schedule.idleMs)
  }

  async function withSession(work: (session: PoolClient) => Promise<void>): Promise<void> {
    isOwnUse = true
    const session = await pool.connect()
    isOwnUse = false
    let failed: Error | undefined
    try {
      await session.query('set statement_timeout = 0')
      await work(session)
      await session.query('reset statement_timeout')
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      isOwnUse = true
      session.release(failed)
      isOwnUse = false
    }
  }

  async function checkpoint(): Promise<void> {
    await withSession(async (session) => {
      const started = performance.now()
      const bytes = walBytes()
      await session.query('checkpoint')
      lastCheckpoint = { at: performance.now(), walBytes: stats().walBytes }
      log.debug({ ms: Math.round(performance.now() - started), bytes }, 'checkpoint')
    })
  }

  /** Vacuums tables one at a time until another caller uses the database. */
  async function vacuum(): Promise<void> {
    const startedAt = performance.now()
    let tables: TableToVacuum[] = []
    await withSession(async (session) => {
      await session.query('select pg_stat_force_next_flush()')
      tables = (await session.query<TableToVacuum>(TABLES_TO_VACUUM)).rows
    })
    for (const { name, vacuum: needsVacuum, analyze } of tables) {
      if (isStopped || lastUse > startedAt) return
      const command = needsVacuum ? `vacuum${analyze ? ' (analyze)' : ''}` : 'analyze'
      const started = performance.now()
      await withSession(async (session) => void (await session.query(`${command} ${name}`)))
      log.debug({ ms: Math.round(performance.now() - started), table: name }, command)
    }
    lastVacuum = performance.now()
  }

  /** Changes by table that earlier purges have covered; undefined before the first one, which covers every table. */
  let purgedChanges: Map<string, number> | undefined
  let purge: { tables: ChangedTable[]; requests: PromiseWithResolvers<void>[]; since: number } | undefined
  let purgeRequests: PromiseWithResolvers<void>[] = []

  function isPurgeDue(): boolean {
    if (purge === undefined) return purgeRequests.length > 0 && isIdleFor(schedule.pauseMs)
    const isLate = performance.now() - purge.since >= schedule.maxPurgeDelayMs
    const size = (purge.tables[0]?.bytes ?? 0) / schedule.pausePurgeBytes
    return isIdleFor(size <= 1 || isLate ? schedule.pauseMs : schedule.idleMs * size)
  }

  async function listChangedTables(): Promise<ChangedTable[]> {
    let tables: ChangedTable[] = []
    await withSession(async (session) => {
      await session.query('select pg_stat_force_next_flush()')
      tables = (await session.query<ChangedTable>(CHANGED_TABLES)).rows
    })
    return tables.filter(({ name, changes }) => changes !== purgedChanges?.get(name))
  }

  /**
   * Rewrites changed tables, which keep deleted rows in their pages, until another caller needs the database; then the
   * planner's statistics, which contain values. Last, a checkpoint deletes the WAL files, as `wal_recycle` is off.
   */
  async function continuePurge(): Promise<void> {
    if (purge === undefined) {
      purge = { tables: [], requests: purgeRequests, since: performance.now() }
      purgeRequests = []
      purge.tables = await listChangedTables()
    }
    for (let table = purge.tables[0]; table; table = purge.tables[0]) {
      // Other callers can run between two small tables.
      if (isStopped || (table.bytes > schedule.pausePurgeBytes && !isPurgeDue())) return
      const { name, changes } = table
      await withSession(async (session) => {
        // Analyzing a table that has become empty keeps the former statistics.
        await session.query('delete from pg_statistic where starelid = $1::regclass', [name])
        await session.query(`vacuum (full, analyze) ${name}`)
      })
      ;(purgedChanges ??= new Map()).set(name, changes)
      purge.tables.shift()
    }
    await withSession(async (session) => {
      await session.query('vacuum full pg_statistic')
      await session.query('select pg_switch_wal()')
    })
    await checkpoint()
    for (const request of purge.requests) request.resolve()
    purge = undefined
  }

  let isStopped = false
  let isPaused = false
  const timer = setInterval(() => {
    const task = isCheckpointDue()
      ? checkpoint
      : isPurgeDue()
        ? continuePurge
        : isVacuumDue()
          ? vacuum
          : undefined
    if (running !== undefined || isPaused || task === undefined) return
    running = task()
      .catch((error: unknown) => log.warn({ err: error }, 'maintenance of the embedded database failed'))
      .finally(() => {
        isOwnUse = false
        running = undefined
      })
  }, schedule.tickMs)

  return {
    /** Bytes written to the WAL since the last checkpoint. */
    walBytes,
    /** Resolves when no file contains rows that were deleted before the call. Never resolves after `stop`. */
    purge(): Promise<void> {
      const request = Promise.withResolvers<void>()
      purgeRequests.push(request)
      return request.promise
    },
    /** Runs a checkpoint, then `work`, during which there is no other one. */
    async betweenCheckpoints(work: () => Promise<void>): Promise<void> {
      isPaused = true
      try {
        await running
        await checkpoint()
        await work()
      } finally {
        isPaused = false
      }
    },
    /** Starts no further task and waits for the running one. */
    async stop(): Promise<void> {
      isStopped = true
      clearInterval(timer)
      await running
    },
  }
}
