import { AsyncLocalStorage } from 'node:async_hooks'
import { addAbortListener } from 'node:events'

/** Concurrent background calls to a remote service. */
const maxRemoteCalls = 2
/** Idle time after an answer before a background call, because the same user's next request often follows at once. */
const defaultIdleMs = 400
/** Delay before a preempted call is retried; doubles each time. */
const defaultInitialBackoffMs = 500
const maxBackoffMs = 15_000
/**
 * Starvation limit: after this wait a call takes the next free slot, in competition with answers, and is no longer
 * preempted.
 */
const defaultMaxWaitMs = 5 * 60_000

export type SchedulerTimings = { idleMs?: number; initialBackoffMs?: number; maxWaitMs?: number }

type BackgroundCall = {
  run(signal: AbortSignal): Promise<void>
  fail(reason: unknown): void
  signal: AbortSignal
  since: number
  maxWaitMs: number
  idleMs: number
  notBefore: number
  preempted: number
  attempt: AbortController | undefined
}

/** An answer that waits for a free slot; `load` is the number of its user's answers that run or wait before it. */
type WaitingAnswer = {
  user: string
  load: number
  position: number
  start(): void
  moved(): void
  end?: () => void
}

/** The position of an answer in the queue, from 1, and the expected wait; null before the first answer has ended. */
export type QueuePosition = { position: number; waitMs: number | null }

/**
 * The expected wait is based on the median duration of the latest answers, because the first may include loading the
 * model.
 */
const maxDurations = 15

/**
 * Prioritizes the answers of one model server over background calls. Answers beyond `maxParallel` are served in
 * rounds: each waiting user gets one per round, in the order of their requests or of the end of their last answers.
 *
 *     waiting ──(server idle, no other call)──► working ──► done
 *        ▲                                        │
 *        └── backoff ◄── an answer preempts it ◄──┘
 *
 * A remote service runs a few background calls at any time instead.
 */
