import { AsyncLocalStorage } from 'node:async_hooks'

/** Background calls at once to a service that is elsewhere and has room for many. */
const remoteAtOnce = 2
/** Quiet after the last answer: the next request of the same person often follows at once. */
const restMs = 400
/** How long a call that gave way waits before it is tried again; doubles each time. */
const firstBackoffMs = 500
const longestBackoffMs = 15_000
/** A call that has waited this long goes beside the answers and gives way no more: nothing waits for ever. */
const longestWaitMs = 5 * 60_000

export type SchedulerTimings = { restMs?: number; firstBackoffMs?: number; longestWaitMs?: number }

type BackgroundCall = {
  run(signal: AbortSignal): Promise<void>
  fail(reason: unknown): void
  signal: AbortSignal
  since: number
  patience: number
  rest: number
  notBefore: number
  preempted: number
  attempt: AbortController | undefined
}

/** The way to one model server, which answers and background calls share. */
export type Scheduler = {
  /** Says that somebody waits for an answer from now on; the function that is returned ends it. */
  beginAnswer(): () => void
  /**
   * Does something that nobody waits for when its turn comes. On a local server one such thing runs at a time and only
   * while nobody is answered there; when somebody asks, `signal` fires and `work` is called anew later, so it must be
   * able to start over. `restMs` is how long nobody must have been answered before; after `patienceMs` it goes beside the
   * answers. Whoever is inside such work already goes on at once. Throws what `work` throws.
   */
  runInBackground<T>(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
    wish?: { restMs?: number | undefined; patienceMs?: number | undefined },
  ): Promise<T>
  stats(): { waiting: number; working: number; preempted: number }
}

/**
 * Who may use a model server when.
 *
 *     waiting ──(nobody is answered, nothing else runs, rested)──► working ──► done
 *        ▲                                                            │
 *        └──────── backoff ◄── somebody asks: the request is closed ◄─┘
 *
 * A remote service gets a few background calls at once instead, whoever is answered.
 */
export function createScheduler({
  remote,
  closing,
  pace = {},
}: {
  remote: boolean
  closing: AbortSignal
  pace?: SchedulerTimings
}): Scheduler {
  const rest = pace.restMs ?? restMs
  const backoff = pace.firstBackoffMs ?? firstBackoffMs
  const longestWait = pace.longestWaitMs ?? longestWaitMs
  const waiting: BackgroundCall[] = []
  const working = new Set<BackgroundCall>()
  const inside = new AsyncLocalStorage<BackgroundCall>()
  let answers = 0
  let answeredAt = Number.NEGATIVE_INFINITY
  let preempted = 0
  let timer: NodeJS.Timeout | undefined

  const isInside = () => working.has(inside.getStore() as BackgroundCall)
  const isOverdue = (job: BackgroundCall, now: number) => now >= job.since + job.patience

  /** When a job may begin, as things stand; Infinity while somebody is answered. */
  function startOf(job: BackgroundCall): number {
    if (remote) return job.notBefore
    const overdueAt = job.since + job.patience
    return Math.min(
      answers > 0 ? Number.POSITIVE_INFINITY : Math.max(job.notBefore, answeredAt + job.rest),
      overdueAt,
    )
  }

  function pump(): void {
    clearTimeout(timer)
    const room = () => working.size < (remote ? remoteAtOnce : 1)
    while (room()) {
      const now = Date.now()
      const job = waiting.find((each) => startOf(each) <= now)
      if (!job) break
      waiting.splice(waiting.indexOf(job), 1)
      void attempt(job)
    }
    if (!room()) return
    const next = Math.min(...waiting.map(startOf))
    if (next < Number.POSITIVE_INFINITY) timer = setTimeout(pump, Math.max(1, next - Date.now())).unref()
  }

  async function attempt(job: BackgroundCall): Promise<void> {
    const own = new AbortController()
    job.attempt = own
    working.add(job)
    try {
      await inside.run(job, () => job.run(AbortSignal.any([job.signal, own.signal])))
    } catch (error) {
      if (own.signal.aborted && !job.signal.aborted) {
        job.notBefore = Date.now() + Math.min(backoff * 2 ** job.preempted, longestBackoffMs)
        job.preempted += 1
        preempted += 1
        waiting.unshift(job)
      } else job.fail(error)
    } finally {
      working.delete(job)
      pump()
    }
  }

  return {
    beginAnswer() {
      if (remote || isInside()) return () => {}
      answers += 1
      const now = Date.now()
      for (const job of working)
        if (!isOverdue(job, now)) job.attempt?.abort(new Error('an answer goes first'))
      let over = false
      return () => {
        if (over) return
        over = true
        answers -= 1
        answeredAt = Date.now()
        pump()
      }
    },

    async runInBackground(signal, work, wish = {}) {
      if (isInside()) return await work(signal)
      const all = AbortSignal.any([signal, closing])
      all.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof work>>>()
      const job: BackgroundCall = {
        run: async (current) => resolve(await work(current)),
        fail: reject,
        signal: all,
        since: Date.now(),
        rest: wish.restMs ?? rest,
        patience: wish.patienceMs ?? longestWait,
        notBefore: 0,
        preempted: 0,
        attempt: undefined,
      }
      const leave = () => {
        const at = waiting.indexOf(job)
        if (at < 0) return
        waiting.splice(at, 1)
        reject(all.reason)
      }
      all.addEventListener('abort', leave, { once: true })
      waiting.push(job)
      pump()
      try {
        return await promise
      } finally {
        all.removeEventListener('abort', leave)
      }
    },

    stats: () => ({ waiting: waiting.length, working: working.size, preempted }),
  }
}

/** The lanes to all model servers, one for each address: two protocols of one server share its lane. */
export function createSchedulers(closing: AbortSignal, pace?: SchedulerTimings) {
  const lanes = new Map<string, Scheduler>()
  return {
    to({ address, remote }: { address: string; remote: boolean }): Scheduler {
      const { origin } = new URL(address)
      const lane = lanes.get(origin) ?? createScheduler({ remote, closing, ...(pace ? { pace } : {}) })
      lanes.set(origin, lane)
      return lane
    },
    stats() {
      const all = [...lanes.values()].map((lane) => lane.stats())
      const sum = (of: (stats: (typeof all)[number]) => number) =>
        all.reduce((total, each) => total + of(each), 0)
      return {
        waiting: sum((each) => each.waiting),
        working: sum((each) => each.working),
        preempted: sum((each) => each.preempted),
      }
    },
  }
}
export type Schedulers = ReturnType<typeof createSchedulers>
