import { randomUUID } from 'node:crypto'
import { addAbortListener } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { validate as isUuid } from 'uuid'
import type { RunStatus } from '../../contract/runs.ts'
import { type Database, type Db, isConflict, newId, type Trx } from '../db/index.ts'
import { toFailure } from '../errors.ts'
import type { Log } from '../log.ts'
import { createTelemetry, type Telemetry } from '../telemetry/index.ts'
import { idempotencyKeyUsed, shuttingDown, tooManyAttempts, unknownFormat } from './errors.ts'
import { createFinisher, type FinishListener } from './finisher.ts'
import { follow } from './follow.ts'
import { groupTransactions } from './group-transactions.ts'
import type { Viewer } from './kind.ts'
import {
  canonicalFormat,
  type EventBody,
  type FrameView,
  type NewRun,
  type RunEvent,
  type RunKind,
  type RunRecord,
  type RunSelector,
  type StartResult,
  type WithRun,
} from './kind.ts'
import { type Claimed, createLeases } from './leases.ts'
import { LogTails } from './log-tail.ts'
import { createNotifications } from './notifications.ts'
import { encode, OwnedRun } from './owned-run.ts'
import { isTransient } from './persist.ts'
import { createRemoteReader } from './remote-reader.ts'
import { prune, type Retention } from './retention.ts'
import {
  channel,
  deleteRuns,
  findRun,
  insertRun,
  listRunIds,
  listRuns,
  listScopes,
  type RunRow,
  releaseRuns,
  requestStop,
  rewriteEvents,
  transferRuns,
} from './store.ts'
import { createWorker } from './worker.ts'
import { createWriter } from './writer.ts'

const dayMs = 24 * 60 * 60 * 1000
/** Timeout of the handover when the database does not respond; the leases then expire. */
const handoverTimeoutMs = 4000
/** The batch size; small, so that other statements run between two batches. */
const deleteBatchSize = 20
/** The refresh interval for runs of other nodes that are read here, as notifications may be lost. */
const remoteRefreshMs = 15_000
/** The maximum number of attempts to store a run despite deadlocks. */
const maxStartAttempts = 3

type RunsDependencies = {
  database: Database
  log: Log
  /** Constant for a data directory, which one process uses at a time: earlier processes with this id have ended. */
  nodeId: string
  /** The time after which the runs of a node that has stopped responding can be claimed. */
  leaseMs?: number
  /** How long runs may continue at shutdown before they are handed over. */
  graceMs?: number
  retention?: Partial<Retention>
  /** The maximum number of runs of dead nodes that this node works on at once. */
  maxTakeovers?: number
  telemetry?: Telemetry
}

/** A run to start, with its first events as stored in the log. */
type Started = Omit<NewRun, 'events'> & { id: string; events: RunEvent[] }
type Inserted = { outcome: StartResult['outcome']; row: RunRow }

