import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { validate as isUuid } from 'uuid'
import { type Database, newId, type Trx } from '../db/index.ts'
import type { Log } from '../log.ts'
import { ending, failureOf } from './ending.ts'
import { keyOfAnotherKind, shuttingDown, tooManyAttempts, unknownFormat } from './errors.ts'
import { Feeds } from './feed.ts'
import { follow } from './follow.ts'
import { hints } from './hints.ts'
import {
  canonicalFormat,
  type EventBody,
  type NewRun,
  type RunKind,
  type RunRecord,
  type Runs,
  type Started,
} from './kind.ts'
import { type Claimed, leases } from './leases.ts'
import { encode, OwnedRun } from './owned-run.ts'
import { isTransient } from './persist.ts'
import { prune, type Retention } from './retention.ts'
import {
  channel,
  deleteRuns,
  findByKey,
  findRun,
  findRunning,
  insertRun,
  listRuns,
  type RunRow,
  releaseRuns,
  requestStop,
  runsOf,
} from './store.ts'
import { tailer } from './tailer.ts'
import { worker } from './worker.ts'
import { writer } from './writer.ts'

const day = 24 * 60 * 60 * 1000
/** How long handing over may take when the database does not answer; the leases then run out by themselves. */
const handOverMs = 4000
/** Small, so that other work gets its turn between two batches. */
const deletedAtOnce = 20
/** Other nodes' runs that are read here are looked at this often even without a hint. */
const lookAnywayMs = 15_000

export type RunsParts = {
  database: Database
  log: Log
  /** The same as long as this node's data directory is: an earlier process of that name is known to be dead. */
  nodeId: string
  /** How long a node that says nothing keeps its runs. */
  leaseMs?: number
  /** How long runs may go on at shutdown before they are handed over. */
  graceMs?: number
  retention?: Partial<Retention>
  /** How many runs of dead nodes are worked on here at once. */
  takeUpLimit?: number
}

