import { AsyncLocalStorage } from 'node:async_hooks'
import { addAbortListener } from 'node:events'

/** Concurrent background calls to a remote service. */
const maxRemoteCalls = 2
/** Idle time after an answer before a background call, because the same user's next request often follows at once. */
const defaultIdleMs = 400
/** Delay before a preempted call is retried; doubles each time. */
const defaultInitialBackoffMs = 500
const maxBackoffMs = 15_000
/** Starvation limit: after this wait a call runs concurrently with answers and is no longer preempted. */
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

/**
 * Gives the answers of one model server priority over background calls.
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
}: {
  remote: boolean
  closing: AbortSignal
  timings?: SchedulerTimings | undefined
}) {
  const idleMs = timings.idleMs ?? defaultIdleMs
  const initialBackoffMs = timings.initialBackoffMs ?? defaultInitialBackoffMs
  const maxWaitMs = timings.maxWaitMs ?? defaultMaxWaitMs
  const waiting: BackgroundCall[] = []
  const working = new Set<BackgroundCall>()
  const inside = new AsyncLocalStorage<BackgroundCall>()
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

  function startCalls(): void {
    clearTimeout(timer)
    const hasCapacity = () => working.size < (remote ? maxRemoteCalls : 1)
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
      await inside.run(call, () => call.run(AbortSignal.any([call.signal, own.signal])))
    } catch (error) {
      if (own.signal.aborted && !call.signal.aborted) {
        call.notBefore = Date.now() + Math.min(initialBackoffMs * 2 ** call.preempted, maxBackoffMs)
        call.preempted += 1
        preempted += 1
        waiting.unshift(call)
      } else call.fail(error)
    } finally {
      working.delete(call)
      startCalls()
    }
  }

  return {
    /** Registers an answer that a user waits for, and preempts background calls. Returns a function that ends it. */
    beginAnswer(): () => void {
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
    },

    /**
     * Runs `work` in the background. A local server runs one background call at a time and only while it has been idle
     * for `idleMs`. An answer preempts it: `signal` aborts and `work` is called again later, so it must be restartable.
     * After `maxWaitMs` it runs concurrently with answers. Nested calls run at once. Throws what `work` throws.
     */
    async runInBackground<T>(
      signal: AbortSignal,
      work: (signal: AbortSignal) => Promise<T>,
      options: { idleMs?: number | undefined; maxWaitMs?: number | undefined } = {},
    ): Promise<T> {
      if (isInside()) return await work(signal)
      const all = AbortSignal.any([signal, closing])
      all.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      const call: BackgroundCall = {
        run: async (current) => resolve(await work(current)),
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
  }
}

export type Scheduler = ReturnType<typeof createScheduler>

/** Creates one scheduler per origin, which all protocols of a server share. */
export function createSchedulers(closing: AbortSignal, timings?: SchedulerTimings) {
  const schedulers = new Map<string, Scheduler>()
  return {
    for({ address, remote }: { address: string; remote: boolean }): Scheduler {
      const { origin } = new URL(address)
      const scheduler = schedulers.get(origin) ?? createScheduler({ remote, closing, timings })
      schedulers.set(origin, scheduler)
      return scheduler
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
