import { addAbortListener } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Database, type Db, newId } from '../db/index.ts'
import type { Log } from '../log.ts'
import { retryDelayMs as exponentialDelayMs } from './backoff.ts'
import { defaults, type Execution, execute, scheduleKey, storeFailure } from './execution.ts'
import type { JobKind, NewJob } from './kind.ts'
import {
  claimDue,
  claimExpired,
  claimJob,
  countJobs,
  findJob,
  hasDue,
  insertSchedule,
  type JobRow,
  purgeDead,
  upsertJob,
} from './store.ts'

export type JobsDependencies = {
  database: Database
  log: Log
  /** The maximum number of jobs of all kinds that run here at the same time. */
  concurrency?: number
  /** How long aborted jobs may take to end at shutdown; jobs that still run then keep their lease. */
  graceMs?: number
  /** How long dead jobs are kept. */
  deadRetentionMs?: number
  /** Milliseconds until the next attempt after a number of consecutive failures. */
  retryDelayMs?: (failures: number) => number
}

const hour = 60 * 60_000
/** The channel of notifications about enqueued jobs. */
const channel = 'jobs'
/** The maximum wait, because notifications can be lost and a crashed server sends none. */
const maxWaitMs = 30_000
/** The embedded database has one process, which receives every notification. */
const maxWaitEmbeddedMs = hour
/** The delay until a due job that another transaction has locked is claimed again. */
const minWaitMs = 50
/** One search for due jobs follows all jobs that are enqueued or end within this time. */
const wakeDelayMs = 20
const retryMs = 1_000
const otherServerPollMs = 250

/**
 * Background jobs: one table, at-least-once execution, shared by all servers on the database.
 *
 *      enqueue
 *         │    ┌───── enqueued again, repeat, schedule ◀──┐
 *         ▼    ▼                                          │
 *       pending ──── claim (when due) ───▶ running ───────┴──▶ succeeded (row deleted)
 *         ▲  ▲                               │  │
 *         │  └── failure: backoff; shutdown ─┘  │ failure number maxAttempts
 *         │                                     ▼
 *         └──────── enqueued again ─────────── dead ── retention ──▶ (row deleted)
 *
 * An expired lease counts as a failure. `claims` is the fencing token: it increases with each claim, and an
 * attempt with another token than the row stores nothing. A server sleeps until the next due date; enqueueing wakes all
 * servers when it commits.
 */