export function createScheduler({
  remote,
  closing,
  timings = {},
  maxParallel = () => Number.POSITIVE_INFINITY,
}: {
  remote: boolean
  closing: AbortSignal
  timings?: SchedulerTimings | undefined
  /** The maximum number of concurrent answers and overdue background calls; read for each one. */
  maxParallel?: (() => number) | undefined
}) {
  const idleMs = timings.idleMs ?? defaultIdleMs
  const initialBackoffMs = timings.initialBackoffMs ?? defaultInitialBackoffMs
  const maxWaitMs = timings.maxWaitMs ?? defaultMaxWaitMs
  const waiting: BackgroundCall[] = []
  const working = new Set<BackgroundCall>()
  const inside = new AsyncLocalStorage<BackgroundCall>()
  const queue: WaitingAnswer[] = []
  const runningByUser = new Map<string, number>()
  const startTimes = new Set<{ at: number }>()
  const durations: number[] = []
  let answers = 0
  let answeredAt = Number.NEGATIVE_INFINITY
  let preempted = 0
  let timer: NodeJS.Timeout | undefined

  const isInside = () => working.has(inside.getStore() as BackgroundCall)
  const isOverdue = (call: BackgroundCall, now: number) => now >= call.since + call.maxWaitMs

  /** Returns the earliest start of a call; Infinity while an answer runs. */
  function startTimeOf(call: BackgroundCall): number {
    if (remote) return call.notBefore
    const overdueAt = call.since + call.maxWaitMs
    return Math.min(
      answers > 0 ? Number.POSITIVE_INFINITY : Math.max(call.notBefore, answeredAt + call.idleMs),
      overdueAt,
    )
  }

  /** Answers preempt the calls of a local server that are not overdue, so these take no slot. */
  function hasSlot(): boolean {
    const now = Date.now()
    const calls = remote ? working.size : [...working].filter((call) => isOverdue(call, now)).length
    return startTimes.size + calls < maxParallel()
  }

  /** Returns when the answer at a position in the queue is expected to start, in milliseconds from now. */
  function expectedWait(position: number): number | null {
    const median = durations.toSorted((a, b) => a - b)[durations.length >> 1]
    const now = performance.now()
    const left = Array.from(startTimes, ({ at }) => Math.max(0, at + (median ?? 0) - now))
    const slots = left.toSorted((a, b) => a - b).slice(-maxParallel())
    if (median === undefined || slots.length === 0) return null
    const rounds = Math.floor((position - 1) / slots.length)
    return Math.round((slots[(position - 1) % slots.length] ?? 0) + rounds * median)
  }

  /**
   * Starts answers while slots are free and reports new positions to the others. The sort is stable, so an answer whose
   * user has no other one is never overtaken.
   */
  function grant(): void {
    const loads = new Map(runningByUser)
    for (const each of queue) {
      each.load = loads.get(each.user) ?? 0
      loads.set(each.user, each.load + 1)
    }
    queue.sort((a, b) => a.load - b.load)
    while (hasSlot() && queue.length > 0) queue.shift()?.start()
    for (const [i, each] of queue.entries()) {
      if (each.position === i + 1) continue
      each.position = i + 1
      each.moved()
    }
  }

  function startAnswer(user: string): () => void {
    const start = { at: performance.now() }
    startTimes.add(start)
    runningByUser.set(user, (runningByUser.get(user) ?? 0) + 1)
    const endPriority = beginAnswer()
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      durations.push(performance.now() - start.at)
      if (durations.length > maxDurations) durations.shift()
      startTimes.delete(start)
      const left = (runningByUser.get(user) ?? 1) - 1
      if (left > 0) runningByUser.set(user, left)
      else runningByUser.delete(user)
      endPriority()
      grant()
      startCalls()
    }
  }

  function startCalls(): void {
    clearTimeout(timer)
    const hasCapacity = () =>
      hasSlot() && (remote ? working.size < maxRemoteCalls && queue.length === 0 : working.size < 1)
    while (hasCapacity()) {
      const now = Date.now()
      const call = waiting.find((each) => startTimeOf(each) <= now)
      if (!call) break
      waiting.splice(waiting.indexOf(call), 1)
      void attempt(call)
    }
    if (!hasCapacity()) return
    const next = Math.min(...waiting.map(startTimeOf))
    if (next < Number.POSITIVE_INFINITY)
      timer = setTimeout(startCalls, Math.max(1, next - Date.now())).unref()
  }

  async function attempt(call: BackgroundCall): Promise<void> {
    const own = new AbortController()
    call.attempt = own
    working.add(call)
    try {
      await call.run(AbortSignal.any([call.signal, own.signal]))
    } catch (error) {
      if (own.signal.aborted && !call.signal.aborted) {
        call.notBefore = Date.now() + Math.min(initialBackoffMs * 2 ** call.preempted, maxBackoffMs)
        call.preempted += 1
        preempted += 1
        waiting.unshift(call)
      } else call.fail(error)
    } finally {
      working.delete(call)
      grant()
      startCalls()
    }
  }

  function beginAnswer(): () => void {
    if (remote || isInside()) return () => {}
    answers += 1
    const now = Date.now()
    for (const call of working)
      if (!isOverdue(call, now)) call.attempt?.abort(new Error('preempted by an answer'))
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      answers -= 1
      answeredAt = Date.now()
      startCalls()
    }
  }

  return {
    /** Registers an answer that a user waits for, and preempts background calls. Returns a function that ends it. */
    beginAnswer,

    /**
     * Waits for a slot of the server. Yields each new position in the queue, and returns the function that frees the
     * slot.
     */
    async *queueAnswer(user: string, signal: AbortSignal): AsyncGenerator<QueuePosition, () => void> {
      if (isInside()) return () => {}
      if (queue.length === 0 && hasSlot()) return startAnswer(user)
      let moved = Promise.withResolvers<void>()
      const waitingAnswer: WaitingAnswer = {
        user,
        load: 0,
        position: 0,
        start() {
          waitingAnswer.end = startAnswer(user)
          moved.resolve()
        },
        moved: () => moved.resolve(),
      }
      using _listener = addAbortListener(signal, () => moved.resolve())
      let isTaken = false
      try {
        queue.push(waitingAnswer)
        grant()
        for (;;) {
          signal.throwIfAborted()
          if (waitingAnswer.end) {
            isTaken = true
            return waitingAnswer.end
          }
          await moved.promise
          moved = Promise.withResolvers<void>()
          if (waitingAnswer.end || signal.aborted) continue
          const { position } = waitingAnswer
          yield { position, waitMs: expectedWait(position) }
        }
      } finally {
        if (!isTaken) {
          const at = queue.indexOf(waitingAnswer)
          if (at >= 0) queue.splice(at, 1)
          waitingAnswer.end?.()
          grant()
        }
      }
    },

    /**
     * Runs `work` in the background. A local server runs one background call at a time and only while it has been idle
     * for `idleMs`. An answer preempts it: `signal` aborts and `work` is called again later, so it must be restartable.
     * After `maxWaitMs` it takes a slot like an answer, before those that wait for one. Nested calls run at once.
     * Throws what `work` throws.
     */
    async runInBackground<T>(
      signal: AbortSignal,
      work: (signal: AbortSignal) => Promise<T>,
      options: { idleMs?: number | undefined; maxWaitMs?: number | undefined } = {},
    ): Promise<T> {
      if (isInside()) return await work(signal)
      // Starts when another call ends, but in the asynchronous context of its own caller.
      const context = AsyncLocalStorage.snapshot()
      const all = AbortSignal.any([signal, closing])
      all.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      const call: BackgroundCall = {
        run: async (current) => resolve(await context(() => inside.run(call, work, current))),
        fail: reject,
        signal: all,
        since: Date.now(),
        idleMs: options.idleMs ?? idleMs,
        maxWaitMs: options.maxWaitMs ?? maxWaitMs,
        notBefore: 0,
        preempted: 0,
        attempt: undefined,
      }
      const cancel = () => {
        const at = waiting.indexOf(call)
        if (at < 0) return
        waiting.splice(at, 1)
        reject(all.reason)
      }
      using _listener = addAbortListener(all, cancel)
      waiting.push(call)
      startCalls()
      return await promise
    },

    stats: () => ({ waiting: waiting.length, working: working.size, preempted }),

    /** Answers that run and wait for a slot. */
    queueStats: () => ({ running: startTimes.size, waiting: queue.length }),
  }
}

