import type { Pool, PoolClient } from 'pg'
import type { Log } from '../../log.ts'
import type { Supervised } from './supervised.ts'

/** When the chores are done, in ms and bytes. */
export type ChoreTimes = {
  tick: number
  /** A checkpoint of these many bytes of WAL is quick, and done when nobody has asked anything for `pause`. */
  checkpointInPause: number
  pause: number
  /** A checkpoint is done now, whoever waits: with it ends what a start after a crash has to read again. */
  checkpointAt: number
  checkpointEvery: number
  /** Tables are tidied when nobody has asked anything for `idle`; and in a pause, when that did not come for `tidyEvery`. */
  idle: number
  tidyEvery: number
}

export const CHORE_TIMES: ChoreTimes = {
  tick: 1_000,
  checkpointInPause: 8 << 20,
  pause: 500,
  checkpointAt: 64 << 20,
  checkpointEvery: 5 * 60_000,
  idle: 10_000,
  tidyEvery: 10 * 60_000,
}

/** As the server's own autovacuum decides it. */
const UNTIDY = `
  with tables as (
    select format('%I.%I', s.schemaname, s.relname) as name, greatest(c.reltuples, 0) as rows,
      s.n_dead_tup as dead, s.n_ins_since_vacuum as inserted, s.n_mod_since_analyze as changed
    from pg_stat_user_tables s join pg_class c on c.oid = s.relid
  )
  select name, dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows as vacuum, changed > 50 + 0.1 * rows as analyze
  from tables
  where dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows or changed > 50 + 0.1 * rows
  order by dead desc`

type Untidy = { name: string; vacuum: boolean; analyze: boolean }

/**
 * Does what a server's background processes do, as the embedded engine has none: checkpoints, vacuum and analyze.
 * Each takes the only session like any other statement, in its turn and, where it can wait, when nobody else wants it.
 */
export function startChores(pool: Pool, stats: Supervised['stats'], log: Log, times: ChoreTimes) {
  let lastUse = performance.now()
  let lastTidied = performance.now()
  let checkpointed = { at: performance.now(), walBytes: 0 }
  let atWork: Promise<void> | undefined
  let isOwn = false

  pool.on('acquire', () => {
    if (!isOwn) lastUse = performance.now()
  })
  const quietFor = (ms: number): boolean =>
    pool.waitingCount === 0 && pool.idleCount === pool.totalCount && performance.now() - lastUse >= ms

  /** After its engine was started anew the count begins again, and recovery has ended with a checkpoint. */
  function walBytes(): number {
    const now = stats().walBytes
    if (now < checkpointed.walBytes) checkpointed = { at: performance.now(), walBytes: 0 }
    return now - checkpointed.walBytes
  }

  function isCheckpointDue(): boolean {
    const written = walBytes()
    if (written >= times.checkpointAt) return true
    if (written > 0 && performance.now() - checkpointed.at >= times.checkpointEvery) return true
    return written >= times.checkpointInPause && quietFor(times.pause)
  }

  function isTidyingDue(): boolean {
    if (lastUse < lastTidied) return false
    const late = performance.now() - lastTidied >= times.tidyEvery
    return quietFor(late ? times.pause : times.idle)
  }

  async function withSession(work: (session: PoolClient) => Promise<void>): Promise<void> {
    isOwn = true
    const session = await pool.connect()
    isOwn = false
    let failed: Error | undefined
    try {
      await session.query('set statement_timeout = 0')
      await work(session)
      await session.query('reset statement_timeout')
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      session.release(failed)
    }
  }

  async function checkpoint(): Promise<void> {
    await withSession(async (session) => {
      const started = performance.now()
      const bytes = walBytes()
      await session.query('checkpoint')
      checkpointed = { at: performance.now(), walBytes: stats().walBytes }
      log.debug({ ms: Math.round(performance.now() - started), bytes }, 'checkpoint')
    })
  }

  /** Table by table, as long as nobody else comes. */
  async function tidy(): Promise<void> {
    const began = performance.now()
    let tables: Untidy[] = []
    await withSession(async (session) => {
      await session.query('select pg_stat_force_next_flush()')
      tables = (await session.query<Untidy>(UNTIDY)).rows
    })
    for (const { name, vacuum, analyze } of tables) {
      if (ended || lastUse > began) return
      const command = vacuum ? `vacuum${analyze ? ' (analyze)' : ''}` : 'analyze'
      const started = performance.now()
      await withSession(async (session) => void (await session.query(`${command} ${name}`)))
      log.debug({ ms: Math.round(performance.now() - started), table: name }, command)
    }
    lastTidied = performance.now()
  }

  let ended = false
  const ticking = setInterval(() => {
    const chore = isCheckpointDue() ? checkpoint : isTidyingDue() ? tidy : undefined
    if (atWork !== undefined || chore === undefined) return
    atWork = chore()
      .catch((error: unknown) => log.warn({ err: error }, 'a chore of the embedded database failed'))
      .finally(() => {
        isOwn = false
        atWork = undefined
      })
  }, times.tick)

  return {
    /** Written to the WAL since the last checkpoint. */
    walBytes,
    /** Begins nothing more, and waits for what is under way. */
    async end(): Promise<void> {
      ended = true
      clearInterval(ticking)
      await atWork
    },
  }
}