export function jobs({
  database,
  log,
  concurrency = 16,
  graceMs = 5_000,
  deadRetentionMs = 30 * 24 * hour,
  retryDelayMs = exponentialDelayMs,
}: JobsDependencies) {
  const { db } = database
  const kinds = new Map<string, JobKind>()
  const running = new Map<string, Execution>()
  const giveUp = new AbortController()
  const execution = { database, log, retryDelayMs, giveUp: giveUp.signal }
  const maxWait = database.kind === 'embedded' ? maxWaitEmbeddedMs : maxWaitMs
  let isOpen = false
  let isClosed = false
  let isWoken = false
  let working: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  /** When the first lease of another server expires, on the clock of performance.now(). */
  let nextLeaseEnd = 0
  let stopListening = async () => {}
  let waiting: (() => void)[] = []

  const changed = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }

  /** Starts due jobs. */
  function wake(): void {
    if (!isOpen || isClosed) return
    isWoken = true
    clearTimeout(timer)
    working ??= work()
  }

  function wakeSoon(): void {
    soon ??= setTimeout(() => {
      soon = undefined
      wake()
    }, wakeDelayMs)
  }

  async function work(): Promise<void> {
    let waitMs = maxWait
    while (isWoken && !isClosed) {
      isWoken = false
      try {
        if (performance.now() >= nextLeaseEnd) await failExpired(false)
        const { claimed, dueMs, leaseMs } = await claimDue(db, slots(), {
          limit: Math.max(0, concurrency - running.size),
          known: [...kinds.keys()],
          own: [...running.keys()],
        })
        for (const row of claimed) start(row)
        nextLeaseEnd = performance.now() + (leaseMs ?? Number.POSITIVE_INFINITY)
        waitMs = Math.min(dueMs ?? maxWait, leaseMs ?? maxWait, maxWait)
      } catch (error) {
        log.warn({ err: error }, 'could not look for due jobs; retrying')
        waitMs = retryMs
      }
    }
    working = undefined
    if (!isClosed) timer = setTimeout(wake, Math.max(waitMs, minWaitMs))
    changed()
  }

  /** The free slots of each kind that has any. */
  function slots(): { kind: string; free: number; leaseMs: number }[] {
    if (running.size >= concurrency) return []
    const used = new Map<string, number>()
    for (const { row } of running.values()) used.set(row.kind, (used.get(row.kind) ?? 0) + 1)
    return [...kinds].flatMap(([kind, definition]) => {
      const free = (definition.concurrency ?? defaults.concurrency) - (used.get(kind) ?? 0)
      return free > 0 ? [{ kind, free, leaseMs: definition.leaseMs ?? defaults.leaseMs }] : []
    })
  }

  function start(row: JobRow): Execution | undefined {
    const definition = kinds.get(row.kind)
    if (definition === undefined) return undefined
    const started = execute(execution, row, definition)
    running.set(row.id, started)
    // A job claimed during the shutdown returns to the queue at once.
    if (isClosed) started.abort()
    void started.finished.then(() => {
      running.delete(row.id)
      wakeSoon()
      changed()
    })
    return started
  }

  /** Records the failure of jobs whose server has died; with `all`, of all jobs that do not run here. */
  async function failExpired(all: boolean): Promise<void> {
    const known = [...kinds.keys()]
    const leaseMs = defaults.leaseMs
    for (const row of await claimExpired(db, known, { all, except: [...running.keys()], leaseMs })) {
      const definition = kinds.get(row.kind)
      const error = new Error('The server stopped while it ran this job.')
      if (definition !== undefined) await storeFailure(execution, row, definition, error)
    }
  }

  async function addSchedule(
    kind: string,
    { everyMs, priority = defaults.priority }: JobKind,
  ): Promise<void> {
    if (everyMs !== undefined)
      await insertSchedule(db, { id: newId(), kind, key: scheduleKey, priority, everyMs })
  }

  function definitionOf(kind: string): JobKind {
    const definition = kinds.get(kind)
    if (definition === undefined) throw new Error(`No kind of job is registered as "${kind}".`)
    return definition
  }

  const keyOf = ({ everyMs }: JobKind, key: string | undefined): string | null =>
    key ?? (everyMs === undefined ? null : scheduleKey)

  async function runNow(kind: string, key: string, signal: AbortSignal | undefined): Promise<void> {
    const { leaseMs = defaults.leaseMs } = definitionOf(kind)
    for (;;) {
      signal?.throwIfAborted()
      const own = [...running.values()].find(({ row }) => row.kind === kind && row.key === key)
      if (own !== undefined) {
        // The running attempt may have an older input than that of the caller; the job is then pending again.
        await aborted(own.finished, signal)
        continue
      }
      const row = isClosed ? undefined : await claimJob(db, kind, key, leaseMs)
      const started = row && start(row)
      if (started !== undefined) {
        const { error } = await aborted(started.finished, signal)
        if (error !== undefined) throw error
        return
      }
      const job = await findJob(db, kind, key)
      if (job?.state !== 'running' || isClosed) return
      await pause(otherServerPollMs, undefined, { signal })
    }
  }

  async function finishRunning(): Promise<void> {
    // A claim in progress may still start jobs, which are aborted at once.
    await working
    await Promise.all([...running.values()].map(async ({ finished }) => finished))
  }

  kinds.set('jobs.retention', { everyMs: hour, run: async () => purgeDead(db, deadRetentionMs) })

  return {
    register<Input extends object>(kind: string, definition: JobKind<Input>): void {
      if (kinds.has(kind)) throw new Error(`The kind of job "${kind}" is already registered.`)
      kinds.set(kind, definition)
      if (!isOpen) return
      void addSchedule(kind, definition).then(wake, (error: unknown) =>
        log.error({ err: error, kind }, 'a schedule could not be stored'),
      )
    },

    /**
     * Adds a job in the caller's transaction. A pending job of the same kind and key takes the newer input; a running
     * one is executed again afterwards; a dead one gets new attempts.
     */
    async enqueue<Input extends object>(
      on: Db,
      { kind, key, input, delayMs = 0, maxDelayMs, priority }: NewJob<Input>,
    ): Promise<void> {
      const definition = definitionOf(kind)
      await upsertJob(on, {
        id: newId(),
        kind,
        key: keyOf(definition, key),
        input,
        priority: priority ?? definition.priority ?? defaults.priority,
        delayMs,
        maxDelayMs: maxDelayMs ?? null,
      })
      await database.notify(on, channel, kind)
    },

    /**
     * Runs the job of this kind and key now, without waiting for its due date or for a free slot, and resolves when it
     * has finished, or at once if there is none. Rejects if it fails.
     */
    runNow: async (kind: string, key = scheduleKey, signal?: AbortSignal) => runNow(kind, key, signal),

    /** Resolves when no job (of these kinds) is running on this server and none is due. */
    async idle(of = [...kinds.keys()]): Promise<void> {
      for (;;) {
        const isDue = isOpen && !isClosed && (await hasDue(db, of))
        // Checked last: a job that is claimed during the check is no longer due, and starts before `working` ends.
        const isRunning = [...running.values()].some(({ row }) => of.includes(row.kind))
        if (!isDue && !isRunning && working === undefined) return
        const change = new Promise<void>((resolve) => waiting.push(resolve))
        if (isDue) wake()
        await change
      }
    },

    /** Counts jobs by kind and state. */
    stats: async () => countJobs(db),

    /** Starts to work on jobs; call once. */
    async open(): Promise<void> {
      if (database.kind === 'embedded') await failExpired(true)
      for (const [kind, definition] of kinds) await addSchedule(kind, definition)
      const onJob = (kind: string) => kinds.has(kind) && wakeSoon()
      stopListening = await database.listen(channel, onJob, wake)
      isOpen = true
      wake()
    },

    /** Aborts running jobs and returns them to the queue. */
    async [Symbol.asyncDispose](): Promise<void> {
      isClosed = true
      clearTimeout(timer)
      clearTimeout(soon)
      await stopListening()
      for (const { abort } of running.values()) abort()
      await Promise.race([finishRunning(), pause(graceMs, undefined, { ref: false })])
      giveUp.abort()
      changed()
    },
  }
}

export type Jobs = ReturnType<typeof jobs>

/** Rejects if the signal fires first. */
async function aborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const abort = Promise.withResolvers<never>()
  using _listener = addAbortListener(signal, () => abort.reject(signal.reason))
  return await Promise.race([promise, abort.promise])
}