export type Scheduler = ReturnType<typeof createScheduler>

/** Creates one scheduler per origin, which all protocols of a server share. */
export function createSchedulers(closing: AbortSignal, timings?: SchedulerTimings) {
  const schedulers = new Map<string, Scheduler>()
  const limits = new Map<string, number>()
  return {
    for({ address, remote }: { address: string; remote: boolean }): Scheduler {
      const { origin } = new URL(address)
      const maxParallel = () => limits.get(origin) ?? Number.POSITIVE_INFINITY
      const scheduler = schedulers.get(origin) ?? createScheduler({ remote, closing, timings, maxParallel })
      schedulers.set(origin, scheduler)
      return scheduler
    },
    /** Limits the concurrent answers of a server. */
    limit({ address }: { address: string }, maxParallel: number | undefined): void {
      const { origin } = new URL(address)
      if (maxParallel === undefined) limits.delete(origin)
      else limits.set(origin, maxParallel)
    },
    stats() {
      const total = { waiting: 0, working: 0, preempted: 0 }
      for (const scheduler of schedulers.values()) {
        const { waiting, working, preempted } = scheduler.stats()
        total.waiting += waiting
        total.working += working
        total.preempted += preempted
      }
      return total
    },
  }
}
export type Schedulers = ReturnType<typeof createSchedulers>