/** Long operations that outlive requests, readers, this process and this machine. */
export function runs({
  database,
  log,
  nodeId,
  leaseMs = 4000,
  graceMs = 5000,
  retention = {},
  takeUpLimit = 64,
}: RunsParts): Runs {
  const kinds = new Map<string, RunKind>()
  const owned = new Map<string, OwnedRun>()
  const feeds = new Feeds()
  const giveUp = new AbortController()
  const by = { nodeId, processId: randomUUID() }
  const told = hints(database, by.processId)
  let closing = false
  const starting = new Set<Promise<unknown>>()
  const closers: (() => Promise<void>)[] = []

  const shared = { database, feeds, hints: told, log, leaseMs, giveUp: giveUp.signal, lost }
  const news = tailer({ database, feeds, log })
  const { end } = ending({ ...shared, ended: letGo })
  const group = writer({ ...shared, refused })
  const { work } = worker({ ...shared, writer: group, end })
  const claims = leases({
    database,
    log,
    by,
    leaseMs,
    takeUpLimit,
    kinds,
    owned,
    taken: takeUp,
  })

  function record(row: RunRow): RunRecord {
    return {
      id: row.id,
      kind: row.kind,
      userId: row.user_id,
      subject: row.subject,
      scope: row.scope,
      input: row.input,
      status: row.status,
      attempt: row.attempt,
      lastEvent: row.last_event,
      error: row.error,
      createdAt: row.created_at,
      finishedAt: row.finished_at,
      eventsExpired: row.events_expired,
      shared: kinds.get(row.kind)?.shared ?? false,
    }
  }

  function own(row: RunRow, takenUp: boolean): OwnedRun {
    const run = new OwnedRun(record(row), kinds.get(row.kind), takenUp)
    owned.set(run.id, run)
    feeds.take(run.id).advance(run.committed, false)
    return run
  }

  function letGo(run: OwnedRun): void {
    if (run.gone) return
    run.leave()
    owned.delete(run.id)
    feeds.letGo(run.id)
    if (run.takenUp) claims.sweep()
  }

  /** Another node has the run, or nobody: what its worker still does counts for nothing. */
  function lost(run: OwnedRun): void {
    if (run.gone) return
    log.warn({ run: run.id, kind: run.record.kind }, 'a run was taken over by another node')
    run.abort('handed-over')
    letGo(run)
    news.look([run.id])
  }

  function takeUp(row: Claimed): void {
    const run = own(row, true)
    log.info({ run: run.id, kind: row.kind, attempt: row.attempt }, 'a run was taken up')
    if (row.resumed) background(run, work(run))
    else if (row.stop_requested) background(run, end(run, { status: 'stopped' }))
    else background(run, fail(run, tooManyAttempts(row.attempt - 1)))
  }

  /** The worker has no part in this: it is told to go, and the run is closed. */
  function refused(run: OwnedRun, error: unknown): void {
    log.error({ err: error, run: run.id, kind: run.record.kind }, 'the database refuses the events of a run')
    run.abort('handed-over')
    background(run, fail(run, error))
  }

  const lookAtOthers = () => news.look(feeds.ids().filter((id) => !owned.has(id)))

  const fail = async (run: OwnedRun, error: unknown) =>
    end(run, { status: 'failed', error: failureOf(error) })

  function background(run: OwnedRun, what: Promise<void>): void {
    run.settled = what.catch((error: unknown) => {
      log.error({ err: error, run: run.id }, 'a run could not be ended here and is left to whoever claims it')
      letGo(run)
    })
  }

  async function insert<Input>(
    trx: Trx,
    run: NewRun<Input> & { id: string },
    store: ((trx: Trx, runId: string) => Promise<void>) | undefined,
  ): Promise<{ outcome: Started['outcome']; row: RunRow }> {
    for (;;) {
      const row = await insertRun(trx, run, { ...by, leaseMs })
      if (row) {
        await store?.(trx, row.id)
        return { outcome: 'created', row }
      }
      const repeated = run.idempotencyKey && (await findByKey(trx, run.userId, run.idempotencyKey))
      if (repeated && repeated.kind !== run.kind) throw keyOfAnotherKind()
      if (repeated) return { outcome: 'repeated', row: repeated }
      const busy = run.subject && (await findRunning(trx, run.kind, run.subject))
      if (busy) return { outcome: 'busy', row: busy }
      if (await findRun(trx, run.id)) throw new Error(`There is a run ${run.id} already.`)
      // What refused it has ended in this moment.
    }
  }

  /** A lost connection leaves open whether the run was stored; then the table is asked. */
  async function inserted<Input>(
    run: NewRun<Input> & { id: string },
    store: ((trx: Trx, runId: string) => Promise<void>) | undefined,
  ): Promise<{ outcome: Started['outcome']; row: RunRow }> {
    try {
      return await database.transaction(async (trx) => insert(trx, run, store))
    } catch (error) {
      if (!isTransient(error)) throw error
      const row = await findRun(database.db, run.id).catch(() => undefined)
      if (row) return { outcome: 'created', row }
      // Should it be there after all, it is taken up when its lease is over.
      throw error
    }
  }

  async function begin<Input>(
    run: NewRun<Input> & { id: string },
    store: ((trx: Trx, runId: string) => Promise<void>) | undefined,
  ): Promise<Started> {
    const { outcome, row } = await inserted(run, store)
    if (outcome === 'created') {
      const begun = own(row, false)
      background(begun, work(begun))
    }
    return { outcome, run: record(row) }
  }

  /** Resolves when the run has ended, or after `ms`. */
  async function ended(id: string, ms: number): Promise<void> {
    const signal = AbortSignal.timeout(ms)
    const feed = feeds.take(id)
    const changed = Promise.withResolvers<void>()
    const watcher = () => {
      if (feed.finished || signal.aborted || feeds.closed) changed.resolve()
    }
    feed.watchers.add(watcher)
    signal.addEventListener('abort', watcher)
    try {
      if (!feed.known) news.look([id])
      watcher()
      await changed.promise
    } finally {
      feed.watchers.delete(watcher)
      feeds.letGo(id)
    }
  }

  async function stop(id: string): Promise<RunRecord | undefined> {
    for (;;) {
      owned.get(id)?.abort('stopped')
      // Stored too, so that whoever takes the run up later closes it.
      const asked = isUuid(id) ? await requestStop(database.db, id) : undefined
      if (!asked) return get(id)
      if (owned.has(id)) owned.get(id)?.abort('stopped')
      else if (asked.leaseMs <= 0 && !closing) await claims.claim(id)
      else
        for (const payload of told.about({ stop: id })) await database.notify(database.db, channel, payload)
      await ended(id, Math.ceil(Math.max(asked.leaseMs, 0)) + 100)
      if (feeds.closed) return get(id)
    }
  }

  async function get(id: string): Promise<RunRecord | undefined> {
    const row = isUuid(id) ? await findRun(database.db, id) : undefined
    return row && record(row)
  }

  /** What workers said is written, then their runs are free for any node. */
  async function handOver(): Promise<void> {
    await settled()
    for (const run of owned.values()) group.add(run)
    await group.idle()
    const left = [...owned.values()].map(({ id, record: { attempt } }) => ({ id, attempt }))
    if (left.length === 0) return
    await releaseRuns(database.db, left, told.about({ free: true })).catch((error: unknown) => {
      log.warn({ err: error, runs: left.length }, 'runs could not be handed over; their leases will run out')
    })
  }

  const settled = async () => Promise.all([...owned.values()].map(async (run) => run.settled))

  return {
    register(kind, definition) {
      kinds.set(kind, definition)
    },

    async start(run, store) {
      if (closing) throw shuttingDown()
      if (!kinds.has(run.kind)) throw new Error(`No kind of run is registered as "${run.kind}".`)
      const started = begin({ ...run, id: run.id ?? newId() }, store)
      starting.add(started)
      try {
        return await started
      } finally {
        starting.delete(started)
      }
    },

    get,

    renderer(run, format) {
      const kind = kinds.get(run.kind)
      const name = format ?? kind?.defaultFormat?.(run) ?? canonicalFormat
      if (name === canonicalFormat) return undefined
      const { formats = [] } = kind ?? {}
      const render = formats.includes(name) ? kind?.renderer?.(run, name) : undefined
      if (!render) throw unknownFormat([canonicalFormat, ...formats])
      return ({ data }) =>
        render(JSON.parse(data) as EventBody).map((frame) =>
          typeof frame === 'string' ? frame : encode(frame),
        )
    },

    async list(userId, { scope = null, status, limit }) {
      const rows = await listRuns(database.db, { userId, scope, limit, ...(status && { status }) })
      return rows.map(record)
    },

    follow: (id, after, signal) => follow({ database, feeds, tailer: news }, id, after, signal),

    stop,

    async forget(of) {
      const found = await runsOf(database.db, of)
      await Promise.all(found.flatMap(({ id, status }) => (status === 'running' ? [stop(id)] : [])))
      const ids = found.map(({ id }) => id)
      while (ids.length > 0) await deleteRuns(database.db, ids.splice(0, deletedAtOnce))
    },

    prune: async (signal) => prune(database, { eventsMs: 7 * day, runsMs: 30 * day, ...retention }, signal),

    async open() {
      closers.push(
        await told.listen({
          hint({ events, stop, free }) {
            if (events) news.look(events.filter((id) => !owned.has(id)))
            if (stop) owned.get(stop)?.abort('stopped')
            if (free) claims.sweep()
          },
          // Hints may have been missed: everybody looks for themselves.
          reconnect() {
            lookAtOthers()
            claims.sweep()
          },
        }),
      )
      claims.sweep()
      const heartbeat = setInterval(() => {
        for (const run of owned.values()) group.add(run)
      }, leaseMs / 3)
      const missed = setInterval(lookAtOthers, lookAnywayMs)
      closers.push(async () => {
        clearInterval(heartbeat)
        clearInterval(missed)
      })
    },

    stats: () => ({ running: owned.size, readers: feeds.readers, ...group.stats() }),

    async [Symbol.asyncDispose]() {
      closing = true
      await Promise.allSettled(starting)
      await claims.close()
      await Promise.race([settled(), pause(graceMs, undefined, { ref: false })])

      for (const run of owned.values()) run.abort('handed-over')
      await Promise.race([handOver(), pause(handOverMs, undefined, { ref: false })])
      giveUp.abort()
      for (const run of owned.values()) letGo(run)
      feeds.close()
      for (const close of closers) await close()
    },
  }
}