/** Long operations that outlive requests, readers, this process and this machine. */
export function runs({
  database,
  log,
  nodeId,
  leaseMs = 4000,
  graceMs = 5000,
  retention = {},
  maxTakeovers = 64,
  telemetry = createTelemetry(),
}: RunsDependencies) {
  const kinds = new Map<string, RunKind>()
  const owned = new Map<string, OwnedRun>()
  const tails = new LogTails()
  const giveUp = new AbortController()
  const owner = { nodeId, processId: randomUUID() }
  const notifications = createNotifications(database, owner.processId)
  let isClosing = false
  const starting = new Set<Promise<unknown>>()
  const closers: (() => Promise<void>)[] = []
  const listeners: FinishListener[] = []

  const groups = groupTransactions(database)
  const shared = { database, groups, tails, notifications, log, leaseMs, giveUp: giveUp.signal, onLost }
  const remoteReader = createRemoteReader({ database, tails, log })
  const { finish, commit } = createFinisher({ ...shared, onFinished: release, listeners })
  const writer = createWriter({ ...shared, onRejected })
  const { work } = createWorker({ database, log, writer, finish, commit, telemetry })
  const leases = createLeases({ database, log, owner, leaseMs, maxTakeovers, kinds, owned, onClaimed })

  function toRecord(row: RunRow): RunRecord {
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
      isChat: kinds.get(row.kind)?.isChat?.(row) ?? false,
    }
  }

  function acquire(row: RunRow, started?: Started): OwnedRun {
    const run = new OwnedRun(toRecord(row), kinds.get(row.kind), started === undefined, started?.preloaded)
    owned.set(run.id, run)
    const tail = tails.acquire(run.id)
    if (started) tail.publish(started.events)
    tail.advance(run.lastCommitted, false)
    return run
  }

  function release(run: OwnedRun): void {
    if (run.isReleased) return
    run.release()
    owned.delete(run.id)
    tails.release(run.id)
    if (run.isTakeover) leases.claimAvailable()
  }

  /** This node no longer owns the run, so its worker has no further effect. */
  function onLost(run: OwnedRun): void {
    if (run.isReleased) return
    log.warn({ run: run.id, kind: run.record.kind }, 'another node has taken over a run')
    run.abort('handed-over')
    release(run)
    remoteReader.refresh([run.id])
  }

  function onClaimed(row: Claimed): void {
    const run = acquire(row)
    log.info({ run: run.id, kind: row.kind, attempt: row.attempt }, 'took over a run')
    if (row.resumed) track(run, work(run))
    else if (row.stop_requested) track(run, finish(run, { status: 'stopped' }))
    else track(run, fail(run, tooManyAttempts(row.attempt - 1)))
  }

  /** This is not an error of the worker: its signal is aborted, and the run ends as failed. */
  function onRejected(run: OwnedRun, error: unknown): void {
    log.error({ err: error, run: run.id, kind: run.record.kind }, 'the database rejected the events of a run')
    run.abort('handed-over')
    track(run, fail(run, error))
  }

  const refreshRemoteRuns = () => remoteReader.refresh(tails.ids().filter((id) => !owned.has(id)))

  const fail = async (run: OwnedRun, error: unknown) =>
    finish(run, { status: 'failed', error: toFailure(error) })

  function track(run: OwnedRun, work: Promise<void>): void {
    run.finished = work.catch((error: unknown) => {
      log.error({ err: error, run: run.id }, 'could not end a run; another process can claim it')
      release(run)
      leases.claimAvailable()
    })
  }

  async function insert(db: Db, run: Started, also: WithRun | undefined): Promise<Inserted> {
    const [store, statement] = typeof also === 'function' ? [also] : [also?.store, also]
    for (;;) {
      const row = await insertRun(db, run, { ...owner, leaseMs }, statement)
      if (row) {
        statement?.onStored?.(row)
        await store?.(db as Trx, row.id)
        return { outcome: 'created', row }
      }
      const repeated =
        run.idempotencyKey &&
        (await findRun(db, {
          user_id: run.userId,
          scope: run.scope ?? null,
          idempotency_key: run.idempotencyKey,
        }))
      if (repeated && repeated.kind !== run.kind) throw idempotencyKeyUsed()
      if (repeated) return { outcome: 'repeated', row: repeated }
      const { kind, subject } = run
      const busy = subject && (await findRun(db, { kind, subject, status: 'running' }))
      if (busy) return { outcome: 'busy', row: busy }
      if (await findRun(db, { id: run.id })) throw new Error(`There is a run ${run.id} already.`)
      // The run that caused the conflict has ended in the meantime.
    }
  }

  /**
   * After a lost connection it is unknown whether the run was stored, so the table is read. A deadlock, for example with
   * the deletion of an avee, has stored nothing.
   */
  async function insertReliably(run: Started, also: WithRun | undefined, attempt = 1): Promise<Inserted> {
    try {
      return typeof also === 'function' || also?.store
        ? await groups.transaction(async (trx) => insert(trx, run, also))
        : await insert(database.db, run, also)
    } catch (error) {
      if (!isTransient(error)) throw error
      if (isConflict(error) && attempt < maxStartAttempts) return await insertReliably(run, also, attempt + 1)
      const row = await findRun(database.db, { id: run.id }).catch(() => undefined)
      if (row) return { outcome: 'created', row }
      // If the run was stored after all, it is taken over when its lease expires.
      leases.claimAvailable()
      throw error
    }
  }

  async function start(run: Started, also: WithRun | undefined): Promise<StartResult> {
    const { outcome, row } = await insertReliably(run, also)
    if (outcome === 'created') {
      const started = acquire(row, run)
      track(started, work(started))
    }
    return { outcome, run: toRecord(row) }
  }

  /** Resolves when the run has ended, or after `timeoutMs`. */
  async function waitForEnd(id: string, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    const tail = tails.acquire(id)
    const ended = Promise.withResolvers<void>()
    const listener = () => {
      if (tail.isFinished || signal.aborted || tails.isClosed) ended.resolve()
    }
    tail.listeners.add(listener)
    try {
      using _listener = addAbortListener(signal, listener)
      if (!tail.isKnown) remoteReader.refresh([id])
      listener()
      await ended.promise
    } finally {
      tail.listeners.delete(listener)
      tails.release(id)
    }
  }

  async function stop(id: string): Promise<RunRecord | undefined> {
    for (;;) {
      owned.get(id)?.abort('stopped')
      // The stop is also stored, so that a node that takes over the run later closes it.
      const requested = isUuid(id) ? await requestStop(database.db, id, leaseMs) : undefined
      if (!requested) return get(id)
      if (owned.has(id)) owned.get(id)?.abort('stopped')
      else if (requested.leaseMs <= 0 && !isClosing) await leases.claim(id)
      else
        for (const payload of notifications.payloadsFor({ stop: id }))
          await database.notify(database.db, channel, payload)
      await waitForEnd(id, Math.ceil(Math.max(requested.leaseMs, 0)) + 100)
      if (tails.isClosed) return get(id)
    }
  }

  async function get(id: string): Promise<RunRecord | undefined> {
    const row = isUuid(id) ? await findRun(database.db, { id }) : undefined
    return row && toRecord(row)
  }

  /** Commits the emitted events, then releases the runs for any node. */
  async function handOver(): Promise<void> {
    await waitForWorkers()
    for (const run of owned.values()) writer.add(run)
    await writer.idle()
    const left = [...owned.values()].map(({ id, record: { attempt } }) => ({ id, attempt }))
    if (left.length === 0) return
    await releaseRuns(database.db, left, notifications.payloadsFor({ free: true })).catch(
      (error: unknown) => {
        log.warn(
          { err: error, runs: left.length },
          'could not release runs for other nodes; their leases will expire',
        )
      },
    )
  }

  const waitForWorkers = async () => Promise.all([...owned.values()].map(async (run) => run.finished))

  return {
    register<Input>(kind: string, definition: RunKind<Input>): void {
      kinds.set(kind, definition)
    },

    /** Whether a run of this kind and subject is running, on any node. */
    isRunning: async (kind: string, subject: string): Promise<boolean> =>
      (await findRun(database.db, { kind, subject, status: 'running' })) !== undefined,

    /** Calls the listener in the transaction that ends runs, whatever their kinds and status. */
    onFinished(listener: FinishListener): void {
      listeners.push(listener)
    },

    /**
     * Stores the run together with other rows, in one transaction, then starts its worker.
     * @throws 409 when the idempotency key belongs to a run of another kind
     */
    async start<Input>(run: NewRun<Input>, also?: WithRun): Promise<StartResult> {
      if (isClosing) throw shuttingDown()
      if (!kinds.has(run.kind)) throw new Error(`No kind of run is registered as "${run.kind}".`)
      const events = (run.events ?? []).map((body, index) => ({ n: index + 1, data: encode(body) }))
      const started = start({ ...run, id: run.id ?? newId(), events }, also)
      starting.add(started)
      try {
        return await started
      } finally {
        starting.delete(started)
      }
    },

    get,

    /**
     * Returns how to render each event for a reader. Without `format`, in the format in which the run was requested.
     * @throws 400 for a format that this kind of run does not have
     */
    async view(run: RunRecord, viewer: () => Viewer, format?: string): Promise<FrameView> {
      const kind = kinds.get(run.kind)
      const name = format ?? kind?.defaultFormat?.(run) ?? canonicalFormat
      const { formats = [] } = kind ?? {}
      if (name !== canonicalFormat && !formats.includes(name))
        throw unknownFormat([canonicalFormat, ...formats])
      const render = name === canonicalFormat ? undefined : kind?.renderer?.(run, name)
      const view = await kind?.view?.(run, viewer())
      const toFrames = ({ data }: RunEvent, shown: EventBody | undefined) =>
        render
          ? render(shown ?? (JSON.parse(data) as EventBody)).map((frame) =>
              typeof frame === 'string' ? frame : encode(frame),
            )
          : [shown ? encode(shown) : data]
      return {
        // A renderer needs the whole log, because the frames of an event may depend on earlier events.
        needsWholeLog: render !== undefined || view?.needsWholeLog === true,
        framesOf(event) {
          const shown = view?.show(event)
          return shown instanceof Promise
            ? shown.then((body) => toFrames(event, body))
            : toFrames(event, shown)
        },
      }
    },

    /** Lists the scopes of a user's runs. */
    scopesOf: (userId: string): Promise<(string | null)[]> => listScopes(database.db, userId),

    /** Lists a user's runs, or those in these scopes, the latest first. */
    async list(
      userId: string,
      { scopes, status, limit }: { status?: RunStatus; scopes?: (string | null)[]; limit: number },
    ): Promise<RunRecord[]> {
      const rows = await listRuns(database.db, {
        userId,
        limit,
        ...(scopes && { scopes }),
        ...(status && { status }),
      })
      return rows.map(toRecord)
    },

    /**
     * Yields the committed events after `after` in batches, first the stored ones, then live, and returns after the last
     * event of a finished run. Returns early if the signal is aborted or this node shuts down.
     * @throws 410 when the events have expired
     */
    follow: (id: string, after: number, signal: AbortSignal) =>
      follow({ database, tails, remoteReader }, id, after, signal),

    /** Stops the run on whichever node it runs, and waits for its end. Returns a finished run unchanged. */
    stop,

    /** Stops and deletes these runs with their logs, before the objects that they belong to are deleted. */
    async delete(selector: RunSelector): Promise<void> {
      const found = await listRunIds(database.db, selector)
      await Promise.all(found.flatMap(({ id, status }) => (status === 'running' ? [stop(id)] : [])))
      const ids = found.map(({ id }) => id)
      while (ids.length > 0) await deleteRuns(database.db, ids.splice(0, deleteBatchSize))
    },

    transfer: transferRuns,

    /**
     * Replaces the data of events of an ended run; `rewrite` gets them in order and returns undefined for those that stay.
     */
    async rewrite(id: string, rewrite: (data: string) => string | undefined): Promise<void> {
      await rewriteEvents(database.db, id, rewrite)
    },

    /** Deletes expired events and runs in small steps, until none is left or the signal fires. */
    prune: async (signal: AbortSignal): Promise<void> =>
      prune(database, { eventsMs: 7 * dayMs, runsMs: 30 * dayMs, ...retention }, signal),

    /** Starts to take over runs without an owner; call once, after every kind is registered. */
    async open(): Promise<void> {
      closers.push(
        await notifications.listen({
          notification({ events, stop: stopped, free }) {
            if (events) remoteReader.refresh(events.filter((id) => !owned.has(id)))
            if (stopped) owned.get(stopped)?.abort('stopped')
            if (free) leases.claimAvailable()
          },
          // Notifications may have been lost.
          reconnect() {
            refreshRemoteRuns()
            leases.claimAvailable()
          },
        }),
      )
      leases.claimAvailable()
      const renewal = setInterval(() => {
        for (const run of owned.values()) writer.add(run)
      }, leaseMs / 3)
      const refresh = setInterval(refreshRemoteRuns, remoteRefreshMs)
      closers.push(async () => {
        clearInterval(renewal)
        clearInterval(refresh)
      })
    },

    /** Counts for metrics and status. */
    stats: () => ({ running: owned.size, readers: tails.readerCount, ...writer.stats() }),

    /** Rejects new runs, lets running ones end within the grace period, and releases the rest for other nodes. */
    async [Symbol.asyncDispose](): Promise<void> {
      isClosing = true
      await Promise.allSettled(starting)
      await leases.close()
      await Promise.race([waitForWorkers(), pause(graceMs, undefined, { ref: false })])

      for (const run of owned.values()) run.abort('handed-over')
      await Promise.race([handOver(), pause(handoverTimeoutMs, undefined, { ref: false })])
      giveUp.abort()
      for (const run of owned.values()) release(run)
      tails.close()
      for (const close of closers) await close()
    },
  }
}

export type Runs = ReturnType<typeof runs>
