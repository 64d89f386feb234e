import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'

/** The last known state of a service: its value, or the error that made it unavailable. */
export type ServiceState<T> = { isUp: true; value: T } | { isUp: false; error: unknown }

/** The maximum time that a caller waits for a refresh before it gets the previous state. */
const refreshWaitMs = 300
/**
 * A state older than this multiple of the freshness period is not used in place of a refresh; for Ollama, after a
 * minute.
 */
const maxStaleFactor = 12

/**
 * Caches the state of a service (stale-while-revalidate). Concurrent callers share one request. A request that takes
 * longer than `refreshWaitMs` continues in the background while callers get the previous state.
 */
export function cacheServiceState<T>(load: () => Promise<T>, freshMs: { up: number; down: number }) {
  let last: { state: ServiceState<T>; at: number } | undefined
  let loading: Promise<ServiceState<T>> | undefined

  // A shared request must not run in the context of its first caller.
  const run = AsyncLocalStorage.snapshot()
  const refresh = () => {
    loading ??= run(load)
      .then(
        (value): ServiceState<T> => ({ isUp: true, value }),
        (error: unknown): ServiceState<T> => ({ isUp: false, error }),
      )
      .then((state) => {
        last = { state, at: performance.now() }
        loading = undefined
        return state
      })
    return loading
  }

  return {
    /** Returns the state; the previous one without waiting for the refresh if it `suffices`. */
    async get(suffices: (value: T) => boolean = () => false): Promise<ServiceState<T>> {
      if (!last) return refresh()
      const { state: previous, at } = last
      const age = performance.now() - at
      if (age < (previous.isUp ? freshMs.up : freshMs.down)) return previous
      const refreshing = refresh()
      const isTooOld = age > maxStaleFactor * freshMs.up
      if (previous.isUp && !isTooOld && suffices(previous.value)) return previous
      const soon = await Promise.race([refreshing, delay(refreshWaitMs, undefined, { ref: false })])
      if (soon) return soon
      return previous.isUp && isTooOld ? refreshing : previous
    },
    /** Loads the state without the cache, for example before reporting that something is missing. */
    refresh,
    /** Returns the last state without a request. */
    last: (): ServiceState<T> | undefined => last?.state,
    clear(): void {
      last = undefined
    },
  }
}
